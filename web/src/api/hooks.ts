/** Server state for components: answers of `/api/v2`, kept current by live events. */

import {
  QueryClient,
  hashKey,
  keepPreviousData,
  notifyManager,
  useMutation,
  useQuery,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { Calm } from './calm';
import { ApiError, atHand, order, read, readSite, siteAtHand, type Ask, type Params } from './client';
import { inTurn } from './inTurn';
import { Live, type ConnectionState, type LiveEvent } from './live';
import { Pace } from './pace';
import { isOpen, kindOf, listedKind, mayChangeList, newest, withRows, type Answer } from './rows';
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
    dirty.clear();
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
      if (state.data !== undefined && isOpen(kind, params, state.data as Answer)) dirty.set(queryHash, { queryKey: queryKey as RestKey, at: Date.now() });
    }
    fetchLater();
  },
);

/** What the visitor may do, which a login, a logout, or another configuration changes. */
function isAboutPermissions([kind, path]: readonly unknown[]): boolean {
  return kind === 'rest' && typeof path === 'string' && path.endsWith('/actions');
}

/** Rows are drawn again after so many milliseconds at the earliest, however many events come. */
const DRAWN_EVERY = 250;
/** So many seconds after its last event a list may be answered from what the master gave to another window. */
const SHARED_SECONDS = 1;
/** Events may be so many milliseconds on their way. */
const ON_THE_WAY = 500;

const calm = new Calm();
/** How often this window draws what happens by itself. */
export const pace = new Pace();
/** The lists that have changed, and when. */
const dirty = new Map<string, { queryKey: RestKey; at: number }>();
/** Those that are asked for again and again because of events: many windows ask the same at this time. */
const shared = new Set<string>();
let pending: ReturnType<typeof setTimeout> | undefined;

/** Each answer changes once for all events of a burst, and what shows it is drawn once. */
const events = new Together<LiveEvent>(
  (all) => {
    pace.begin();
    notifyManager.batch(() => takeIn(all));
  },
  () => pace.pause(DRAWN_EVERY),
);

live.listen((event) => events.add(event));

function takeIn(all: readonly LiveEvent[]): void {
  const kinds = new Map<string, LiveEvent[]>();
  for (const event of all) {
    const kind = kindOf(event.key);
    const some = kinds.get(kind);
    if (some === undefined) kinds.set(kind, [event]);
    else some.push(event);
  }
  const news = [...kinds].map(([kind, some]) => [kind, newest(kind, some.map(({ message }) => message))] as const);
  for (const query of client.getQueryCache().findAll({ queryKey: ['rest'] })) {
    const isShown = query.getObserversCount() > 0;
    if (!isShown && query.state.isInvalidated) continue;
    const [, path, params] = query.queryKey as RestKey;
    const answer = query.state.data as Answer | undefined;
    let changed = answer;
    for (const [kind, rows] of news) changed = changed && withRows(changed, kind, rows);
    const isDirty = (kinds.get(listedKind(path)) ?? []).some(({ key, message }) =>
      mayChangeList(path, params, answer, key, message),
    );
    if (changed !== answer) client.setQueryData(query.queryKey, changed);
    if (isDirty && isShown) dirty.set(query.queryHash, { queryKey: query.queryKey as RestKey, at: Date.now() });
    // Nobody looks: it is asked for when somebody does.
    else if (isDirty) query.invalidate();
  }
  fetchLater();
}

function fetchLater(): void {
  if (dirty.size > 0) pending ??= setTimeout(fetchDirty, pace.pause(calm.after(Date.now())));
}

/** Fetch again what has changed: once for many events, and not for a window that nobody sees. */
function fetchDirty(): void {
  pending = undefined;
  if (document.hidden) return;
  const now = Date.now();
  calm.fetched(now);
  for (const [hash, { queryKey, at }] of dirty) {
    if (calm.isBusy) askShared(hash, queryKey);
    else void client.invalidateQueries({ queryKey, exact: true });
    if (!calm.isBusy || !isTooFresh(at, now)) dirty.delete(hash);
  }
  fetchLater();
}

