/** Server state for components: answers of `/api/v2`, kept current by live events. */

import {
  QueryClient,
  hashKey,
  keepPreviousData,
  useMutation,
  useQuery,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { Calm } from './calm';
import { ApiError, order, read, readSite, type Ask, type Params } from './client';
import { inTurn } from './inTurn';
import { Live, type ConnectionState, type LiveEvent } from './live';
import { isOpen, kindOf, mayChangeList, withRow, type Answer } from './rows';
import { Together } from './together';
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
  (path) => {
    // A build that ended between the answer and the first event would be shown as running for ever.
    const kind = kindOf(path.split('/'));
    for (const { queryKey, queryHash, state } of client.getQueryCache().findAll({ queryKey: ['rest'], type: 'active' })) {
      const [, , params] = queryKey as RestKey;
      if (state.data !== undefined && isOpen(kind, params, state.data as Answer)) dirty.set(queryHash, queryKey as RestKey);
    }
    fetchLater();
  },
);

/** What the visitor may do, which a login, a logout, or another configuration changes. */
function isAboutPermissions([kind, path]: readonly unknown[]): boolean {
  return kind === 'rest' && typeof path === 'string' && path.endsWith('/actions');
}

const calm = new Calm();
const dirty = new Map<string, RestKey>();
let pending: ReturnType<typeof setTimeout> | undefined;

/** Each answer changes once for all events of a burst, and what shows it is drawn once. */
const events = new Together<LiveEvent>((all) => {
  const heard = all.map((event) => ({ ...event, kind: kindOf(event.key) }));
  for (const query of client.getQueryCache().findAll({ queryKey: ['rest'] })) {
    const [, path, params] = query.queryKey as RestKey;
    const before = query.state.data as Answer | undefined;
    let answer = before;
    for (const { key, message, kind } of heard) {
      if (answer !== undefined) answer = withRow(answer, kind, message);
      if (mayChangeList(path, params, answer, key, message)) dirty.set(query.queryHash, query.queryKey as RestKey);
    }
    if (answer !== before) client.setQueryData(query.queryKey, answer);
  }
  fetchLater();
});

live.listen((event) => events.add(event));

function fetchLater(): void {
  if (dirty.size > 0) pending ??= setTimeout(fetchDirty, calm.after(Date.now()));
}

document.addEventListener('visibilitychange', () => {
  // Somebody looks, who may have logged in elsewhere in the meantime.
  if (!document.hidden) live.retry();
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

/** Answers that were asked for ahead of the page that shows them, by their hashes: when, in milliseconds. */
const fresh = new Map<string, number>();
/** A page that takes longer than this to be drawn asks again. */
const FRESH = 10_000;

/** Ask for what a page will show while its code is on the way: {@link useRest} of the same finds the answer. */
export const ahead: Ask = async <T>(path: string, params: Params = {}): Promise<T | undefined> => {
  const queryKey = restKey(path, params);
  fresh.set(hashKey(queryKey), Date.now());
  try {
    return await client.fetchQuery({
      queryKey,
      queryFn: ({ signal }) => read<T>(path, params, signal),
      retry: false,
      staleTime: 0,
    });
  } catch {
    return undefined;
  }
};

/** An answer of `GET /api/v2/PATH`; not asked for while *path* is null. */
export function useRest<T>(
  path: string | null,
  params: Params = {},
  options: { keep?: boolean; staleTime?: number; inTurn?: boolean } = {},
): UseQueryResult<T, Error> {
  const queryKey = restKey(path ?? '', params);
  const hash = hashKey(queryKey);
  // Once the page is left, nobody tells what has changed: then the answer is as old as any other.
  useEffect(() => () => void fresh.delete(hash), [hash]);
  return useQuery({
    queryKey,
    queryFn: ({ signal }) => {
      const ask = () => read<T>(path ?? '', params, signal);
      return options.inTurn ? inTurn(ask) : ask();
    },
    enabled: path !== null,
    placeholderData: options.keep === false ? undefined : keepPreviousData,
    staleTime: options.staleTime,
    refetchOnMount: () => Date.now() - (fresh.get(hash) ?? 0) > FRESH,
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
