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
    return at === null
      ? { state: 'exception', word: 'not connected', ...unordered }
      : { state: 'exception', word: 'disconnected', why: unordered.why, at };
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
