/** What pages say about workers. */

import type { Worker } from '@/api/types';
import type { Facts } from './filter';
import type { State } from './states';

export interface WorkerState {
  state: State;
  word: string;
  why: string;
}

/** A worker's state in a word, and why it is so. */
export function workerState(worker: Worker, running: number): WorkerState {
  const why = worker.pause_reason ?? '';
  if (worker.connected_to.length === 0 && worker.isOnDemand)
    return { state: 'skipped', word: 'no machine', why: '' };
  if (worker.connected_to.length === 0) return { state: 'exception', word: 'not connected', why: '' };
  if (worker.graceful) return { state: 'cancelled', word: 'shuts down', why };
  if (worker.paused) return { state: 'cancelled', word: 'paused', why };
  if (running > 0) return { state: 'running', word: `runs ${running}`, why };
  return { state: 'success', word: 'idle', why };
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
