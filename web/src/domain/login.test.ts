import { expect, it } from 'vitest';
import { afterLogin, reasonOf, refusalOf } from './login';

const root = 'https://ci.example.org/ci/';

it.each([
  ['/builders?q=tag:linux', 'https://ci.example.org/ci/builders?q=tag:linux'],
  [undefined, root],
  ['//evil.example.org/', 'https://ci.example.org/ci/evil.example.org/'],
  ['https://evil.example.org/', root],
  ['javascript:alert(1)', root],
  ['../../admin', root],
  ['http://[', root],
])('from the login, %s leads to %s', (path, address) => {
  expect(afterLogin(path, root)).toBe(address);
});

it('says why somebody was not let in, and how long to wait', () => {
  expect(refusalOf(401, 'not logged in: wrong name or password\n', null)).toBe('Wrong name or password.');
  expect(refusalOf(429, 'not logged in: wait', '12')).toBe('Too many wrong passwords. Wait 12 s, then try again.');
  expect(refusalOf(503, '', null)).toBe('The master answered with status 503.');
});

it.each([
  ['you are not allowed to read /audit: only commands read it: chargehand audit', 'Only commands read it: chargehand audit.'],
  ['log in first', 'Log in first.'],
  ['forbidden', 'Forbidden'],
])('says why somebody may not see something: %s', (message, sentence) => {
  expect(reasonOf(message)).toBe(sentence);
});
