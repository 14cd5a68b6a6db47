/** Durations and moments as people read them. Seconds everywhere. */

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
];

/** `12 s`, `3 m 10 s`, `2 h 5 m`, `4 d 3 h`; at most two units. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '';
  let rest = Math.max(0, Math.round(seconds));
  if (rest === 0 && seconds > 0) return '< 1 s';
  const parts: string[] = [];
  for (const [size, name] of UNITS) {
    if (rest >= size || parts.length > 0) {
      const count = Math.floor(rest / size);
      if (parts.length === 0 || count > 0) parts.push(`${count} ${name}`);
      rest -= count * size;
      if (parts.length === 2 || (name === 'h' && parts.length > 0 && rest < 60)) return parts.join(' ');
    }
  }
  if (parts.length === 0 || (rest > 0 && parts.length < 2 && !parts[0]?.endsWith('d')))
    parts.push(`${rest} s`);
  return parts.join(' ');
}

/** `just now`, `4 min ago`, `3 h ago`, `yesterday`, `12 d ago`, `in 3 min`. */
export function ago(then: number, now: number): string {
  const passed = now - then;
  const ahead = passed < -1;
  const seconds = Math.abs(passed);
  if (seconds < 5) return 'just now';
  const text = span(seconds);
  if (!ahead && text === '1 d') return 'yesterday';
  return ahead ? `in ${text}` : `${text} ago`;
}

function span(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.round(seconds / 3_600)} h`;
  if (seconds < 86_400 * 60) return `${Math.round(seconds / 86_400)} d`;
  if (seconds < 86_400 * 730) return `${Math.round(seconds / (86_400 * 30.4))} months`;
  return `${Math.round(seconds / (86_400 * 365))} years`;
}

/** How long until the text of {@link ago} changes, in seconds. */
export function untilNextText(then: number, now: number): number {
  const seconds = Math.abs(now - then);
  if (seconds < 60) return 1;
  return seconds < 3_600 ? 15 : 300;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** A formatter of moments, made once: making one takes longer than drawing a row. */
export function momentFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (found === undefined) formats.set(key, (found = new Intl.DateTimeFormat(locale, options)));
  return found;
}

/** The exact moment, in ISO 8601 with the offset of the zone. */
export function exact(moment: number, zone?: string): string {
  const date = new Date(moment * 1_000);
  const format = momentFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone: zone });
  const offset = momentFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
    .formatToParts(date)
    .find((part) => part.type === 'timeZoneName')?.value;
  return `${format.format(date)} ${(offset ?? '').replace(/^GMT(\+00:00)?$/, 'UTC').replace('GMT', '')}`.trim();
}

/** `12:04:31`, in the zone. */
export function clock(moment: number, zone?: string, withSeconds = true): string {
  return momentFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: withSeconds ? '2-digit' : undefined,
    timeZone: zone,
  }).format(new Date(moment * 1_000));
}

/** Round times between two moments, five at most: the marks of a scale. */
export function clockMarks(begin: number, end: number): number[] {
  const step = ROUND_SECONDS.find((one) => (end - begin) / one <= 4) ?? 604_800 * Math.ceil((end - begin) / 2_419_200);
  const marks: number[] = [];
  for (let mark = Math.ceil(begin / step) * step; mark <= end; mark += step) marks.push(mark);
  return marks;
}

/** A duration below others: `6 m 05 s`, `2 h 05 m`, always two units from a minute on. */
export function alignedDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (!Number.isFinite(seconds) || whole < 60) return duration(seconds);
  const [unit, name, part, rest]: [number, string, number, string] =
    whole < 3_600 ? [60, 'm', 1, 's'] : whole < 86_400 ? [3_600, 'h', 60, 'm'] : [86_400, 'd', 3_600, 'h'];
  return `${Math.floor(whole / unit)} ${name} ${String(Math.floor((whole % unit) / part)).padStart(2, '0')} ${rest}`;
}

const numbers = new Intl.NumberFormat('en');

/** `1,204`. */
export function count(number: number): string {
  return numbers.format(number);
}

/** `1 build`, `3 builds`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** Steps of axes of durations, in seconds: at minutes and hours. */
export const ROUND_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800];

/** The end of an axis from 0 that shows *most*, and the step of its marks: two to four steps. */
export function roundAxis(most: number): { end: number; step: number } {
  const step = ROUND_SECONDS.find((one) => most <= one * 4) ?? Math.ceil(most / 4);
  return { end: Math.max(1, Math.ceil(most / step)) * step, step };
}
