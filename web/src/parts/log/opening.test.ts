import { afterEach, expect, it, vi } from 'vitest';
import { begin } from '@/api/client';
import { BEGINNING, contentsPath } from '@/domain/logs';
import { LogLines } from './lines';

afterEach(() => vi.unstubAllGlobals());

it('has the lines that were asked for ahead from its beginning, and asks for them no more', async () => {
  const content = 'oone\netwo\n';
  const fetch = vi.fn(async () => new Response(JSON.stringify({ logchunks: [{ content }] })));
  vi.stubGlobal('fetch', fetch);
  await begin(contentsPath(7), BEGINNING);

  const lines = LogLines.of(7, 's', 2);
  lines.want(0, 1);

  expect([lines.at(0)?.text, lines.at(1)?.stream, lines.at(1)?.text]).toEqual(['one', 'e', 'two']);
  expect(fetch).toHaveBeenCalledTimes(1);
});
