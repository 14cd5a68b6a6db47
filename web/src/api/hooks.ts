/** Server state for components: answers of `/api/v2`, kept current by live events. */

import {
  QueryClient,
  keepPreviousData,
  useMutation,
  useQuery,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { Calm } from './calm';
import { ApiError, order, read, readSite, type Params } from './client';
import { inTurn } from './inTurn';
import { Live, type ConnectionState } from './live';
import { kindOf, mayChangeList, withRow, type Answer } from './rows';
import type { Site } from './types';

type RestKey = readonly ['rest', string, Params];

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // A master that is busy or restarting says 503, and 429 if we ask too often: it answers a moment later.
      retry: (failures, error) =>
        error instanceof ApiError && error.status >= 400
          ? (error.status === 503 || error.status === 429) && failures < 4
          : failures < 2,
    },
  },
});

export const live = new Live(
  () => {
    for (const kind of ['rest', 'grown']) void client.invalidateQueries({ queryKey: [kind] });
  },
  undefined,
  () => {
    void client.invalidateQueries({ queryKey: ['site'] });
    void client.invalidateQueries({ predicate: ({ queryKey }) => isAboutPermissions(queryKey) });
  },
);

/** What the visitor may do, which a login, a logout, or another configuration changes. */
function isAboutPermissions([kind, path]: readonly unknown[]): boolean {
  return kind === 'rest' && typeof path === 'string' && path.endsWith('/actions');
}

const calm = new Calm();
const dirty = new Map<string, RestKey>();
let pending: ReturnType<typeof setTimeout> | undefined;

live.listen(({ key, message }) => {
  const kind = kindOf(key);
  for (const query of client.getQueryCache().findAll({ queryKey: ['rest'] })) {
    const [, path, params] = query.queryKey as RestKey;
    const answer = query.state.data as Answer | undefined;
    if (answer !== undefined) {
      const changed = withRow(answer, kind, message);
      if (changed !== answer) client.setQueryData(query.queryKey, changed);
    }
    if (mayChangeList(path, params, answer, key, message)) dirty.set(query.queryHash, query.queryKey as RestKey);
  }
  if (dirty.size > 0) pending ??= setTimeout(fetchDirty, calm.after(Date.now()));
});

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && dirty.size > 0) pending ??= setTimeout(fetchDirty, 0);
});

/** Fetch again what has changed: once for many events, and not for a window that nobody sees. */
function fetchDirty(): void {
  pending = undefined;
  if (document.hidden) return;
  calm.fetched(Date.now());
  const keys = [...dirty.values()];
  dirty.clear();
  for (const queryKey of keys) void client.invalidateQueries({ queryKey, exact: true });
}

const restKey = (path: string, params: Params): RestKey => ['rest', path, params];

/**
 * Ask for what a page will show while its code is still on the way: {@link useRest} with the same
 * path and parameters finds the answer. Undefined where there is none; the page asks again, and tells.
 */
export async function ahead<T>(path: string, params: Params = {}): Promise<T | undefined> {
  try {
    return await client.fetchQuery({
      queryKey: restKey(path, params),
      queryFn: ({ signal }) => read<T>(path, params, signal),
      retry: false,
    });
  } catch {
    return undefined;
  }
}

/** An answer of `GET /api/v2/PATH`; not asked for while *path* is null. */
export function useRest<T>(
  path: string | null,
  params: Params = {},
  options: { keep?: boolean; staleTime?: number; inTurn?: boolean } = {},
): UseQueryResult<T, Error> {
  return useQuery({
    queryKey: restKey(path ?? '', params),
    queryFn: ({ signal }) => {
      const ask = () => read<T>(path ?? '', params, signal);
      return options.inTurn ? inTurn(ask) : ask();
    },
    enabled: path !== null,
    placeholderData: options.keep === false ? undefined : keepPreviousData,
    staleTime: options.staleTime,
  });
}

/** Hear live events about these paths while the component is shown. */
export function useLive(...paths: (string | null)[]): void {
  const joined = paths.filter((path) => path !== null).join(' ');
  useEffect(() => {
    const ends = joined
      .split(' ')
      .filter(Boolean)
      .map((path) => live.subscribe(path));
    return () => ends.forEach((end) => end());
  }, [joined]);
}

/** Call *again* at most every *seconds* while events about these kinds of rows come: for answers that no event is about. */
export function useAgain(kinds: readonly string[], seconds: number, again: () => unknown): void {
  const current = useRef(again);
  current.current = again;
  const joined = kinds.join(' ');
  useEffect(() => {
    const heard = new Set(joined.split(' '));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = live.listen(({ key }) => {
      if (!heard.has(kindOf(key))) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        if (!document.hidden) current.current();
      }, seconds * 1_000);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [joined, seconds]);
}

export function useConnection(): ConnectionState {
  return useSyncExternalStore(live.watch, () => live.state);
}

/** The site: its name, who is logged in, versions. */
export function useSite(): UseQueryResult<Site, Error> {
  return useQuery({
    queryKey: ['site'],
    queryFn: () => readSite<Site>('config'),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

interface Order {
  path: string;
  method: string;
  params?: object;
}

/** Orders (stop, rebuild, force …); what they change comes back as live events. */
export function useOrder<T = unknown>() {
  return useMutation<T, Error, Order>({
    mutationFn: ({ path, method, params }) => order<T>(path, method, params),
    onSuccess: () => client.invalidateQueries({ queryKey: ['rest'] }),
  });
}
