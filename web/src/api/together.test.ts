import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Together } from './together';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('hands on at once what comes alone, and together what comes in a burst, in its order', () => {
  const taken: number[][] = [];
  const together = new Together<number>((all) => void taken.push([...all]));

  together.add(1);
  vi.advanceTimersByTime(0);
  expect(taken).toEqual([[1]]);

  for (let number = 2; number < 102; number += 1) {
    together.add(number);
    vi.advanceTimersByTime(5);
  }
  vi.advanceTimersByTime(1_000);

  expect(taken.flat()).toEqual(Array.from({ length: 101 }, (_, place) => place + 1));
  expect(taken.length).toBeLessThan(9);

  together.add(200);
  vi.advanceTimersByTime(0);
  expect(taken.at(-1)).toEqual([200]);
});

it('hands on nothing after its end', () => {
  const take = vi.fn();
  const together = new Together<number>(take, () => 250);

  together.add(1);
  together.end();
  vi.advanceTimersByTime(1_000);

  expect(take).not.toHaveBeenCalled();
});
