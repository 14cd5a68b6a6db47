import { expect, it } from 'vitest';
import { byDay, dayName } from './days';

const NOON = Date.UTC(2026, 10, 28, 12) / 1_000;

it('names days', () => {
  expect(dayName(NOON - 3_600, NOON, 'UTC')).toBe('Today');
  expect(dayName(NOON - 86_400, NOON, 'UTC')).toBe('Yesterday');
  expect(dayName(NOON - 4 * 86_400, NOON, 'UTC')).toBe('Tue 24 November');
  expect(dayName(NOON - 400 * 86_400, NOON, 'UTC')).toContain('2025');
});

it('divides rows by the days of the zone', () => {
  const rows = [NOON, NOON - 11 * 3_600, NOON - 13 * 3_600];
  expect(byDay(rows, (at) => at, 'UTC').map((day) => day.rows.length)).toEqual([2, 1]);
  expect(byDay(rows, (at) => at, 'America/New_York').map((day) => day.rows.length)).toEqual([1, 2]);
});
