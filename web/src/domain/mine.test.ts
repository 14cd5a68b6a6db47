import { expect, it } from 'vitest';
import type { Build } from '@/api/types';
import { isMine, namesOf } from './mine';

const build = (properties: object) => ({ properties }) as Build;
const names = namesOf({ username: 'ada', email: 'Ada@Example.org' });

it.each<[object, boolean]>([
  [{ owner: ['ada', 'Force'] }, true],
  [{ owner: ['Ada Lovelace <ada@example.org>', 'Force'] }, true],
  [{ owners: [['bob', 'ada@example.org'], 'Build'] }, true],
  [{ owner: ['adam', 'Force'] }, false],
  [{ owner: [null, 'Force'] }, false],
  [{}, false],
])('builds with %j are mine: %s', (properties, mine) => {
  expect(isMine(build(properties), names)).toBe(mine);
});

it('somebody who has not logged in owns nothing', () => {
  expect(namesOf({ anonymous: true })).toEqual([]);
});
