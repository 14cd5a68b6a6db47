import { expect, it } from 'vitest';
import { Heights } from './heights';

it('places rows of one height', () => {
  const heights = new Heights(20);

  expect(heights.start(700_000)).toBe(14_000_000);
  expect(heights.rowAt(0, 1_000)).toBe(0);
  expect(heights.rowAt(19, 1_000)).toBe(0);
  expect(heights.rowAt(20, 1_000)).toBe(1);
  expect(heights.rowAt(1_000_000, 1_000)).toBe(999);
  expect(heights.rowAt(50, 0)).toBe(0);
});

it('places rows after higher ones', () => {
  const heights = new Heights(20);

  expect(heights.measured(5, 60)).toBe(40);
  expect(heights.measured(2, 30)).toBe(10);
  expect(heights.measured(2, 30)).toBe(0);

  expect([2, 3, 5, 6, 100].map((row) => heights.start(row))).toEqual([40, 70, 110, 170, 2_050]);
  expect([109, 110, 169, 170].map((pixels) => heights.rowAt(pixels, 1_000))).toEqual([4, 5, 5, 6]);
});

it('forgets that a row was higher', () => {
  const heights = new Heights(20);
  heights.measured(5, 60);

  expect(heights.measured(5, 20)).toBe(-40);

  expect(heights.start(6)).toBe(120);
});

it('finds every row at its start', () => {
  const heights = new Heights(20);
  for (let row = 0; row < 300; row += 7) heights.measured(row, 20 + (row % 5) * 20);

  for (let row = 0; row < 300; row += 1) expect(heights.rowAt(heights.start(row), 300)).toBe(row);
});
