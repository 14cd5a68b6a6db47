import { expect, it } from 'vitest';
import type { Build, Step } from '@/api/types';
import { asSentence, buildNote, failureNote, isAside, nextFailure, noteInBuild, propertyDifferences, reasonText, shortRevision, stepNote, stepToOpen, timeline, triggeredBy } from './builds';

const step = (number: number, results: number | null, more: Partial<Step> = {}): Step => ({
  stepid: number,
  number,
  name: `step ${number}`,
  buildid: 1,
  started_at: 100 + number * 10,
  locks_acquired_at: 100 + number * 10,
  complete: results !== null,
  complete_at: results === null ? null : 108 + number * 10,
  results,
  state_string: '',
  urls: [],
  hidden: false,
  ...more,
});

it('opens at the first failure, else at what runs, else at what took longest', () => {
  expect(stepToOpen([step(1, 0), step(2, 2), step(3, 2)])?.number).toBe(2);
  expect(stepToOpen([step(1, 0), step(2, null)])?.number).toBe(2);
  expect(stepToOpen([step(1, 0), step(2, 0, { complete_at: 300 }), step(3, 0), step(4, 3)])?.number).toBe(2);
  expect(stepToOpen([step(1, 2, { hidden: true }), step(2, 0)])?.number).toBe(2);
  expect(stepToOpen([])).toBeUndefined();
});

it('walks from failure to failure, around the end', () => {
  const steps = [step(1, 2), step(2, 0), step(3, 1), step(4, 4)];
  expect(nextFailure(steps, 1, 1)?.number).toBe(3);
  expect(nextFailure(steps, 4, 1)?.number).toBe(1);
  expect(nextFailure(steps, 1, -1)?.number).toBe(4);
  expect(nextFailure([step(1, 0)], 1, 1)).toBeUndefined();
});

it('shows waits before the build and for locks', () => {
  const found = timeline(60, 100, [step(1, 0, { started_at: 100, locks_acquired_at: 130, complete_at: 140 })], 200);
  expect(found.map(({ kind, name, seconds }) => [kind, name, seconds])).toEqual([
    ['wait', 'wait', 40],
    ['wait', 'lock', 30],
    ['step', 'step 1', 10],
  ]);
});

it('shortens hashes, not numbers', () => {
  expect(shortRevision('3f2a91c4e5b6a7d8e9f0')).toBe('3f2a91c4');
  expect(shortRevision('123456')).toBe('123456');
  expect(shortRevision(null)).toBe('');
});

it('tells which properties differ, but not those that always do', () => {
  expect(
    propertyDifferences(
      { buildnumber: [1, 'Build'], branch: ['main', 'x'], jobs: [4, 'x'] },
      { buildnumber: [2, 'Build'], branch: ['main', 'x'], level: ['O2', 'x'] },
    ),
  ).toEqual([
    { name: 'jobs', then: '4', now: '' },
    { name: 'level', then: '', now: 'O2' },
  ]);
});

it('says of a step what its mark does not', () => {
  expect(stepNote(step(1, 2, { state_string: "'make check' (failure)" }))).toBe("'make check'");
  expect(stepNote(step(1, 2, { state_string: '3 of 1,204 tests failed' }))).toBe('3 of 1,204 tests failed');
  expect(stepNote(step(1, 0, { state_string: 'step 1' }))).toBe('');
});

const build = (buildid: number, builderid: number, number: number) => ({ buildid, builderid, number }) as Build;

it('says of a failed step what its name and its mark do not', () => {
  expect(failureNote(step(1, 2, { state_string: "'make check' (failure)" }))).toBe('');
  expect(failureNote(step(1, 2, { state_string: 'finished' }))).toBe('');
  expect(failureNote(step(1, 2, { state_string: '3 of 1,204 tests failed' }))).toBe('3 of 1,204 tests failed');
});

it('takes the exit code of a step from what its build says', () => {
  const sign = step(1, 2, { name: 'sign' });
  expect(noteInBuild({ state_string: 'failed: sign (exit 2)' } as Build, sign)).toBe('exit 2');
  expect(noteInBuild({ state_string: 'failed: test, sign' } as Build, sign)).toBe('');
});

it.each([
  ['failed test', 'test failed'],
  ['failed: sign (exit 2)', 'sign failed: exit 2'],
  ['failed: test, lint', 'failed: test, lint'],
  ['cancelled by anna: superseded', 'cancelled by anna: superseded'],
])('%s: names the step first', (said, shown) => {
  expect(buildNote({ state_string: said } as Build)).toBe(shown);
});

it('knows the builds that a step triggered by its links', () => {
  const urls = [
    { name: 'packages #7', url: 'https://ci.example.org/#/buildrequests/7' },
    { name: 'success: site #12', url: 'https://ci.example.org/#/builders/3/builds/12' },
  ];
  const builds = [build(1, 3, 12), build(2, 3, 1), build(3, 13, 12)];
  expect(triggeredBy(step(1, 0, { urls }), builds).map((one) => one.buildid)).toEqual([1]);
  expect(triggeredBy(step(2, 0), builds)).toEqual([]);
});

it('shortens what schedulers say of themselves', () => {
  expect(reasonText("The Nightly scheduler named 'every night' triggered this build")).toBe('by scheduler every night');
  expect(reasonText('started by hand: look at it')).toBe('started by hand: look at it');
});

it('begins a sentence with a capital, but changes no name', () => {
  expect(asSentence('all usable workers are busy')).toBe('All usable workers are busy');
  expect(asSentence('lock lab: 2 requests wait')).toBe('Lock lab: 2 requests wait');
  expect(asSentence('scheduler "main" waits')).toBe('Scheduler “main” waits');
  expect(asSentence('windows-1 is running 1 build')).toBe('windows-1 is running 1 build');
});

it('lists the preparation of a worker only when asked for, unless it failed', () => {
  const preparation = { name: 'worker_preparation' };
  expect([step(0, 0, preparation), step(0, 2, preparation), step(1, 0), step(1, 0, { hidden: true })].map(isAside)).toEqual([true, false, false, true]);
});