/** Ask again for what many windows ask for at this time. */
function askShared(hash: string, queryKey: RestKey): void {
  if (client.getQueryCache().get(hash)?.isActive()) shared.add(hash);
  void client.invalidateQueries({ queryKey, exact: true });
}

/** Whether a shared answer may be older than the last event, which came then: it is asked for once more. */
const isTooFresh = (event: number, now: number): boolean => now - event <= SHARED_SECONDS * 1_000 + ON_THE_WAY;

/** A window that nobody sees rests after so many milliseconds: who looks away for a moment misses nothing. */
const REST_AFTER = 5_000;
let resting: ReturnType<typeof setTimeout> | undefined;

function seen(): void {
  clearTimeout(resting);
  if (document.hidden) {
    resting = setTimeout(() => live.rest(), REST_AFTER);
    return;
  }
  live.wake();
  // Somebody looks, who may have logged in elsewhere in the meantime.
  live.retry();
  if (dirty.size > 0) pending ??= setTimeout(fetchDirty, 0);
}

document.addEventListener('visibilitychange', seen);
seen();

/** The key of an answer in the cache. */
export const restKey = (path: string, params: Params): RestKey => ['rest', path, params];

/** Answers that were asked for ahead of the page that shows them, by their hashes: when, in milliseconds. */
const fresh = new Map<string, number>();
/** A page that takes longer than this to be drawn asks again. */
const FRESH = 10_000;

/** Ask for what a page will show while its code is on the way: {@link useRest} of the same finds the answer. */
export const ahead: Ask = async <T>(path: string, params: Params = {}): Promise<T | undefined> => {
  const queryKey = restKey(path, params);
  fresh.set(hashKey(queryKey), Date.now());
  const here = atHand<T>(path, params);
  if (here !== undefined) return client.setQueryData<T>(queryKey, here);
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
      const maxAge = shared.delete(hash) ? SHARED_SECONDS : 0;
      const ask = () => read<T>(path ?? '', params, signal, maxAge);
      return options.inTurn ? inTurn(ask) : ask();
    },
    enabled: path !== null,
    initialData: () => {
      const here = path === null ? undefined : atHand<T>(path, params);
      if (here !== undefined) fresh.set(hash, Date.now());
      return here;
    },
    placeholderData: options.keep === false ? undefined : keepPreviousData,
    staleTime: options.staleTime,
    refetchOnMount: () => Date.now() - (fresh.get(hash) ?? 0) > FRESH,
  });
}

/** Hear live events about these paths while the component is shown, and somebody sees the window. */
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

/** Hear live events about a path also while nobody sees the window: for its title, or to notify. */
export function useAlwaysLive(path: string | null): void {
  useEffect(() => (path === null ? undefined : live.subscribe(path, true)), [path]);
}

/**
 * Ask for an answer again, at most every *seconds*, while events about these kinds of rows come: for what no event
 * is about.
 */
export function useAgain(kinds: readonly string[], seconds: number, path: string, params: Params): void {
  const joined = kinds.join(' ');
  const hash = hashKey(restKey(path, params));
  useEffect(() => {
    const heard = new Set(joined.split(' '));
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    const ask = () => {
      timer = undefined;
      if (document.hidden) return;
      askShared(hash, restKey(path, params));
      if (isTooFresh(last, Date.now())) timer = setTimeout(ask, seconds * 1_000);
    };
    const end = live.listen(({ key }) => {
      if (!heard.has(kindOf(key))) return;
      last = Date.now();
      timer ??= setTimeout(ask, seconds * 1_000);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
    // oxlint-disable-next-line exhaustive-deps -- the hash says when the parameters are others
  }, [joined, seconds, path, hash]);
}

export function useConnection(): ConnectionState {
  return useSyncExternalStore(live.watch, () => live.state);
}

/** The site: its name, who is logged in, versions. */
export function useSite(): UseQueryResult<Site, Error> {
  return useQuery({
    queryKey: ['site'],
    queryFn: () => readSite<Site>('config'),
    initialData: () => siteAtHand<Site>('config'),
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
