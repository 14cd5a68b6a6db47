import { describe, expect, it } from 'vitest';
import { ago, alignedDuration, clock, clockMarks, counted, duration, exact, roundAxis } from './durations';

describe('duration', () => {
  it.each([
    [0, '0 s'],
    [0.4, '< 1 s'],
    [12, '12 s'],
    [59.6, '1 m'],
    [72, '1 m 12 s'],
    [600, '10 m'],
    [3_600, '1 h'],
    [3_605, '1 h'],
    [7_500, '2 h 5 m'],
    [86_400, '1 d'],
    [356_400, '4 d 3 h'],
    [-5, '0 s'],
  ])('says %d s as %s', (seconds, words) => {
    expect(duration(seconds)).toBe(words);
  });

  it('never has more than two units', () => {
    for (let seconds = 1; seconds < 3_000_000; seconds = Math.ceil(seconds * 1.13)) {
      expect(duration(seconds).match(/[a-z]/g)?.length).toBeLessThanOrEqual(2);
    }
  });
});

describe('ago', () => {
  it.each([
    [1_000, 'just now'],
    [940, '1 min ago'],
    [970, '30 s ago'],
    [1_000 - 86_400, 'yesterday'],
    [1_000 - 86_400 * 12, '12 d ago'],
    [1_180, 'in 3 min'],
  ])('says %d at 1000 as %s', (then, words) => {
    expect(ago(then, 1_000)).toBe(words);
  });
});

it('shows exact times in the zone that was chosen', () => {
  expect(exact(1_795_879_309, 'UTC')).toBe('2026-11-28 15:21:49 UTC');
  expect(exact(1_795_879_309, 'Asia/Kolkata')).toBe('2026-11-28 20:51:49 +05:30');
  expect(clock(1_795_879_309, 'UTC')).toBe('15:21:49');
});

it('counts things', () => {
  expect(counted(1, 'build')).toBe('1 build');
  expect(counted(1_204, 'build')).toBe('1,204 builds');
});

it.each([
  [0, 1, 1],
  [3, 3, 1],
  [840, 900, 300],
  [1_000, 1_200, 300],
  [5_000, 5_400, 1_800],
  [4_000_000, 4_000_000, 1_000_000],
])('has an axis with round marks for %d s', (most, end, step) => {
  expect(roundAxis(most)).toEqual({ end, step });
});

it.each([
  [0.1, '< 1 s'],
  [59, '59 s'],
  [60, '1 m 00 s'],
  [365, '6 m 05 s'],
  [7_500, '2 h 05 m'],
  [86_400, '1 d 00 h'],
  [93_600, '1 d 02 h'],
])('says %d s in a column as %s', (seconds, words) => {
  expect(alignedDuration(seconds)).toBe(words);
});

it.each([
  [10, 10, [10]],
  [61, 66, [62, 64, 66]],
  [3_599, 4_200, [3_600, 3_900, 4_200]],
  [0, 86_400 * 9, [0, 604_800]],
])('has few round marks from %d to %d', (begin, end, marks) => {
  expect(clockMarks(begin, end)).toEqual(marks);
});
