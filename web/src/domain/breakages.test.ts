import { expect, it } from 'vitest';
import type { Builder, Cause, Failure } from '@/api/types';
import { breakages, redOnes, type Breakage } from './breakages';

/** A builder that has been red since its build 2; its builds have the numbers of its identifier. */
const red = (id: number, name: string, results = [2, 2, 0]): Builder =>
  ({
    builderid: id,
    name,
    recent_builds: results.map((result, index) => ({
      buildid: id * 10 + results.length - index,
      number: results.length - index,
      results: result,
      started_at: 100 - index,
      complete_at: 101 - index,
    })),
  }) as Builder;

const newest = (id: number) => id * 10 + 3;
const first = (id: number) => id * 10 + 2;
const by = (changeid: number | null): Cause => ({ reason: '', branch: null, revision: null, changeid, author: null, subject: null });

const goesBack = (id: number, root: number, number = 3): [number, Failure] => [
  newest(id),
  { buildid: newest(id), root_buildid: root * 10 + number, root_builderid: root, root_number: number } as Failure,
];

const told = (found: readonly Breakage[]) =>
  found.map(({ troubles }) => troubles.map(({ head, above }) => [head.builder.name, ...above.map((one) => one.builder.name)]));

it('takes a tree of triggered builds for one failure, at its root', () => {
  const all = redOnes([red(1, 'nightly'), red(2, 'package'), red(3, 'sign'), red(4, 'site')]);
  const failures = new Map([goesBack(1, 3), goesBack(2, 3), goesBack(3, 3), goesBack(4, 4)]);
  expect(told(breakages(all, failures, new Map()))).toEqual([[['sign', 'nightly', 'package']], [['site']]]);
});

it('finds the root also where its builder has failed again since', () => {
  const all = redOnes([red(2, 'package'), red(3, 'sign')]);
  expect(told(breakages(all, new Map([goesBack(2, 3, 2)]), new Map()))).toEqual([[['sign', 'package']]]);
});

it('leaves a failure with its builder where the root has passed since', () => {
  const all = redOnes([red(2, 'package'), red(3, 'sign'), red(5, 'nightly')]);
  const failures = new Map([goesBack(2, 3, 1), goesBack(5, 3, 1)]);
  expect(told(breakages(all, failures, new Map()))).toEqual([[['package', 'nightly']], [['sign']]]);
});

it('takes what one change broke for one failure', () => {
  const all = redOnes([red(1, 'linux'), red(2, 'site'), red(3, 'mac'), red(4, 'arm')]);
  const causes = new Map([1, 3, 4].map((id) => [first(id), by(id === 4 ? null : 7)]));
  expect(told(breakages(all, new Map(), causes))).toEqual([[['linux'], ['mac']], [['site']], [['arm']]]);
});

it('blames no change for what may have been red before', () => {
  const all = redOnes([red(1, 'linux', [2, 2]), red(2, 'mac')]);
  const causes = new Map([[11, by(7)], [first(2), by(7)]]);
  expect(told(breakages(all, new Map(), causes))).toEqual([[['linux']], [['mac']]]);
});

it('says of a tree why its first build was built', () => {
  const all = redOnes([red(3, 'sign'), red(2, 'package'), red(1, 'nightly')]);
  const failures = new Map([goesBack(1, 3), goesBack(2, 3)]);
  const causes = new Map([1, 2, 3].map((id) => [first(id), { ...by(null), reason: `reason ${id}` }]));
  expect(breakages(all, failures, causes)[0]?.cause?.reason).toBe('reason 1');
});
