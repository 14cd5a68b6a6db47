import { afterEach, expect, it, vi } from 'vitest';
import type { WhyGroup } from '@/api/types';
import { cancelGroup } from './cancelling';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const answer = (body: unknown, status = 200) => Promise.resolve(new Response(JSON.stringify(body), { status }));

/** A master where these requests wait; it names two at a time, and some cannot be cancelled. */
function master(waiting: number[], refusals: Record<number, number> = {}) {
  const left = new Set(waiting);
  const cancelled: number[] = [];
  const named = (): WhyGroup =>
    ({ kind: 'lock_held', group: 'a', sentence: `${left.size} wait`, count: left.size, buildrequestids: [...left].slice(0, 2) }) as unknown as WhyGroup;
  const other = { ...named(), group: 'b', buildrequestids: [99] };
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    if (init.method !== 'POST') return answer({ why: left.size > 0 ? [other, named()] : [other] });
    const id = Number(/buildrequests\/(\d+)/.exec(url)?.[1]);
    const status = refusals[id];
    if (status === 403) return answer({ error: { message: 'you may not' } }, 403);
    left.delete(id);
    if (status) return answer({ error: { message: 'it has ended' } }, status);
    cancelled.push(id);
    return answer({ result: null });
  });
  return { group: named(), cancelled };
}

it('cancels all of a group, however few the API names at a time, and nothing of another', async () => {
  const { group, cancelled } = master([1, 2, 3, 4, 5]);
  const told: number[] = [];
  expect(await cancelGroup(group, 'why', (done) => told.push(done) > 0)).toBe(5);
  expect(cancelled).toEqual([1, 2, 3, 4, 5]);
  expect(told).toEqual([1, 2, 3, 4, 5]);
});

it('goes on past what has ended meanwhile', async () => {
  const { group, cancelled } = master([1, 2, 3], { 2: 404 });
  expect(await cancelGroup(group, '', () => true)).toBe(2);
  expect(cancelled).toEqual([1, 3]);
});

it('stops when it is told to, and at a refusal', async () => {
  const first = master([1, 2, 3]);
  expect(await cancelGroup(first.group, '', (done) => done < 2)).toBe(2);
  const second = master([1, 2, 3], { 2: 403 });
  await expect(cancelGroup(second.group, '', () => true)).rejects.toThrow('you may not');
  expect(second.cancelled).toEqual([1]);
});

it('waits where the master is asked too much', async () => {
  vi.useFakeTimers();
  const { group, cancelled } = master([1]);
  const asked = globalThis.fetch;
  let refusals = 2;
  vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
    init.method === 'POST' && refusals-- > 0 ? answer({ error: { message: 'slower' } }, 429) : asked(url, init),
  );
  const ended = cancelGroup(group, '', () => true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await ended).toBe(1);
  expect(cancelled).toEqual([1]);
});
