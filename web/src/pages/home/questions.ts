/** What the first page asks. */

import type { Ask } from '@/api/client';
import { RECENT_BUILDERS } from '@/domain/builderList';

export const RUNNING = { complete: false, order: 'started_at', limit: 100, cause: true };
export const ENDED = { complete: true, order: '-complete_at', limit: 15, cause: true };
export const WAITING_LONG = { limit: 20 };

export function askForHome(ask: Ask): void {
  void ask('builds', RUNNING);
  void ask('builds', ENDED);
  void ask('builders', RECENT_BUILDERS);
  void ask('workers');
  void ask('buildrequests/why', WAITING_LONG);
}
