import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pace } from './pace';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** News that take so long from being taken in to being drawn. */
function drawn(pace: Pace, milliseconds: number): void {
  pace.begin();
  vi.advanceTimersToNextFrame();
  vi.setSystemTime(Date.now());
  const frame = vi.spyOn(performance, 'now').mockReturnValue(performance.now() - 16 + milliseconds);
  vi.runAllTimers();
  frame.mockRestore();
}

it('draws what is drawn fast as often as is asked for', () => {
  const pace = new Pace();
  expect(pace.pause(250)).toBe(250);
  for (let turn = 0; turn < 9; turn += 1) drawn(pace, 16);
  expect(pace.pause(250)).toBe(250);
});

it('draws rarely what takes long, and as often as before when it is fast again', () => {
  const pace = new Pace();
  for (let turn = 0; turn < 9; turn += 1) drawn(pace, 60);
  expect(pace.pause(250)).toBeGreaterThan(1_000);
  expect(pace.pause(250)).toBeLessThan(1_150);
  expect(pace.pause(4_000)).toBe(4_000);
  for (let turn = 0; turn < 9; turn += 1) drawn(pace, 900);
  expect(pace.pause(250)).toBe(2_000);
  for (let turn = 0; turn < 9; turn += 1) drawn(pace, 16);
  expect(pace.pause(250)).toBeLessThan(270);
});
