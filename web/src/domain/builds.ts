/** What the pages say about builds, requests and changes. */

import type { Build, Change, Log, Properties, SourceStamp, Step } from '@/api/types';
import { stateOf, type State } from './states';

/** The first line of a text. */
export const firstLine = (text: string): string => text.trim().split('\n', 1)[0] ?? '';

/** Enough of a revision to tell it from others: hashes are cut, numbers are not. */
export function shortRevision(revision: string | null | undefined): string {
  if (!revision) return '';
  return /^[0-9a-f]{12,}$/i.test(revision) ? revision.slice(0, 8) : revision.slice(0, 24);
}

/** `Jane Doe` of `Jane Doe <jane@example.org>`. */
export const personName = (author: string): string => author.replace(/\s*<[^>]*>\s*$/, '') || author;

/** The value of a property as text; strings without quotes. */
export function propertyText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export const property = (properties: Properties | null | undefined, name: string): string => {
  const found = properties?.[name];
  return found === undefined || found[0] === null ? '' : propertyText(found[0]);
};

/** Branch and revision of a build: what it built, else what it was asked for. */
export function sourceOf(
  properties: Properties | null | undefined,
  stamps: readonly SourceStamp[] = [],
): { branch: string; revision: string } {
  const stamp = stamps[0];
  return {
    branch: property(properties, 'branch') || stamp?.branch || '',
    revision: property(properties, 'got_revision') || property(properties, 'revision') || stamp?.revision || '',
  };
}

/** Who is to be told: authors of changes, first ones first, without repeats. */
export const authorsOf = (changes: readonly Change[]): string[] => [
  ...new Set(changes.map((change) => personName(change.author))),
];

/** Whether a step is only listed when somebody asks: it is hidden, or the master's own and went well. */
export const isAside = (step: Step): boolean =>
  step.hidden || (step.name === 'worker_preparation' && stateOf(step) === 'success');

/** The step at which a page about a build opens: failed, running, with warnings, or the longest. */
export function stepToOpen(steps: readonly Step[]): Step | undefined {
  const visible = steps.filter((step) => !step.hidden);
  const of = (...states: State[]) => visible.find((step) => states.includes(stateOf(step)));
  return (
    of('failure', 'exception') ??
    of('running') ??
    of('warnings') ??
    longest(visible) ??
    visible[0]
  );
}

const took = (step: Step): number =>
  (step.complete_at ?? 0) - (step.locks_acquired_at ?? step.started_at ?? 0);

function longest(steps: readonly Step[]): Step | undefined {
  return steps
    .filter((step) => step.complete && step.number > 0 && stateOf(step) !== 'skipped')
    .reduce<Step | undefined>((best, step) => (best && took(best) >= took(step) ? best : step), undefined);
}

/** The log that a step shows first: standard output, unless it is empty and another is not. */
export function preferredLog(logs: readonly Log[]): Log | undefined {
  const main = logs.find((log) => log.slug === 'stdio');
  if (main && main.num_lines > 0) return main;
  return logs.find((log) => log.num_lines > 0 && log.type !== 'h') ?? main ?? logs[0];
}

/** The next step (or the one before) that did not go well. */
export function nextFailure(steps: readonly Step[], current: number, direction: 1 | -1): Step | undefined {
  const bad = steps.filter((step) => ['failure', 'exception', 'warnings'].includes(stateOf(step)));
  return direction === 1
    ? (bad.find((step) => step.number > current) ?? bad[0])
    : (bad.findLast((step) => step.number < current) ?? bad.at(-1));
}

/** What a step says of itself, without the word for its result: its mark says that. */
export function stepNote(step: Step): string {
  const note = step.state_string.replace(/ \((failure|warnings|exception|retry|cancelled|skipped)\)$/, '');
  return [step.name, 'finished', `${step.name} finished`].includes(note) ? '' : note;
}

/** What a step says that failed, beyond its name and its result: not its command, nor that it ended. */
export function failureNote(step: Step): string {
  const note = stepNote(step);
  return /^'.*'$/.test(note) ? '' : note;
}

/** What a build says of one of its steps: `exit 2` of `failed: sign (exit 2)`. */
export function noteInBuild(build: Build, step: Step): string {
  const begin = `failed: ${step.name} (`;
  const said = build.state_string;
  return said.startsWith(begin) && said.endsWith(')') ? said.slice(begin.length, -1) : '';
}

/** What a build says of itself, in the words that pages have for steps: the step, then how it ended. */
export const buildNote = (build: Build): string =>
  build.state_string
    .replace(/^failed (['"\w][\w'" .:+-]*)$/, '$1 failed')
    .replace(/^failed: ([^,()]+) \(([^()]*)\)$/, '$1 failed: $2');

/** The builds that this step triggered: it links to each of them. */
export function triggeredBy(step: Step, builds: readonly Build[]): Build[] {
  const paths = step.urls.map(({ url }) => url);
  return builds.filter((build) =>
    paths.some((path) => path.endsWith(`builders/${build.builderid}/builds/${build.number}`)),
  );
}

/** A build's reason as people say it: schedulers write sentences about themselves. */
export const reasonText = (reason: string): string =>
  reason.replace(/^The \w+ scheduler named '(.*)' triggered this build$/, 'by scheduler $1');

/** A reason as the beginning of a sentence, names in quotes of people; a name with digits or dashes stays as it is written. */
export const asSentence = (text: string): string =>
  (/^[a-z]+[ :,]/.test(text) ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : text).replaceAll(/"([^"\n]+)"/g, '“$1”');

export interface Segment {
  key: string;
  kind: 'wait' | 'step';
  name: string;
  seconds: number;
  state: State;
  number?: number;
}

/** A build's time: the wait before it, and its steps with their waits for locks. */
export function timeline(
  submitted: number | null,
  started: number,
  steps: readonly Step[],
  now: number,
): Segment[] {
  const segments: Segment[] = [];
  if (submitted !== null && started - submitted >= 1) {
    segments.push({ key: 'queue', kind: 'wait', name: 'wait', seconds: started - submitted, state: 'waiting' });
  }
  for (const step of steps) {
    if (step.started_at === null) continue;
    const held = step.locks_acquired_at ?? (step.complete ? step.started_at : null);
    const waited = (held ?? now) - step.started_at;
    if (waited >= 1) {
      segments.push({
        key: `lock ${step.stepid}`,
        kind: 'wait',
        name: 'lock',
        seconds: waited,
        state: 'waiting',
        number: step.number,
      });
    }
    if (held === null) continue;
    segments.push({
      key: String(step.stepid),
      kind: 'step',
      name: step.name,
      seconds: Math.max(0, (step.complete_at ?? now) - held),
      state: stateOf(step),
      number: step.number,
    });
  }
  return segments;
}

export interface Difference {
  name: string;
  then: string;
  now: string;
}

/** Properties that differ between two builds; those that always do are left out. */
export function propertyDifferences(then: Properties, now: Properties): Difference[] {
  const always = new Set(['buildnumber', 'builddir', 'basedir', 'got_revision_time']);
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])].sort();
  return names
    .filter((name) => !always.has(name))
    .map((name) => ({ name, then: property(then, name), now: property(now, name) }))
    .filter((one) => one.then !== one.now);
}
