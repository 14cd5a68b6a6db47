/** The list of builders: what the filter knows of each, its order, its groups. */

import type { Builder, RecentBuild } from '@/api/types';
import type { Facts } from './filter';
import { BAD, WORDS, stateOf, type State } from './states';

/** What the list asks for: the same question wherever it is asked, so that one answer serves. */
export const RECENT_BUILDERS = { recent: 15, cause: true, order: 'name' };

type Order = 'name' | 'state' | 'last' | 'rate' | 'median' | 'waiting';
/** `-` in front reverses. */
export type SortKey = Order | `-${Order}`;

/** The newest build that has ended; else the running one. */
export function lastBuild(builder: Builder): RecentBuild | undefined {
  const recent = builder.recent_builds ?? [];
  return recent.find((build) => build.complete_at !== null) ?? recent[0];
}

/** Whether a build says how its builder is: those that run or were broken off do not. */
function isTelling(build: RecentBuild): boolean {
  const state = stateOf(build);
  return state !== 'running' && state !== 'retry' && state !== 'cancelled' && state !== 'skipped';
}

/** The build whose state a builder's mark shows: its newest one that says something. */
export function markedBuild(builder: Builder): RecentBuild | undefined {
  const recent = builder.recent_builds ?? [];
  return recent.find(isTelling) ?? recent[0];
}

export function builderState(builder: Builder): State {
  const marked = markedBuild(builder);
  return marked ? stateOf(marked) : 'unknown';
}

/** How many builders fail, run and wait. */
export function tallied(builders: readonly Builder[]): { failing: number; running: number; waiting: number } {
  const of = (fits: (builder: Builder) => boolean) => builders.filter(fits).length;
  return {
    failing: of((builder) => BAD.has(builderState(builder))),
    running: of((builder) => (builder.running_count ?? 0) > 0),
    waiting: of((builder) => (builder.pending_count ?? 0) > 0),
  };
}

export interface RedStreak {
  newest: RecentBuild;
  /** The build with which the builder turned red, as far as it is known. */
  first: RecentBuild;
  count: number;
  /** No build before *first* is known to be good: there may have been more. */
  isAtLeast: boolean;
}

/** The builds for which a builder has been red without a break; undefined if it is not red. */
export function redStreak(builder: Builder): RedStreak | undefined {
  const telling = (builder.recent_builds ?? []).filter(isTelling);
  const good = telling.findIndex((build) => !BAD.has(stateOf(build)));
  const red = good < 0 ? telling : telling.slice(0, good);
  const [newest] = red;
  const first = red.at(-1);
  return newest && first && { newest, first, count: red.length, isAtLeast: good < 0 };
}

export function builderFacts(builder: Builder, projects: ReadonlyMap<number, string>): Facts {
  const states = [WORDS[builderState(builder)]];
  const is: string[] = [];
  if ((builder.running_count ?? 0) > 0) states.push('running');
  if ((builder.pending_count ?? 0) > 0) {
    states.push('waiting');
    is.push('waiting');
  }
  const project = builder.projectid === null ? undefined : projects.get(builder.projectid);
  return {
    name: [builder.name.toLowerCase()],
    tag: builder.tags.map((tag) => tag.toLowerCase()),
    state: states,
    is,
    project: project === undefined ? [] : [project.toLowerCase()],
  };
}

const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

const ORDERS: Record<string, (one: Builder, other: Builder) => number> = {
  name: (one, other) => names.compare(one.name, other.name),
  last: (one, other) => (lastBuild(other)?.started_at ?? 0) - (lastBuild(one)?.started_at ?? 0),
  rate: (one, other) => (one.statistics?.success_rate ?? 2) - (other.statistics?.success_rate ?? 2),
  median: (one, other) =>
    (other.statistics?.median_seconds ?? 0) - (one.statistics?.median_seconds ?? 0),
  waiting: (one, other) => (other.pending_count ?? 0) - (one.pending_count ?? 0),
};

/** Whose first order has the largest first. */
export const FALLING: ReadonlySet<string> = new Set(['last', 'median', 'waiting']);

/** A sorted copy; `-` in front reverses; equal ones by name. By state, what needs attention comes first. */
export function sorted(builders: readonly Builder[], key: SortKey): Builder[] {
  if (key === 'state') return neediestFirst(builders);
  if (key === '-state') return neediestFirst(builders).toReversed();
  const reverse = key.startsWith('-');
  const compare = ORDERS[reverse ? key.slice(1) : key] ?? ORDERS.name!;
  return builders.toSorted(
    (one, other) => (reverse ? -1 : 1) * compare(one, other) || names.compare(one.name, other.name),
  );
}

const CALM: Partial<Record<State, number>> = { warnings: 3, retry: 4, cancelled: 4, success: 5, skipped: 6, unknown: 7 };

/** Those that broke last, then what runs, then what waits, then the rest. */
function neediestFirst(builders: readonly Builder[]): Builder[] {
  const needs = builders.map((builder) => {
    const streak = redStreak(builder);
    if (streak) return { builder, rank: 0, since: streak.first.complete_at ?? 0 };
    if ((builder.running_count ?? 0) > 0) return { builder, rank: 1, since: 0 };
    if ((builder.pending_count ?? 0) > 0) return { builder, rank: 2, since: 0 };
    return { builder, rank: CALM[builderState(builder)] ?? 1, since: 0 };
  });
  needs.sort(
    (one, other) => one.rank - other.rank || other.since - one.since || names.compare(one.builder.name, other.builder.name),
  );
  return needs.map(({ builder }) => builder);
}

export interface BuilderGroup {
  name: string | null;
  builders: readonly Builder[];
}

export type Grouping = 'project' | 'tag' | 'prefix';

/** What a name begins with, up to the first separator: builders are often called `linux-debug`, `linux-release` … */
const prefixOf = (name: string): string => /^[^-_/.: ]+/.exec(name)?.[0] ?? name;

/**
 * By project, tag (a builder with several tags is in several groups) or beginning of the name; else one group. The
 * groups are in the order of their names, or *inOrder* of their first builders.
 */
export function grouped(
  builders: readonly Builder[],
  by: Grouping | undefined,
  projects: ReadonlyMap<number, string>,
  inOrder = false,
): BuilderGroup[] {
  if (by === undefined) return [{ name: null, builders }];
  const sizes = new Map<string, number>();
  if (by === 'prefix') for (const { name } of builders) sizes.set(prefixOf(name), (sizes.get(prefixOf(name)) ?? 0) + 1);
  const groups = new Map<string, Builder[]>();
  for (const builder of builders) {
    for (const key of groupsOf(builder, by, projects, sizes)) {
      const members = groups.get(key);
      if (members) members.push(builder);
      else groups.set(key, [builder]);
    }
  }
  const found = [...groups].map(([name, members]) => ({ name, builders: members }));
  return inOrder ? found : found.toSorted((one, other) => names.compare(one.name, other.name));
}

function groupsOf(
  builder: Builder,
  by: Grouping,
  projects: ReadonlyMap<number, string>,
  sizes: ReadonlyMap<string, number>,
): readonly string[] {
  if (by === 'tag') return builder.tags.length > 0 ? builder.tags : ['no tag'];
  if (by === 'project') return [(builder.projectid !== null && projects.get(builder.projectid)) || 'no project'];
  const prefix = prefixOf(builder.name);
  return [(sizes.get(prefix) ?? 0) > 1 ? prefix : 'others'];
}
