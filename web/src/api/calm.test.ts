import { expect, it } from 'vitest';
import { Calm } from './calm';

/** When lists are fetched while something changes every so many milliseconds. */
function fetches(every: number, until: number): number[] {
  const calm = new Calm();
  const found: number[] = [];
  let due: number | undefined;
  for (let now = 0; now <= until; now += every) {
    if (due !== undefined && now >= due) {
      found.push(due);
      calm.fetched(due);
      due = undefined;
    }
    due ??= now + calm.after(now);
  }
  return found;
}

it('waits longer where there is always something', () => {
  expect(fetches(10, 12_000)).toEqual([700, 2_100, 4_900, 8_900]);
});

it('fetches soon what changes now and then', () => {
  expect(fetches(5_000, 15_000)).toEqual([700, 5_700, 10_700]);
});

it('is quick again after a silence', () => {
  const calm = new Calm();
  calm.fetched(0);
  expect(calm.after(100)).toBe(1_400);
  calm.fetched(1_500);
  expect(calm.after(9_000)).toBe(700);
});

it('says whether there is always something', () => {
  const calm = new Calm();
  calm.after(0);
  expect(calm.isBusy).toBe(false);
  calm.fetched(700);
  calm.after(710);
  expect(calm.isBusy).toBe(true);
});
