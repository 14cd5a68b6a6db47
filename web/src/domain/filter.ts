/** The filter language of lists: `tag:linux state:failed -tag:nightly name~arm age:>10m words`. */

export interface Condition {
  key: string;
  value: string;
  negated: boolean;
  /** `~`: contained in; `:`: equal (for `name:` as well: `*` stands for anything). */
  operator: ':' | '~';
}

export interface Facts {
  /** Values by key, in lower case: `tag` → ['linux', 'nightly']. */
  [key: string]: readonly string[];
}

const TOKEN = /(-)?(?:([a-z]+)([:~]))?("([^"]*)"?|\S+)/gi;

/** Read a filter; words without a key look into `name` and `tag`. */
export function parseFilter(text: string): Condition[] {
  const found: Condition[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const [, minus, key, operator, raw, quoted] = match;
    const value = (quoted ?? raw ?? '').toLowerCase();
    if (value === '' || value === '-') continue;
    found.push({
      key: key?.toLowerCase() ?? '',
      value,
      negated: minus === '-',
      operator: operator === ':' ? ':' : '~',
    });
  }
  return found;
}

/** Whether what is known of a row meets all conditions. Values of the same key are alternatives. */
export function matches(conditions: readonly Condition[], facts: Facts): boolean {
  const wanted = new Map<string, boolean>();
  for (const condition of conditions) {
    const holds = isMet(condition, facts);
    if (condition.negated) {
      if (holds) return false;
    } else if (condition.key === '') {
      if (!holds) return false;
    } else {
      wanted.set(condition.key, (wanted.get(condition.key) ?? false) || holds);
    }
  }
  return [...wanted.values()].every(Boolean);
}

function isMet(condition: Condition, facts: Facts): boolean {
  const values =
    condition.key === '' ? [...(facts.name ?? []), ...(facts.tag ?? [])] : facts[condition.key];
  if (values === undefined) return false;
  const bound = BOUND.exec(condition.value);
  if (condition.operator === ':' && bound) return values.some((value) => isBeyond(Number(value), bound));
  if (condition.operator === '~') return values.some((value) => value.includes(condition.value));
  if (condition.value.includes('*')) {
    const pattern = new RegExp(
      `^${condition.value.split('*').map(escaped).join('.*')}$`,
    );
    return values.some((value) => pattern.test(value));
  }
  return values.includes(condition.value);
}

/** `>10m`, `<=3`: a comparison with a number, or with a duration in seconds. */
const BOUND = /^([<>]=?)(-?\d+(?:\.\d+)?)([smhd]?)$/;
const UNITS: Record<string, number> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400 };

function isBeyond(value: number, [, sign = '', number, unit = '']: RegExpExecArray): boolean {
  const limit = Number(number) * (UNITS[unit] ?? 1);
  if (value === limit) return sign.endsWith('=');
  return sign.startsWith('>') ? value > limit : value < limit;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
