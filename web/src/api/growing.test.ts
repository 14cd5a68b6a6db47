import { expect, it } from 'vitest';
import { withNews } from './growing';

const rows = [
  { buildid: 3, results: null },
  { buildid: 2, results: 0 },
];

it('replaces rows in place and puts new ones in front, the newest first', () => {
  const news = [
    { buildid: 4, results: null },
    { buildid: 3, results: 2 },
    { buildid: 5, results: null },
    { buildid: 4, results: 0 },
  ];
  expect(withNews(rows, news, 'buildid')).toEqual([
    { buildid: 5, results: null },
    { buildid: 4, results: 0 },
    { buildid: 3, results: 2 },
    { buildid: 2, results: 0 },
  ]);
});

it('keeps what an event does not tell', () => {
  expect(withNews([{ buildid: 1, extra: 'kept', results: null }], [{ buildid: 1, results: 0 } as never], 'buildid')).toEqual([
    { buildid: 1, extra: 'kept', results: 0 },
  ]);
});
