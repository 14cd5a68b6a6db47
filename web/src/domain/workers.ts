/** What pages say about workers. */

import type { Worker } from '@/api/types';
import type { Facts } from './filter';
import type { State } from './states';

export interface WorkerState {
  state: State;
  word: string;
  why: string;
  /** Who ordered it. */
  by?: string | null;
  /** Since when it is so. */
  at?: number | null;
}

/** A worker's state in a word, and why it is so. */
export function workerState(worker: Worker, running: number): WorkerState {
  const why = worker.pause_reason ?? '';
  const unordered = worker.paused ? { why: '' } : { why, at: worker.paused_at };
  if (worker.connected_to.length === 0 && worker.isOnDemand)
    return { state: 'skipped', word: 'no machine', why: '' };
  if (worker.connected_to.length === 0) {
    const at = worker.disconnected_at;
    // Why it was lost says more than that it is.
    return at === null
      ? { state: 'exception', word: 'not connected', ...unordered }
      : { state: 'exception', word: 'disconnected', why: worker.lost_reason ?? unordered.why, at };
  }
  if (worker.graceful)
    return {
      state: 'cancelled',
      word: 'shuts down',
      why: worker.stop_reason ?? '',
      by: worker.stopped_by,
      at: worker.stopped_at,
    };
  if (worker.paused)
    return { state: 'cancelled', word: 'paused', why, by: worker.paused_by, at: worker.paused_at };
  if (running > 0) return { state: 'running', word: `runs ${running}`, ...unordered };
  return { state: 'success', word: 'idle', ...unordered };
}

/** A fact that the worker told about itself, as text. */
export const told = (worker: Worker, name: string): string => {
  const value = worker.workerinfo[name];
  return value === null || value === undefined ? '' : String(value).trim();
};

export function workerFacts(worker: Worker, running: number, builders: ReadonlyMap<number, string>): Facts {
  const { word } = workerState(worker, running);
  const states = [word.startsWith('runs') ? 'running' : word];
  if (worker.connected_to.length > 0) states.push('connected');
  else if (!worker.isOnDemand) states.push('lost');
  return {
    name: [worker.name.toLowerCase()],
    tag: [],
    state: states,
    host: [told(worker, 'host').toLowerCase()],
    version: [told(worker, 'version').toLowerCase()],
    builder: worker.configured_on.map((one) => (builders.get(one.builderid) ?? '').toLowerCase()),
  };
}

const PROTOCOLS: Record<string, string> = {
  native: "Chargehand's own",
  pb: 'Perspective Broker',
  msgpack: 'MessagePack',
};

export const protocolText = (protocol: string): string => PROTOCOLS[protocol] ?? protocol;

/** A worker in a list. */
export interface Listed {
  worker: Worker;
  state: WorkerState;
  running: number;
  /** For so many seconds of the last day it was busy. */
  busy: number;
}

const RANK: Partial<Record<State, number>> = { exception: 0, cancelled: 1, running: 2, success: 3 };
const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

const ORDERS: Record<string, (one: Listed, other: Listed) => number> = {
  state: (one, other) => (RANK[one.state.state] ?? 9) - (RANK[other.state.state] ?? 9),
  name: () => 0,
  running: (one, other) => other.running - one.running,
  busy: (one, other) => other.busy - one.busy,
  builders: (one, other) => other.worker.configured_on.length - one.worker.configured_on.length,
  host: (one, other) => names.compare(told(one.worker, 'host'), told(other.worker, 'host')),
  version: (one, other) => names.compare(told(one.worker, 'version'), told(other.worker, 'version')),
};

/** A sorted copy; by state, those that need somebody first; `-` in front reverses; equal ones by name. */
export function sortedWorkers(workers: readonly Listed[], sort: string): Listed[] {
  const key = sort.replace(/^-/, '');
  const sign = sort.startsWith('-') ? -1 : 1;
  const compare = ORDERS[key] ?? ORDERS.state!;
  const nameSign = key === 'name' ? sign : 1;
  return workers.toSorted(
    (one, other) => sign * compare(one, other) || nameSign * names.compare(one.worker.name, other.worker.name),
  );
}
