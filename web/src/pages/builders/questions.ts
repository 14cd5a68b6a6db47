/** What the list of builders asks. */

import type { Ask } from '@/api/client';
import { RECENT_BUILDERS } from '@/domain/builderList';

export function askForBuilders(ask: Ask): void {
  void ask('builders', RECENT_BUILDERS);
  void ask('projects');
}
