import { describe, expect, it } from 'vitest';
import type { Worker } from '@/api/types';
import { matches, parseFilter } from './filter';
import { workerFacts, workerState } from './workers';

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
