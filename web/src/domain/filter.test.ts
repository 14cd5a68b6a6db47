import { describe, expect, it } from 'vitest';
import { matches, parseFilter } from './filter';

const FACTS = { name: ['linux-arm-debug'], tag: ['linux', 'nightly'], state: ['failed', 'running'], age: ['900'] };
const fits = (text: string): boolean => matches(parseFilter(text), FACTS);

describe('the filter language', () => {
  it.each([
    ['', true],
    ['tag:linux', true],
    ['TAG:Linux', true],
    ['tag:lin', false],
    ['tag~lin', true],
    ['-tag:nightly', false],
    ['tag:linux -tag:windows', true],
    ['state:failed state:passed', true],
    ['state:passed', false],
    ['state:failed tag:windows', false],
    ['name~arm', true],
    ['name:linux-*', true],
    ['name:arm', false],
    ['arm debug', true],
    ['arm nightly', true],
    ['arm release', false],
    ['-arm', false],
    ['"linux-arm"', true],
    ['unknown:key', false],
    ['-unknown:key', true],
    ['-', true],
    ['age:>10m', true],
    ['age:>15m', false],
    ['age:<1h', true],
    ['age:>=900', true],
    ['age:>900', false],
    ['-age:<20m', false],
    ['tag:>3', false],
  ])('%s: %s', (text, expected) => {
    expect(fits(text)).toBe(expected);
  });
});
