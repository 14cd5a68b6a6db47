import { expect, it } from 'vitest';
import { closedOf, csv, failureRate, intervalOf, tailOf, utilisation, type BuilderStatistics } from './trends';

const row = (counts: Record<string, number>): BuilderStatistics => ({
  starts_at: 0, builds: 0, counts, median_seconds: null, p90_seconds: null, median_wait_seconds: null, p90_wait_seconds: null,
});

it('counts failures among builds that tell something', () => {
  expect(failureRate(row({ success: 6, warnings: 1, failure: 2, exception: 1, retry: 5, cancelled: 3 }))).toBeCloseTo(0.3);
  expect(failureRate(row({ cancelled: 3 }))).toBeNull();
});

it('has points that can be read', () => {
  expect([1, 7, 90, 365].map(intervalOf)).toEqual(['hour', 'day', 'day', 'week']);
});

it('adds up what workers did, the busiest first', () => {
  const rows = [
    { workerid: 1, name: 'a', starts_at: 0, busy_seconds: 10, builds: 1 },
    { workerid: 2, name: 'b', starts_at: 0, busy_seconds: 90, builds: 2 },
    { workerid: 1, name: 'a', starts_at: 50, busy_seconds: 30, builds: 3 },
  ];
  expect(utilisation(rows, 0, 100)).toEqual([
    { workerid: 2, name: 'b', builds: 2, busy_seconds: 90, share: 0.9 },
    { workerid: 1, name: 'a', builds: 4, busy_seconds: 40, share: 0.4 },
  ]);
});

it('writes CSV that spreadsheets read, and no formulas', () => {
  expect(csv(['name', 'n'], [['a "b", c', 1.5], ['=cmd()', null], ['x', -2]])).toBe('name,n\r\n"a ""b"", c",1.5\r\n\'=cmd(),\r\nx,-2\r\n');
});

it('keeps what has not ended apart from what has', () => {
  expect(closedOf([1, 2, 3], true)).toEqual([1, 2, null]);
  expect(closedOf([1, 2, 3], false)).toEqual([1, 2, 3]);
  expect(tailOf([1, 2, null, 3])).toEqual([null, 2, null, 3]);
  expect(tailOf([5])).toEqual([5]);
});
