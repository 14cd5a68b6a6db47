import { expect, it } from 'vitest';
import type { Builder, RecentBuild } from '@/api/types';
import { builderState, directionOf, redStreak } from './builderList';

const SUCCESS = 0;
const FAILURE = 2;
const EXCEPTION = 4;
const RETRY = 5;
const CANCELLED = 6;

/** A builder with builds of these results, the newest first; null runs. */
const builder = (...results: (number | null)[]): Builder =>
  ({
    recent_builds: results.map(
      (result, index): RecentBuild => ({
        buildid: results.length - index,
        number: results.length - index,
        results: result,
        started_at: 100 - index,
        complete_at: result === null ? null : 101 - index,
      }),
    ),
  }) as Builder;

it('shows the state of the newest build that says something', () => {
  expect(builderState(builder(null, RETRY, CANCELLED, FAILURE, SUCCESS))).toBe('failure');
  expect(builderState(builder(null))).toBe('running');
  expect(builderState(builder())).toBe('unknown');
});

it('counts for how many builds a builder has been red, over those that say nothing', () => {
  const streak = redStreak(builder(null, RETRY, FAILURE, CANCELLED, EXCEPTION, SUCCESS, FAILURE));
  expect(streak).toMatchObject({ count: 2, isAtLeast: false });
  expect([streak?.newest.number, streak?.first.number]).toEqual([5, 3]);
});

it('does not pretend to know when it began', () => {
  expect(redStreak(builder(FAILURE, FAILURE))).toMatchObject({ count: 2, isAtLeast: true });
  expect(redStreak(builder(SUCCESS, FAILURE))).toBeUndefined();
  expect(redStreak(builder())).toBeUndefined();
});

it.each([
  ['name', 'name', 'ascending'],
  ['-name', 'name', 'descending'],
  ['last', 'last', 'descending'],
  ['-last', 'last', 'ascending'],
  ['rate', 'name', undefined],
] as const)('sorted by %s, says of %s that it is %s', (sort, key, direction) => {
  expect(directionOf(sort, key)).toBe(direction);
});
