/** Days as headings of lists. */

import { momentFormat } from './durations';

/** `Today`, `Yesterday`, `Thu 12 November`, with the year where it is another one; in the zone. */
export function dayName(moment: number, now: number, zone?: string): string {
  const key = dayKey(moment, zone);
  if (key === dayKey(now, zone)) return 'Today';
  if (key === dayKey(now - 86_400, zone)) return 'Yesterday';
  return momentFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'long',
    year: key.slice(0, 4) === dayKey(now, zone).slice(0, 4) ? undefined : 'numeric',
    timeZone: zone,
  }).format(new Date(moment * 1_000));
}

/** `2026-11-28`. */
export function dayKey(moment: number, zone?: string): string {
  return momentFormat('sv-SE', { timeZone: zone }).format(new Date(moment * 1_000));
}

/** Rows that follow each other on the same day, in the given order. */
export function byDay<T>(rows: readonly T[], at: (row: T) => number, zone?: string): { key: string; rows: T[] }[] {
  const days: { key: string; rows: T[] }[] = [];
  for (const row of rows) {
    const key = dayKey(at(row), zone);
    const last = days.at(-1);
    if (last?.key === key) last.rows.push(row);
    else days.push({ key, rows: [row] });
  }
  return days;
}
