import { expect, test } from 'vitest';
import { busySeconds, firstHour, hoursByWorker } from './busyHours';

const NOW = 1_700_000_000;

test('the present hour is the last of 24', () => {
  const first = firstHour(NOW);
  expect(first % 3_600).toBe(0);
  expect(first + 23 * 3_600).toBeLessThanOrEqual(NOW);
  expect(first + 24 * 3_600).toBeGreaterThan(NOW);
});

test('rows become hours of their worker, and builds at the same time fill no more than the hour', () => {
  const first = firstHour(NOW);
  const found = hoursByWorker(
    [
      { starts_at: first, workerid: 7, busy_seconds: 1_800, builds: 2 },
      { starts_at: first + 3_600 * 23, workerid: 7, busy_seconds: 9_000, builds: 5 },
      { starts_at: first, workerid: 8, busy_seconds: 36, builds: 1 },
      { starts_at: first - 3_600, workerid: 8, busy_seconds: 3_600, builds: 1 },
    ],
    first,
  );
  const seven = found.get(7) ?? [];
  expect(seven).toHaveLength(24);
  expect(seven[0]).toMatchObject({ share: 0.5, builds: 2 });
  expect(seven[1]).toMatchObject({ share: 0, builds: 0 });
  expect(seven[23]).toMatchObject({ share: 1, seconds: 9_000 });
  expect(busySeconds(seven)).toBe(10_800);
  expect(busySeconds(found.get(8) ?? [])).toBe(36);
  expect(found.has(9)).toBe(false);
});
