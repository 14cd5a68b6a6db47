/** What the first page asks. */

import type { Ask } from '@/api/client';
import { RECENT_BUILDERS } from '@/domain/builderList';

export const RUNNING = { complete: false, order: 'started_at', limit: 100, cause: true };
export const ENDED = { complete: true, order: '-complete_at', limit: 15, cause: true };
export const WAITING_LONG = { limit: 20 };

export function askForHome(ask: Ask): Promise<unknown> {
  return Promise.all([
    ask('builds', RUNNING),
    ask('builds', ENDED),
    ask('builders', RECENT_BUILDERS),
    ask('workers'),
    ask('buildrequests/why', WAITING_LONG),
  ]);
}
