import { describe, expect, it } from 'vitest';
import { isOpen, kindOf, mayChangeList, newest, withRows } from './rows';

const ask = (path: string, key: string, message: object, params = {}) =>
  mayChangeList(path, params, { builds: [{ buildid: 3 }] }, key.split('/'), message as Record<string, unknown>);
const steps = (buildid: number) =>
  mayChangeList('builders/1/builds/7/steps', {}, { steps: [{ stepid: 1, buildid: 33 }] }, ['builds', String(buildid), 'steps', '2', 'new'], { stepid: 2, buildid });

describe('events', () => {
  it.each([
    ['builds/3/new', 'builds'],
    ['builders/1/builds/4/finished', 'builds'],
    ['builds/3/steps/7/updated', 'steps'],
    ['steps/7/logs/stdio/append', 'logs'],
    ['buildsets/2/builders/1/buildrequests/9/claimed', 'buildrequests'],
    ['workers/1/connected', 'workers'],
  ])('%s is about %s', (key, kind) => {
    expect(kindOf(key.split('/'))).toBe(kind);
  });

  it('change rows in place, and keep what they do not tell', () => {
    const answer = { builds: [{ buildid: 3, state_string: 'a', properties: { x: [1, 'y'] } }], meta: {} };
    const told = (kind: string, ...messages: Record<string, unknown>[]) => withRows(answer, kind, newest(kind, messages));
    const before = { buildid: 3, state_string: 'x', properties: {} };
    const changed = told('builds', before, { buildid: 3, state_string: 'b', properties: {}, results: 0 }, { buildid: 4 });
    expect(changed.builds).toEqual([{ buildid: 3, state_string: 'b', properties: { x: [1, 'y'] } }]);
    expect(told('builds', { buildid: 4 })).toBe(answer);
    expect(told('steps', { stepid: 3 })).toBe(answer);
  });

  it('make lists out of date only where they may have become others', () => {
    expect(ask('builds', 'builds/9/new', { buildid: 9, builderid: 1 })).toBe(true);
    expect(ask('builders/1/builds', 'builds/9/new', { buildid: 9, builderid: 1 })).toBe(true);
    expect(ask('builders/2/builds', 'builds/9/new', { buildid: 9, builderid: 1 })).toBe(false);
    expect(ask('builds/3', 'builds/3/update', { buildid: 3 })).toBe(false);
    expect(ask('builds', 'builds/3/update', { buildid: 3, results: 0 }, { results: 0 })).toBe(false);
    expect(ask('builds', 'builds/5/update', { buildid: 5, complete: true }, { complete: true })).toBe(true);
    expect(steps(33)).toBe(true);
    expect(steps(34)).toBe(false);
    expect(ask('workers', 'builds/9/new', { buildid: 9 })).toBe(false);
  });
});

it('knows which answers events may still be about', () => {
  expect(isOpen('builds', {}, { builds: [{ complete: true }, { complete: false }] })).toBe(true);
  expect(isOpen('builds', {}, { builds: [{ complete: true }] })).toBe(false);
  expect(isOpen('steps', {}, { builds: [{ complete: false }] })).toBe(false);
  expect(isOpen('builds', { complete: false }, { builds: [] })).toBe(true);
});
