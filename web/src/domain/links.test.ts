import { expect, it } from 'vitest';
import { isOtherOrigin, linked } from './links';

it('finds addresses, without the end of the sentence', () => {
  expect(linked('See https://example.org/a?b=1, then (http://example.org/c).')).toEqual([
    { text: 'See ' },
    { text: 'https://example.org/a?b=1', url: 'https://example.org/a?b=1' },
    { text: ', then (' },
    { text: 'http://example.org/c', url: 'http://example.org/c' },
    { text: ').' },
  ]);
});

it('makes no link of other schemes', () => {
  expect(linked('javascript:alert(1)')).toEqual([{ text: 'javascript:alert(1)' }]);
});

it('tells another origin, whatever the path is', () => {
  expect(isOtherOrigin('https://ci.example.org/ci/', 'https://ci.example.org/')).toBe(false);
  expect(isOtherOrigin('http://localhost:8010/', 'http://localhost:5399/ci/')).toBe(true);
  expect(isOtherOrigin('', 'http://localhost:8010/')).toBe(true);
});
