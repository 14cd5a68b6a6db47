import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, atHand, begin, beginSite, query, read, readSite, siteAtHand, siteUrl } from './client';

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

const answering = (status: number, body: object) => {
  const fetch = vi.fn(async (_url: string) => new Response(JSON.stringify(body), { status }));
  vi.stubGlobal('fetch', fetch);
  return fetch;
};

describe('what is asked ahead', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is the answer of whoever reads it, once', async () => {
    const fetch = answering(200, { builds: [] });

    expect(await begin('builds', { limit: 1 })).toEqual({ builds: [] });
    await begin('builds', { limit: 1 });
    expect(await read('builds', { limit: 1 })).toEqual({ builds: [] });
    expect(fetch).toHaveBeenCalledTimes(1);

    await read('builds', { limit: 1 });
    await read('builds', { limit: 2 });
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it('may be something else of the site', async () => {
    const fetch = answering(200, { title: 'Farm' });

    void beginSite('config');

    expect(await readSite('config')).toEqual({ title: 'Farm' });
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('is at hand once it has come, and for one only', async () => {
    const fetch = answering(200, { builds: [] });

    const coming = begin('builds');
    expect(atHand('builds')).toBeUndefined();
    await coming;
    await beginSite('config');

    expect(atHand('builds', { limit: 1 })).toBeUndefined();
    expect(atHand('builds')).toEqual({ builds: [] });
    expect(atHand('builds')).toBeUndefined();
    expect(siteAtHand('config')).toEqual({ builds: [] });
    await read('builds');
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it('fails for whoever reads it', async () => {
    answering(403, { error: 'You may not.' });

    expect(await begin('workers')).toBeUndefined();

    await expect(read('workers')).rejects.toThrow(new ApiError(403, 'You may not.'));
  });

  it('is not kept for long', async () => {
    vi.useFakeTimers();
    const fetch = answering(200, {});
    await begin('masters');

    vi.advanceTimersByTime(60_000);
    await read('masters');

    expect(fetch).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });
});
