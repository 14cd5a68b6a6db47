/** What was built of which source: builds and requests by source stamp and builder. */

import type { Build, BuildRequest, Builder, Buildset } from '@/api/types';
import { duration } from './durations';
import { WORDS, stateOf, type State } from './states';

export type BuiltSet = Pick<Buildset, 'bsid' | 'sourcestamps' | 'submitted_at'>;
export type BuiltRequest = Pick<
  BuildRequest,
  'buildrequestid' | 'buildsetid' | 'builderid' | 'complete' | 'results' | 'submitted_at'
>;
export type BuiltBuild = Pick<
  Build,
  'buildid' | 'number' | 'builderid' | 'buildrequestid' | 'started_at' | 'complete' | 'complete_at' | 'results' | 'state_string'
>;

/** A request for a build of a source, and its build once there is one. */
export interface Attempt {
  request: BuiltRequest;
  build?: BuiltBuild;
}

/** Newest first, by source stamp and builder. */
export type Built = ReadonlyMap<number, ReadonlyMap<number, readonly Attempt[]>>;

export function bySource(
  sets: readonly BuiltSet[],
  requests: readonly BuiltRequest[],
  builds: readonly BuiltBuild[],
): Built {
  const stamps = new Map(sets.map((set) => [set.bsid, set.sourcestamps.map((stamp) => stamp.ssid)]));
  const builtFor = new Map<number, BuiltBuild[]>();
  for (const build of builds) {
    const known = builtFor.get(build.buildrequestid);
    if (known) known.push(build);
    else builtFor.set(build.buildrequestid, [build]);
  }
  const found = new Map<number, Map<number, Attempt[]>>();
  const newestFirst = requests.toSorted((one, other) => other.buildrequestid - one.buildrequestid);
  for (const request of newestFirst) {
    const ofRequest = (builtFor.get(request.buildrequestid) ?? []).toSorted((one, other) => other.buildid - one.buildid);
    const attempts: Attempt[] = ofRequest.length === 0 ? [{ request }] : ofRequest.map((build) => ({ request, build }));
    for (const stamp of stamps.get(request.buildsetid) ?? []) {
      const row = found.get(stamp) ?? new Map<number, Attempt[]>();
      found.set(stamp, row);
      row.set(request.builderid, [...(row.get(request.builderid) ?? []), ...attempts]);
    }
  }
  return found;
}

/** The state of an attempt; a request that ended without a build was cancelled or skipped. */
export function attemptState({ request, build }: Attempt): State {
  if (build) return stateOf(build);
  return stateOf({ complete: request.complete, started_at: null, results: request.results });
}

export interface Cell {
  state: State;
  /** The page of the build or the request. */
  to: string;
  title: string;
  /** How many other attempts there are. */
  more: number;
}

/** Requests that ended without a build (collapsed into others, cancelled) hide no build. */
const isTelling = ({ request, build }: Attempt): boolean => build !== undefined || !request.complete;

/** What a cell shows: the newest attempt that was built, or waits for it. */
export function cellOf(all: readonly Attempt[] | undefined, name: string): Cell | null {
  const telling = all?.filter(isTelling);
  const attempts = telling?.length ? telling : all?.slice(0, 1);
  const newest = attempts?.[0];
  if (attempts === undefined || newest === undefined) return null;
  const state = attemptState(newest);
  const { build, request } = newest;
  const more = attempts.length - 1;
  const others = more === 0 ? '' : `\n${more} earlier: ${attempts.slice(1).map((one) => WORDS[attemptState(one)]).join(', ')}`;
  if (build === undefined)
    return { state, to: `/buildrequests/${request.buildrequestid}`, title: `${name}: ${WORDS[state]}${others}`, more };
  const took = build.complete_at === null ? '' : `, ${duration(build.complete_at - build.started_at)}`;
  const told = state === 'success' || !build.state_string ? '' : `: ${build.state_string}`;
  return {
    state,
    to: `/builders/${build.builderid}/builds/${build.number}`,
    title: `${name} #${build.number} ${WORDS[state]}${told}${took}${others}`,
    more,
  };
}

/** What builders made of a source: the cells that somebody has to look at or wait for, and how many passed. */
export function outcomeOf(
  built: ReadonlyMap<number, readonly Attempt[]> | undefined,
  builders: readonly Builder[],
): { cells: { name: string; cell: Cell }[]; passed: number } {
  const cells = builders.flatMap(({ builderid, name }) => {
    const cell = cellOf(built?.get(builderid), name);
    return cell ? [{ name, cell }] : [];
  });
  const told = cells.filter(({ cell }) => cell.state !== 'success');
  return { cells: told, passed: cells.length - told.length };
}

export interface BuilderColumns {
  label: string;
  builders: Builder[];
}

/** Builders by all their tags, frequent tags first: each builder is in one group. Who is alone in one is in the last, without a label. */
export function byTags(builders: readonly Builder[]): BuilderColumns[] {
  const frequency = new Map<string, number>();
  for (const tag of builders.flatMap((builder) => builder.tags)) frequency.set(tag, (frequency.get(tag) ?? 0) + 1);
  const groups = new Map<string, Builder[]>();
  for (const builder of builders) {
    const label = builder.tags
      .toSorted((one, other) => (frequency.get(other) ?? 0) - (frequency.get(one) ?? 0) || one.localeCompare(other))
      .join(' · ');
    const group = groups.get(label);
    if (group) group.push(builder);
    else groups.set(label, [builder]);
  }
  const isGroup = (label: string): boolean => label !== '' && (groups.get(label)?.length ?? 0) > 1;
  const found = [...groups.keys()]
    .filter(isGroup)
    .toSorted((one, other) => one.localeCompare(other))
    .map((label) => ({ label, builders: groups.get(label) ?? [] }));
  const others = [...groups].flatMap(([label, members]) => (isGroup(label) ? [] : members));
  return others.length === 0 ? found : [...found, { label: '', builders: others }];
}

export interface SourceColumn {
  key: string;
  branch: string;
  codebase: string;
  revision: string | null;
  ssids: Set<number>;
}

/** The newest *count* revisions of each branch, branches with the newest first. */
export function newestSources(sets: readonly BuiltSet[], count: number, branch?: string): SourceColumn[][] {
  const branches = new Map<string, Map<string, SourceColumn>>();
  for (const set of sets.toSorted((one, other) => other.bsid - one.bsid)) {
    for (const stamp of set.sourcestamps) {
      const name = stamp.branch ?? '';
      if (branch !== undefined && name !== branch) continue;
      const columns = branches.get(name) ?? new Map<string, SourceColumn>();
      branches.set(name, columns);
      const key = `${stamp.codebase} ${name} ${stamp.revision ?? ''}`;
      const known = columns.get(key);
      if (known) known.ssids.add(stamp.ssid);
      else if (columns.size < count)
        columns.set(key, { key, branch: name, codebase: stamp.codebase, revision: stamp.revision, ssids: new Set([stamp.ssid]) });
    }
  }
  return [...branches.values()].map((columns) => [...columns.values()]);
}

/** All attempts of a builder at any of these sources, newest first. */
export function attemptsAt(built: Built, ssids: Iterable<number>, builderid: number): Attempt[] {
  const found: Attempt[] = [];
  for (const ssid of ssids) found.push(...(built.get(ssid)?.get(builderid) ?? []));
  return found.toSorted(
    (one, other) =>
      other.request.buildrequestid - one.request.buildrequestid || (other.build?.buildid ?? 0) - (one.build?.buildid ?? 0),
  );
}
