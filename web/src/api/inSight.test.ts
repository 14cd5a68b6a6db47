import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { InSight } from './inSight';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const asking = (asked: number[][]) =>
  new InSight<string>(async (ids) => {
    asked.push(ids);
    return new Map(ids.filter((id) => id !== 9).map((id) => [id, `about ${id}`]));
  }, 3);

test('rows that come into sight together are one question, each asked about once', async () => {
  const asked: number[][] = [];
  const rows = asking(asked);

  const answers = Promise.all([2, 1, 9, 2].map((id) => rows.about(id)));
  await vi.runAllTimersAsync();

  expect(await answers).toEqual(['about 2', 'about 1', null, 'about 2']);
  expect(asked).toEqual([[1, 2, 9]]);
});

test('no question is about too many, and the rows that came last are first', async () => {
  const asked: number[][] = [];
  const rows = asking(asked);

  const answers = Promise.all([1, 2, 3, 4, 5].map((id) => rows.about(id)));
  await vi.runAllTimersAsync();

  expect(await answers).toHaveLength(5);
  expect(asked).toEqual([[3, 4, 5], [1, 2]]);
});

test('rows that are out of sight again are not asked about', async () => {
  const asked: number[][] = [];
  const rows = asking(asked);
  const gone = new AbortController();

  void rows.about(1, gone.signal);
  const answer = rows.about(2);
  gone.abort();
  await vi.runAllTimersAsync();

  expect(await answer).toBe('about 2');
  expect(asked).toEqual([[2]]);
});

test('all who wait are told when a question fails', async () => {
  const rows = new InSight<string>(async () => {
    throw new Error('busy');
  }, 3);

  const answers = Promise.allSettled([rows.about(1), rows.about(2)]);
  await vi.runAllTimersAsync();

  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
