import { expect, it } from 'vitest';
import { query, siteUrl } from './client';

it.each([
  '/builders/3',
  'builders/3',
  '//example.org/x',
  '///example.org/x',
  'javascript:alert(1)',
  '/javascript:alert(1)',
  'https://example.org/',
])('an address of the site stays on the site: %s', (path) => {
  expect(new URL(siteUrl(path)).origin).toBe(new URL(document.baseURI).origin);
});

it('repeats parameters, and leaves out what is undefined', () => {
  expect(query({ a: [1, 2], b: undefined, c: true })).toBe('?a=1&a=2&c=true');
  expect(query({})).toBe('');
});
