/** Trends: rows of `statistics/…` as series to plot, and as tables to download. */

export interface BuilderStatistics {
  starts_at: number;
  builds: number;
  counts: Record<string, number>;
  median_seconds: number | null;
  p90_seconds: number | null;
  median_wait_seconds: number | null;
  p90_wait_seconds: number | null;
}

/** How often a step or a test failed, and went from failing to passing or back. */
export interface Flakiness {
  builderid: number;
  builder: string;
  name: string;
  builds: number;
  failures: number;
  flips: number;
}

export interface WorkerStatistics {
  workerid: number;
  name: string;
  starts_at: number;
  busy_seconds: number;
  builds: number;
}

export type Interval = 'hour' | 'day' | 'week';

/** Few enough points to read, many enough to see something: hours up to three days, weeks from half a year on. */
export function intervalOf(days: number): Interval {
  if (days <= 3) return 'hour';
  return days > 180 ? 'week' : 'day';
}

export const SECONDS: Record<Interval, number> = { hour: 3_600, day: 86_400, week: 604_800 };

/** The share of builds that failed, or ended with an exception; null without any that tell. */
export function failureRate({ counts }: BuilderStatistics): number | null {
  const bad = (counts.failure ?? 0) + (counts.exception ?? 0);
  const telling = bad + (counts.success ?? 0) + (counts.warnings ?? 0);
  return telling === 0 ? null : bad / telling;
}

export interface Utilisation {
  workerid: number;
  name: string;
  builds: number;
  busy_seconds: number;
  /** Busy seconds by second of the time: above 1 where builds ran side by side. */
  share: number;
}

/** Workers by how busy they were between two moments, the busiest first. */
export function utilisation(rows: readonly WorkerStatistics[], since: number, until: number): Utilisation[] {
  const found = new Map<number, Utilisation>();
  for (const row of rows) {
    const known = found.get(row.workerid) ?? { workerid: row.workerid, name: row.name, builds: 0, busy_seconds: 0, share: 0 };
    known.builds += row.builds;
    known.busy_seconds += row.busy_seconds;
    known.share = known.busy_seconds / Math.max(1, until - since);
    found.set(row.workerid, known);
  }
  return [...found.values()].toSorted((one, other) => other.busy_seconds - one.busy_seconds || one.name.localeCompare(other.name));
}

type Value = string | number | null;

/** A table as CSV (RFC 4180): a heading, and rows. */
export function csv(heading: readonly string[], rows: readonly (readonly Value[])[]): string {
  return [heading, ...rows].map((row) => row.map(csvField).join(',')).join('\r\n') + '\r\n';
}

function csvField(value: Value): string {
  if (value === null) return '';
  // A name that begins like a formula would be one in a spreadsheet.
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const isoMoment = (moment: number): string => new Date(moment * 1_000).toISOString();

type Values = readonly (number | null)[];

/** The values of moments that have ended, the last one left out if it has not. */
export const closedOf = (values: Values, isLastOpen: boolean): (number | null)[] => (isLastOpen ? [...values.slice(0, -1), null] : [...values]);

/** The last value, and the one before it from which a line leads there. */
export function tailOf(values: Values): (number | null)[] {
  const before = values.slice(0, -1).findLastIndex((value) => value !== null);
  return values.map((value, place) => (place === before || place === values.length - 1 ? value : null));
}
