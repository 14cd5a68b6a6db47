/** What the list of workers asks. */

import type { Ask } from '@/api/client';

export const THEIR_BUILDS = {
  complete: false,
  limit: 2_000,
  field: ['buildid', 'number', 'builderid', 'workerid', 'started_at', 'complete'],
};
export const NAMES = { field: ['builderid', 'name'] };

export function askForWorkers(ask: Ask): void {
  void ask('workers');
  void ask('builds', THEIR_BUILDS);
  void ask('builders', NAMES);
}
