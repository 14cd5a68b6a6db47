/** What the list of builders asks. */

import type { Ask } from '@/api/client';
import { RECENT_BUILDERS } from '@/domain/builderList';

export function askForBuilders(ask: Ask): Promise<unknown> {
  return Promise.all([ask('builders', RECENT_BUILDERS), ask('projects')]);
}
