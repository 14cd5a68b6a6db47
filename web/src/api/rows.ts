/** How live events change answers that are shown: rows are updated in place, lists are fetched again. */

import type { Params } from './client';

type Row = Record<string, unknown>;
export type Answer = Record<string, unknown>;

const ID_FIELDS: Record<string, string> = {
  builders: 'builderid',
  builds: 'buildid',
  buildrequests: 'buildrequestid',
  buildsets: 'bsid',
  changes: 'changeid',
  logs: 'logid',
  masters: 'masterid',
  schedulers: 'schedulerid',
  steps: 'stepid',
  workers: 'workerid',
};

/** The rows of an answer, whatever their kind is called there. */
export function rowsOf<T>(answer: Answer | undefined): T[] {
  return (Object.values(answer ?? {}).find(Array.isArray) as T[] | undefined) ?? [];
}

/** Verbs after which only the row itself is different: no list has one more or one less. */
const IN_PLACE = new Set(['update', 'updated', 'append', 'state_updated']);

export const idField = (kind: string): string | undefined => ID_FIELDS[kind];

/** The kind of row that an event is about: `builds/3/steps/7/finished` is about steps. */
export function kindOf(key: readonly string[]): string {
  for (let place = key.length - 3; place >= 0; place -= 1) {
    const segment = key[place];
    if (segment !== undefined && segment in ID_FIELDS && (key.length - place) % 2 === 1) return segment;
  }
  return key[0] ?? '';
}

/** Whether events about a kind of rows may still be about this answer: not all of its rows have ended. */
export function isOpen(kind: string, params: Params, answer: Answer): boolean {
  const rows = answer[kind];
  if (!Array.isArray(rows)) return false;
  return params.complete === false || rows.some((row: Row) => row.complete === false);
}

/** The newest message about each row, by the row's id. */
export function newest(kind: string, messages: readonly Row[]): Map<unknown, Row> {
  const field = ID_FIELDS[kind] ?? '';
  return new Map(messages.map((message) => [message[field], message]));
}

/** The answer with the rows that *news* are about replaced; the same object where none is in there. */
export function withRows<T extends Answer>(answer: T, kind: string, news: ReadonlyMap<unknown, Row>): T {
  const field = ID_FIELDS[kind];
  const rows = answer[kind];
  if (field === undefined || !Array.isArray(rows)) return answer;
  let isChanged = false;
  const changed = rows.map((row: Row) => {
    const message = news.get(row[field]);
    if (message === undefined) return row;
    isChanged = true;
    return merged(row, message);
  });
  return isChanged ? { ...answer, [kind]: changed } : answer;
}

/** The id of the parent that the rows of a list have. */
function ofRows(rows: unknown, field: string): string | undefined {
  const found = Array.isArray(rows) ? (rows[0] as Row | undefined)?.[field] : undefined;
  return found === undefined ? undefined : String(found);
}

function merged(row: Row, message: Row): Row {
  const found = { ...row };
  for (const name of Object.keys(row)) {
    // Events have no properties unless somebody asked for them: what is known stays.
    if (name !== 'properties' && name in message) found[name] = message[name];
  }
  return found;
}

/** The kind of row that the answers of a path list. */
export const listedKind = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Whether a list may have become another one: a row came, went, or changed what lists filter by. */
export function mayChangeList(
  path: string,
  params: Params,
  answer: Answer | undefined,
  key: readonly string[],
  message: Row,
): boolean {
  const kind = kindOf(key);
  const segments = path.split('/');
  if (segments.at(-1) !== kind) return false;
  for (let place = 0; place + 2 < segments.length; place += 2) {
    const field = ID_FIELDS[segments[place] ?? ''];
    let value = segments[place + 1];
    // Builds of a builder and steps of a build are known by their numbers there, not by their ids.
    if (place > 0) value = field && ofRows(answer?.[kind], field);
    if (field && value && /^\d+$/.test(value) && field in message && String(message[field]) !== value)
      return false;
  }
  if (!IN_PLACE.has(key.at(-1) ?? '')) return true;
  const field = ID_FIELDS[kind];
  const rows = answer?.[kind];
  const isShown =
    field !== undefined &&
    Array.isArray(rows) &&
    rows.some((row: Row) => row[field] === message[field]);
  return !isShown && Object.keys(params).some((name) => name in message);
}
