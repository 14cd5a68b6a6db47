import { expect, it } from 'vitest';
import type { Builder } from '@/api/types';
import { attemptsAt, bySource, byTags, cellOf, newestSources, outcomeOf, type BuiltBuild, type BuiltRequest, type BuiltSet } from './built';

const stamp = (ssid: number, branch: string | null, revision: string | null) =>
  ({ ssid, branch, revision, codebase: '', repository: '', project: '', patch: null, created_at: 0 });
const set = (bsid: number, ...stamps: ReturnType<typeof stamp>[]): BuiltSet => ({ bsid, submitted_at: bsid, sourcestamps: stamps });
const request = (buildrequestid: number, buildsetid: number, builderid: number, complete = true): BuiltRequest =>
  ({ buildrequestid, buildsetid, builderid, complete, results: complete ? 0 : -1, submitted_at: 1 });
const build = (buildid: number, buildrequestid: number, builderid: number, results: number | null): BuiltBuild => ({
  buildid, buildrequestid, builderid, results, number: buildid, started_at: 10,
  complete: results !== null, complete_at: results === null ? null : 70, state_string: 'failed test',
});
const builder = (name: string, ...tags: string[]) => ({ name, tags }) as Builder;

it('finds builds and waiting requests by source and builder', () => {
  const built = bySource(
    [set(1, stamp(11, 'main', 'a')), set(2, stamp(12, 'main', 'b'))],
    [request(1, 1, 7), request(2, 2, 7, false), request(3, 1, 7)],
    [build(100, 1, 7, 2), build(101, 3, 7, 0)],
  );
  expect(cellOf(built.get(11)?.get(7), 'linux')).toEqual({
    state: 'success',
    to: '/builders/7/builds/101',
    title: 'linux #101 passed, 1 m\n1 earlier: failed',
    more: 1,
  });
  expect(cellOf(built.get(12)?.get(7), 'linux')).toMatchObject({ state: 'waiting', to: '/buildrequests/2' });
  expect(cellOf(built.get(12)?.get(8), 'mac')).toBeNull();
});

it('shows what was built rather than a later request that was collapsed', () => {
  const built = bySource(
    [set(1, stamp(11, 'main', 'a'))],
    [request(1, 1, 7), request(2, 1, 7), { ...request(3, 1, 8), results: 3 }],
    [build(100, 1, 7, 2)],
  );
  expect(cellOf(built.get(11)?.get(7), 'linux')).toMatchObject({ state: 'failure', more: 0 });
  expect(cellOf(built.get(11)?.get(8), 'mac')).toMatchObject({ state: 'skipped', to: '/buildrequests/3' });
});

it('shows a build of several codebases at each of their sources', () => {
  const built = bySource([set(1, stamp(11, 'main', 'a'), stamp(12, 'lib', 'b'))], [request(1, 1, 7)], [build(100, 1, 7, 2)]);
  expect(built.get(11)?.get(7)).toHaveLength(1);
  expect(built.get(12)?.get(7)).toHaveLength(1);
});

it('keeps each of the builds that a retried request had', () => {
  const built = bySource([set(1, stamp(11, 'main', 'a'))], [request(1, 1, 7)], [build(100, 1, 7, 5), build(101, 1, 7, 0)]);
  expect(attemptsAt(built, [11], 7).map((one) => one.build?.buildid)).toEqual([101, 100]);
});

it('takes the newest revisions of each branch', () => {
  const sets = [set(1, stamp(1, 'main', 'a')), set(2, stamp(2, 'main', 'b')), set(3, stamp(3, null, 'x')), set(4, stamp(4, 'main', 'c'))];
  const found = newestSources(sets, 2);
  expect(found.map((columns) => columns.map((one) => `${one.branch}:${one.revision}`))).toEqual([['main:c', 'main:b'], [':x']]);
  expect(newestSources(sets, 2, 'main')).toHaveLength(1);
});

it('puts each builder into one group, by all its tags', () => {
  const groups = byTags([builder('a', 'arm', 'linux'), builder('b', 'linux', 'x86'), builder('c'), builder('d', 'linux', 'arm')]);
  expect(groups.map((group) => [group.label, group.builders.map((one) => one.name).join('')])).toEqual([
    ['linux · arm', 'ad'],
    ['', 'bc'],
  ]);
});

it('tells what builders made of a source', () => {
  const built = bySource([set(1, stamp(1, 'main', 'a'))], [request(1, 1, 1), request(2, 1, 2), request(3, 1, 3, false)], [build(1, 1, 1, 0), build(2, 2, 2, 2)]);
  const builders = ['a', 'b', 'c', 'd'].map((name, index) => ({ name, builderid: index + 1 }) as Builder);
  const { cells, passed } = outcomeOf(built.get(1), builders);
  expect(passed).toBe(1);
  expect(cells.map(({ name, cell }) => [name, cell.state])).toEqual([['b', 'failure'], ['c', 'waiting']]);
});
