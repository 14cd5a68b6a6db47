import { expect, it } from 'vitest';
import type { Builder, RecentBuild } from '@/api/types';
import { builderState, grouped, redStreak, sorted } from './builderList';

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

const named = (name: string, builds: Builder, more: Partial<Builder> = {}): Builder => ({ ...builds, name, tags: [], projectid: null, ...more });
const since = (at: number): Builder =>
  ({ recent_builds: [{ buildid: at, number: 2, results: FAILURE, started_at: at, complete_at: at }, { buildid: at - 1, number: 1, results: SUCCESS, started_at: 1, complete_at: 2 }] }) as unknown as Builder;

it('sorts by what needs attention: broken last, then what runs, what waits, and the rest by name', () => {
  const all = [
    named('passed b', builder(SUCCESS)),
    named('never', builder()),
    named('broken long ago', since(100)),
    named('waits', builder(SUCCESS), { pending_count: 2 }),
    named('broken now', since(900)),
    named('runs', builder(null, SUCCESS), { running_count: 1 }),
    named('passed a', builder(SUCCESS)),
    named('warns', builder(1)),
  ];
  expect(sorted(all, 'state').map(({ name }) => name)).toEqual([
    'broken now',
    'broken long ago',
    'runs',
    'waits',
    'warns',
    'passed a',
    'passed b',
    'never',
  ]);
});

it('groups by what names begin with, and those that are alone together', () => {
  const all = ['linux-debug', 'fuzz', 'linux_release', 'mac.debug', 'mac.release', 'site'].map((name) => named(name, builder()));
  expect(grouped(all, 'prefix', new Map()).map((group) => [group.name, group.builders.map(({ name }) => name)])).toEqual([
    ['linux', ['linux-debug', 'linux_release']],
    ['mac', ['mac.debug', 'mac.release']],
    ['others', ['fuzz', 'site']],
  ]);
  expect(grouped(all.toReversed(), 'prefix', new Map(), true).map(({ name }) => name)).toEqual(['others', 'mac', 'linux']);
});
