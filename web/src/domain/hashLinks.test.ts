import { expect, it } from 'vitest';
import { pathOfHash } from './hashLinks';

it.each([
  ['#/', '/'],
  ['#/builders', '/builders'],
  ['#/builders/3', '/builders/3'],
  ['#/builders/linux-arm/builds/7', '/builders/linux-arm/builds/7'],
  ['#/builders/3/builds/7/steps/2', '/builders/3/builds/7?step=2'],
  ['#/builders/3/builds/7/steps/2/logs/stdio', '/builders/3/builds/7?step=2&log=stdio'],
  ['#/pendingbuildrequests', '/pending'],
  ['#/buildrequests/9?redirect_to_build=true', '/buildrequests/9?redirect_to_build=true'],
  ['#/workers/4', '/workers/4'],
  ['#/waterfall', '/waterfall'],
  ['#///example.org/x', '/example.org/x'],
  ["#/javascript:document.title='hacked'", "/javascript:document.title='hacked'"],
])('Buildbot’s %s is %s here', (hash, path) => {
  expect(pathOfHash(hash)).toBe(path);
});

it('leaves other fragments alone', () => {
  expect(pathOfHash('#main')).toBeNull();
  expect(pathOfHash('')).toBeNull();
});
