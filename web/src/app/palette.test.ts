import { beforeEach, expect, it } from 'vitest';
import { soughtIn, typing } from './palette';

beforeEach(typing.clear);

it('keeps what is typed before the field is there', () => {
  for (const key of ['n', 'i', 'x', 'Backspace', 'g']) expect(typing.early(key)).toBe(true);
  expect(typing.get()).toEqual({ text: 'nig', isSent: false });
});

it('remembers Enter until something else is typed', () => {
  typing.early('a');
  typing.early('Enter');
  expect(typing.get().isSent).toBe(true);
  typing.write('ab');
  expect(typing.get().isSent).toBe(false);
});

it('opens nothing by Enter alone, and leaves other keys to the page', () => {
  expect(typing.early('Enter')).toBe(true);
  expect(typing.get().isSent).toBe(false);
  expect(typing.early('Escape')).toBe(false);
});

it.each([
  ['linux', 'linux', false],
  ['  Force linux-arm ', 'linux-arm', true],
  ['force', '', true],
  ['start linux', 'linux', true],
  ['forced', 'forced', false],
])('searches for the words of an order: %j', (text, words, isForce) => {
  expect(soughtIn(text)).toEqual({ words, isForce });
});
