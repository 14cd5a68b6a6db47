import { describe, expect, it } from 'vitest';
import type { Worker } from '@/api/types';
import { matches, parseFilter } from './filter';
import { sortedWorkers, workerFacts, workerState, type Listed } from './workers';

const worker = (more: Partial<Worker> = {}): Worker => ({
  workerid: 1,
  name: 'arm-1',
  connected_to: [{ masterid: 1 }],
  configured_on: [{ builderid: 7, masterid: 1 }],
  workerinfo: { host: 'rack 3', version: '4.3.0' },
  paused: false,
  pause_reason: null,
  paused_by: null,
  paused_at: null,
  graceful: false,
  stop_reason: null,
  stopped_by: null,
  stopped_at: null,
  disconnected_at: null,
  connected_at: null,
  protocol: null,
  lost_at: null,
  lost_reason: null,
  ...more,
});

const fits = (text: string, row: Worker): boolean =>
  matches(parseFilter(text), workerFacts(row, 0, new Map([[7, 'linux-arm']])));

describe('the state of a worker', () => {
  it.each([
    [worker(), 0, 'idle'],
    [worker(), 2, 'runs 2'],
    [worker({ paused: true, pause_reason: 'disk full' }), 0, 'paused'],
    [worker({ graceful: true, paused: true }), 1, 'shuts down'],
    [worker({ connected_to: [] }), 0, 'not connected'],
    [worker({ connected_to: [], disconnected_at: 9 }), 0, 'disconnected'],
    [worker({ connected_to: [], isOnDemand: true }), 0, 'no machine'],
  ])('%#: is told in a word', (row, running, word) => {
    expect(workerState(row, running).word).toBe(word);
  });
});

it('is told with who ordered it, and since when', () => {
  const stopped = worker({ graceful: true, stop_reason: 'moves', stopped_by: 'otto', stopped_at: 7 });
  expect(workerState(stopped, 1)).toMatchObject({ why: 'moves', by: 'otto', at: 7 });
  const paused = worker({ paused: true, pause_reason: 'disk full', paused_by: 'anna', paused_at: 5 });
  expect(workerState(paused, 0)).toMatchObject({ why: 'disk full', by: 'anna', at: 5 });
  const refused = worker({ connected_to: [], pause_reason: 'wrong password', paused_at: 5 });
  expect(workerState(refused, 0)).toMatchObject({ word: 'not connected', why: 'wrong password', at: 5 });
});

it('can be filtered by state, host and builder', () => {
  expect(fits('builder:linux-arm host~rack', worker())).toBe(true);
  expect(fits('state:lost', worker({ connected_to: [] }))).toBe(true);
  expect(fits('state:lost', worker({ connected_to: [], isOnDemand: true }))).toBe(false);
});

const listed = (name: string, running: number, connected = true): Listed => {
  const one = worker({ name, connected_to: connected ? [{ masterid: 1 }] : [] });
  return { worker: one, state: workerState(one, running), running, busy: 0 };
};

describe('the order of workers', () => {
  const all = [listed('arm-10', 0), listed('arm-2', 0), listed('mac', 3), listed('old', 0, false)];
  const order = (sort: string) => sortedWorkers(all, sort).map((one) => one.worker.name);

  it.each([
    ['state', ['old', 'mac', 'arm-2', 'arm-10']],
    ['name', ['arm-2', 'arm-10', 'mac', 'old']],
    ['-name', ['old', 'mac', 'arm-10', 'arm-2']],
    ['running', ['mac', 'arm-2', 'arm-10', 'old']],
    ['-running', ['arm-2', 'arm-10', 'old', 'mac']],
    ['what is no order', ['old', 'mac', 'arm-2', 'arm-10']],
  ])('by %s', (sort, expected) => expect(order(sort)).toEqual(expected));

  it('says why one was lost', () => {
    const lost = worker({ connected_to: [], disconnected_at: 5, lost_reason: 'it did not answer for 30 s' });
    expect(workerState(lost, 0)).toMatchObject({ word: 'disconnected', why: 'it did not answer for 30 s', at: 5 });
  });
});
