/** What the page of a build asks first. */

import { begin, type Ask } from '@/api/client';
import type { Build, Log, Step } from '@/api/types';
import { preferredLog, stepToOpen } from '@/domain/builds';
import { BEGINNING, CHUNK, contentsPath } from '@/domain/logs';
import { BAD, stateOf } from '@/domain/states';

export const buildPath = (builder: string, number: string): string =>
  `builders/${encodeURIComponent(builder)}/builds/${number}`;

export const WITH_PROPERTIES = { property: '*' };
export const NEWEST_FIRST = { order: '-changeid' };

interface Search {
  step?: unknown;
  log?: unknown;
}

/** Ask for a build, its steps, and the log at which it opens: each as soon as it is known which. */
export function askForBuild(ask: Ask, { builder = '', number = '' }: Record<string, string>, search: Search): Promise<unknown> {
  const path = buildPath(builder, number);
  return Promise.all([
    askForOne(ask, path),
    askForLog(ask, `${path}/steps`, search),
    ask(`${path}/changes`, NEWEST_FIRST),
    ask(`builders/${encodeURIComponent(builder)}`),
  ]);
}

async function askForOne(ask: Ask, path: string): Promise<unknown> {
  const build = (await ask<{ builds: Build[] }>(path, WITH_PROPERTIES))?.builds[0];
  return build && Promise.all([ask(`buildrequests/${build.buildrequestid}`), ask(`workers/${build.workerid}`)]);
}

async function askForLog(ask: Ask, path: string, search: Search): Promise<void> {
  const steps = (await ask<{ steps: Step[] }>(path))?.steps ?? [];
  const step = steps.find((one) => one.number === Number(search.step ?? Number.NaN)) ?? stepToOpen(steps);
  if (!step) return;
  const logs = (await ask<{ logs: Log[] }>(`steps/${step.stepid}/logs`))?.logs ?? [];
  const log = logs.find((one) => one.slug === search.log) ?? preferredLog(logs);
  if (!log || log.num_lines === 0 || log.type === 'h' || log.type === 'd') return;
  // Lines are not kept as other answers are: the log's view reads them.
  const beginning = begin(contentsPath(log.logid), BEGINNING);
  if (log.complete && step.complete && BAD.has(stateOf(step))) await askForError(log.logid);
  await beginning;
}

async function askForError(logid: number): Promise<void> {
  const found = await begin<{ first_errors: { line: number }[] }>(`logs/${logid}/first_error`);
  const offset = Math.floor((found?.first_errors[0]?.line ?? 0) / CHUNK) * CHUNK;
  if (offset > 0) await begin(contentsPath(logid), { offset, limit: CHUNK });
}
