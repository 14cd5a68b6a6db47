import { expect, it } from 'vitest';
import type { WhyGroup } from '@/api/types';
import { explained, filtered, inOrder, narrowed, queueOf, type WaitingRequest } from './pending';

const NOW = 10_000;
const request = (id: number, builderid: number, age: number, priority = 0): WaitingRequest => ({
  buildrequestid: id,
  builderid,
  priority,
  submitted_at: NOW - age,
});

const group = (reason: string, builders: [number, string, number][], ids: number[], details = {}): WhyGroup => ({
  kind: 'workers_busy',
  sentence: reason,
  reason,
  details,
  group: reason,
  count: ids.length,
  oldest_submitted_at: 0,
  builders: builders.map(([builderid, name, count]) => ({ builderid, name, count })),
  buildrequestids: ids,
});

const GROUPS = [
  group('worker arm-7 is already running 1 build', [[1, 'linux-arm', 2], [2, 'docs', 1]], [1, 3], { workers: [['arm-7', 1, 1]] }),
  group('none of its workers is connected', [[3, 'mac', 1]], [4], { workers: ['mac-1'] }),
];
// Request 2 is not named by its group: it waits with the others of its builder.
const REQUESTS = [request(1, 1, 700, 5), request(2, 1, 60), request(3, 2, 4_000), request(4, 3, 90, -1)];
const ALL = explained(REQUESTS, GROUPS, new Map());
const ids = (some: typeof ALL) => some.map((one) => one.request.buildrequestid);

it.each([
  ['', [1, 2, 3, 4]],
  ['arm', [1, 2, 3]],
  ['builder:linux-*', [1, 2]],
  ['worker:arm-7 -builder:docs', [1, 2]],
  ['worker:mac-1', [4]],
  ['reason~connected', [4]],
  ['reason:workers_busy age:>10m', [1, 3]],
  ['priority:>0', [1]],
  ['priority:-1', [4]],
  ['age:<5m', [2, 4]],
])('finds by %s', (filter, expected) => {
  expect(ids(filtered(ALL, filter, NOW))).toEqual(expected);
});

it.each([
  ['age', [3, 1, 4, 2]],
  ['-age', [2, 4, 1, 3]],
  ['builder', [3, 1, 2, 4]],
  ['priority', [1, 3, 2, 4]],
] as const)('sorts by %s', (order, expected) => {
  expect(ids(inOrder(ALL, order))).toEqual(expected);
});

it('narrows groups to the requests that are shown', () => {
  const [only, ...others] = narrowed(GROUPS, filtered(ALL, 'builder:linux-arm', NOW));
  expect(others).toEqual([]);
  expect(only).toMatchObject({
    count: 2,
    oldest_submitted_at: NOW - 700,
    builders: [{ name: 'linux-arm', count: 2 }],
    buildrequestids: [1, 2],
  });
});

it('knows the place of a request, and what is before it', () => {
  expect(queueOf(3, REQUESTS)).toMatchObject({ place: 3, before: [{ buildrequestid: 1 }, { buildrequestid: 2 }] });
  expect(queueOf(9, REQUESTS)).toMatchObject({ place: 0, before: REQUESTS });
});
