/** What the page of a build asks first, so that its route can ask while the page's code is on the way. */

import type { Build, Log, Step } from '@/api/types';
import { ahead } from '@/api/hooks';
import { preferredLog, stepToOpen } from '@/domain/builds';
import { LogLines } from '@/parts/log/lines';

export const buildPath = (builder: string, number: string): string =>
  `builders/${encodeURIComponent(builder)}/builds/${number}`;

export const WITH_PROPERTIES = { property: '*' };

interface Search {
  step?: number;
  log?: string;
  line?: number;
}

/** Ask for a build, its steps, and the log at which it opens: each as soon as it is known which. */
export function askForBuild(builder: string, number: string, search: Search): void {
  const path = buildPath(builder, number);
  void ahead<{ builds: Build[] }>(path, WITH_PROPERTIES).then((answer) => {
    const build = answer?.builds[0];
    if (build) void Promise.all([ahead(`buildrequests/${build.buildrequestid}`), ahead(`workers/${build.workerid}`)]);
  });
  void ahead(`${path}/changes`);
  void ahead(`builders/${encodeURIComponent(builder)}`);
  void askForLog(`${path}/steps`, search);
}

async function askForLog(path: string, search: Search): Promise<void> {
  const steps = (await ahead<{ steps: Step[] }>(path))?.steps ?? [];
  const step = steps.find((one) => one.number === search.step) ?? stepToOpen(steps);
  if (!step) return;
  const logs = (await ahead<{ logs: Log[] }>(`steps/${step.stepid}/logs`))?.logs ?? [];
  const log = logs.find((one) => one.slug === search.log) ?? preferredLog(logs);
  if (log && log.num_lines > 0 && log.type !== 'h') LogLines.ask(log.logid);
}
