/** The states of builds, steps, requests and workers: their words, never colour alone. */

export const RESULTS = [
  'success',
  'warnings',
  'failure',
  'skipped',
  'exception',
  'retry',
  'cancelled',
] as const;

export type Result = (typeof RESULTS)[number];
export type State = Result | 'running' | 'waiting' | 'unknown';

export const WORDS: Record<State, string> = {
  success: 'passed',
  warnings: 'warnings',
  failure: 'failed',
  exception: 'exception',
  retry: 'retried',
  cancelled: 'cancelled',
  skipped: 'skipped',
  running: 'running',
  waiting: 'waiting',
  unknown: 'unknown',
};

/** States that somebody has to look at. */
export const BAD: ReadonlySet<State> = new Set<State>(['failure', 'exception']);

/** What a result code of `/api/v2` (0 to 6) means. */
export function resultOf(code: number | null | undefined): State {
  return code === null || code === undefined ? 'unknown' : (RESULTS[code] ?? 'unknown');
}

export interface Ending {
  complete?: boolean;
  complete_at?: number | null;
  started_at?: number | null;
  results: number | null;
}

/** The state of a build or step as `/api/v2` describes it. */
export function stateOf(row: Ending): State {
  const ended = row.complete ?? (row.complete_at !== null && row.complete_at !== undefined);
  if (ended) return resultOf(row.results);
  return row.started_at === null || row.started_at === undefined ? 'waiting' : 'running';
}
