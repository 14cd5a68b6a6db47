import { useQueries, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useMemo, useReducer, useRef } from 'react';
import { read } from '@/api/client';
import { live, useLive, useRest } from '@/api/hooks';
import { kindOf } from '@/api/rows';
import type { BuildRequest } from '@/api/types';
import { lanesOf, tilesOf, type Block } from '@/domain/waterfall';
import type { Wait } from './draw';

/** Builders whose builds are asked for together. */
const CHUNK = 20;
/** Builds of such a chunk in one part of time: more are not asked for. */
const LIMIT = 4_000;
/** What live events brought since the page was opened: older ones are in what is fetched again. */
const KEPT = 5_000;
const WAITING = 1_000;
/** Waits before builds are shown while no more time than this is seen. */
const WAITS_UP_TO = 2 * 86_400;
const TOGETHER = 200;

const FIELDS: readonly (keyof Block)[] = [
  'buildid',
  'number',
  'builderid',
  'started_at',
  'complete',
  'complete_at',
  'results',
  'state_string',
];
type Request = Pick<BuildRequest, 'buildrequestid' | 'builderid' | 'submitted_at' | 'claimed' | 'claimed_at' | 'complete'>;
const REQUEST_FIELDS: readonly (keyof Request)[] = [
  'buildrequestid',
  'builderid',
  'submitted_at',
  'claimed',
  'claimed_at',
  'complete',
];

interface Part<T> {
  rows: T[];
  isCut: boolean;
}

async function part<T>(kind: string, params: Record<string, string | number | readonly (string | number)[]>, signal: AbortSignal): Promise<Part<T>> {
  const found = await read<Record<string, T[]> & { meta: { total: number } }>(kind, params, signal);
  const rows = found[kind] ?? [];
  return { rows, isCut: found.meta.total > rows.length };
}

/** Builds and waits of the builders in sight, in the part of time in sight; live. */
export function useLanes(builderids: readonly number[], first: number, last: number, from: number, to: number) {
  useLive('builds/*/*', 'buildrequests/*/*');
  const chunks = useMemo(() => {
    const found: number[][] = [];
    for (let start = Math.floor(first / CHUNK) * CHUNK; start <= last; start += CHUNK)
      found.push(builderids.slice(start, start + CHUNK));
    return found.filter((chunk) => chunk.length > 0);
  }, [builderids, first, last]);
  const wanted = chunks.flatMap((chunk) => tilesOf(from, to).map((tile) => ({ chunk, tile })));
  const builds = useQueries({
    queries: wanted.map(({ chunk, tile }) => ({
      queryKey: ['grown', 'waterfall', chunk.join(' '), tile.from, tile.to],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        part<Block>(
          'builds',
          { builderid: chunk, started_at__ge: tile.from, started_at__lt: tile.to, order: '-buildid', limit: LIMIT, field: FIELDS },
          signal,
        ),
    })),
    combine: together<Block>,
  });
  const waits = useQueries({
    queries: (to - from <= WAITS_UP_TO ? wanted : []).map(({ chunk, tile }) => ({
      queryKey: ['grown', 'waits', chunk.join(' '), tile.from, tile.to],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        part<Request>(
          'buildrequests',
          {
            builderid: chunk,
            submitted_at__ge: tile.from,
            submitted_at__lt: tile.to,
            order: '-buildrequestid',
            limit: LIMIT,
            field: REQUEST_FIELDS,
          },
          signal,
        ),
    })),
    combine: together<Request>,
  });
  const { running, waiting } = useUnended();
  const news = useNews();
  const lanes = useMemo(
    () => lanesOf([builds.rows, running.data?.builds ?? [], news]),
    [builds.rows, running.data, news],
  );
  const shownWaits = useMemo(
    () => waitsOf([...waits.rows.filter((one) => one.claimed_at !== null), ...(waiting.data?.buildrequests ?? [])]),
    [waits.rows, waiting.data],
  );
  return { ...builds, lanes, waits: shownWaits };
}

/** What runs and what waits. */
function useUnended() {
  const running = useRest<{ builds: Block[] }>('builds', { complete: false, limit: WAITING, field: FIELDS });
  const waiting = useRest<{ buildrequests: Request[] }>('buildrequests', {
    complete: false,
    claimed: false,
    limit: WAITING,
    field: REQUEST_FIELDS,
  });
  return { running, waiting };
}

/** The builders that build or have something to build. */
export function useBusy(): ReadonlySet<number> {
  const { running, waiting } = useUnended();
  return useMemo(
    () => new Set([...(running.data?.builds ?? []), ...(waiting.data?.buildrequests ?? [])].map((one) => one.builderid)),
    [running.data, waiting.data],
  );
}

/** Several answers as one. Outside of components, so that it is the same function each time. */
function together<T>(answers: UseQueryResult<Part<T>, Error>[]) {
  return {
    rows: answers.flatMap((one) => one.data?.rows ?? []),
    isLoading: answers.some((one) => one.isPending),
    isCut: answers.some((one) => one.data?.isCut),
    error: answers.find((one) => one.error && one.data === undefined)?.error ?? null,
    retry: () => answers.forEach((one) => one.error && void one.refetch()),
  };
}

function waitsOf(requests: readonly Request[]): Map<number, Wait[]> {
  const found = new Map<number, Wait[]>();
  for (const request of new Map(requests.map((one) => [one.buildrequestid, one])).values()) {
    const wait = { from: request.submitted_at, to: request.claimed_at };
    const known = found.get(request.builderid);
    if (known) known.push(wait);
    else found.set(request.builderid, [wait]);
  }
  return found;
}

/** The builds that live events told about, a few times a second at most. */
function useNews(): readonly Block[] {
  const kept = useRef(new Map<number, Block>());
  const shown = useRef<readonly Block[]>([]);
  const [, again] = useReducer((counter: number) => counter + 1, 0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = live.listen(({ key, message }) => {
      if (kindOf(key) !== 'builds' || typeof message.buildid !== 'number') return;
      kept.current.delete(message.buildid);
      kept.current.set(message.buildid, message as unknown as Block);
      const [oldest] = kept.current.keys();
      if (kept.current.size > KEPT && oldest !== undefined) kept.current.delete(oldest);
      timer ??= setTimeout(() => {
        timer = undefined;
        shown.current = [...kept.current.values()];
        again();
      }, TOGETHER);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, []);
  return shown.current;
}
