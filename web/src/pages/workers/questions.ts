/** What the list of workers asks. */

import type { Ask } from '@/api/client';

export const THEIR_BUILDS = {
  complete: false,
  limit: 2_000,
  field: ['buildid', 'number', 'builderid', 'workerid', 'started_at', 'complete'],
};
export const NAMES = { field: ['builderid', 'name'] };

export function askForWorkers(ask: Ask): Promise<unknown> {
  return Promise.all([ask('workers'), ask('builds', THEIR_BUILDS), ask('builders', NAMES)]);
}
