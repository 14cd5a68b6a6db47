import { expect, it } from 'vitest';
import { ASKED, byKind, type Hit } from './hits';

const hitsOf = (kind: Hit['kind'], count: number): Hit[] =>
  Array.from({ length: count }, (_, id) => ({ kind, id, title: `${kind} ${id}`, subtitle: '', path: `/${kind}s/${id}` }));

it('puts hits of a kind together, and leads to the list of all of them', () => {
  const [builders, workers] = byKind([...hitsOf('builder', 20), ...hitsOf('worker', 1)], 'a b');
  expect(builders?.head).toBe('Builders (20)');
  expect(builders?.hits.length).toBeLessThan(10);
  expect(builders?.all).toEqual({ label: 'All 20 builders with “a b”', path: '/builders?q=a%20b' });
  expect(workers).toMatchObject({ head: 'Workers', hits: [{ id: 0 }] });
  expect(workers?.all).toBeUndefined();
});

it('says that there may be more than were asked for', () => {
  expect(byKind(hitsOf('builder', ASKED), 'x')[0]?.head).toBe(`Builders (${ASKED} or more)`);
  expect(byKind(hitsOf('change', ASKED), 'x')[0]?.all).toBeUndefined();
});
