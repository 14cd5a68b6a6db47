import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { turning } from './turning';

const mark = () => document.createElementNS('http://www.w3.org/2000/svg', 'svg');
let isStill = false;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('matchMedia', () => ({ matches: isStill }));
});
afterEach(() => {
  isStill = false;
  delete document.documentElement.dataset.motion;
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('turns all marks together, and nothing when none is left', () => {
  const [first, second] = [mark(), mark()];
  const ends = [turning(first), turning(second)];
  vi.advanceTimersByTime(500);
  expect(first.style.rotate).not.toBe('');
  expect(first.style.rotate).toBe(second.style.rotate);
  ends.forEach((end) => end());
  expect(vi.getTimerCount()).toBe(0);
});

it.each(['machine', 'setting'])('does not move where little motion is wanted by the %s', (who) => {
  isStill = who === 'machine';
  if (who === 'setting') document.documentElement.dataset.motion = 'reduced';
  const one = mark();
  const end = turning(one);
  vi.advanceTimersByTime(500);
  expect(one.style.rotate).toBe('');
  end();
});
