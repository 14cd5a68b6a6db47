import { useMemo } from 'react';
import { useGrowing } from '@/api/growing';
import { bySource, type Built, type BuiltBuild, type BuiltRequest, type BuiltSet } from '@/domain/built';

/** More rows than these are not asked for; pages say so when they are not all. */
const SETS = 2_000;
const ROWS = 10_000;
/** Builds of older sources may be ordered later; so many seconds after them are looked at. */
const LATER = 7 * 86_400;

const BUILD_FIELDS: readonly (keyof BuiltBuild)[] = [
  'buildid',
  'number',
  'builderid',
  'buildrequestid',
  'started_at',
  'complete',
  'complete_at',
  'results',
  'state_string',
];

interface Answer {
  built: Built;
  sets: readonly BuiltSet[];
  isLoading: boolean;
  /** Some were not fetched: the oldest ones. */
  isCut: boolean;
  error: Error | null;
  retry: () => void;
}

/**
 * What was built since a moment, in three questions however many sources and builders there are.
 * With *until*, only what was ordered up to a week after it. Nothing while *since* is undefined.
 */
export function useBuilt(since: number | undefined, until?: number): Answer {
  const from = since === undefined ? undefined : Math.floor(since);
  const last = until === undefined ? Number.POSITIVE_INFINITY : Math.ceil(until) + LATER;
  const within = (name: string) => ({
    [`${name}__ge`]: from,
    ...(Number.isFinite(last) ? { [`${name}__le`]: last } : {}),
  });
  const isWithin = (at: number) => at >= (from ?? 0) && at <= last;
  const sets = useGrowing<BuiltSet>(
    'buildsets',
    from === undefined ? null : { ...within('submitted_at'), order: '-bsid', limit: SETS, field: ['bsid', 'sourcestamps', 'submitted_at'] },
    (row) => isWithin(row.submitted_at),
  );
  const requests = useGrowing<BuiltRequest>(
    'buildrequests',
    from === undefined
      ? null
      : {
          ...within('submitted_at'),
          order: '-buildrequestid',
          limit: ROWS,
          field: ['buildrequestid', 'buildsetid', 'builderid', 'complete', 'results', 'submitted_at'],
        },
    (row) => isWithin(row.submitted_at),
  );
  const builds = useGrowing<BuiltBuild>(
    'builds',
    from === undefined
      ? null
      : {
          ...within('started_at'),
          order: '-buildid',
          limit: ROWS,
          field: BUILD_FIELDS,
        },
    (row) => isWithin(row.started_at),
  );
  const answers = [sets, requests, builds];
  const built = useMemo(
    () => bySource(sets.data?.rows ?? [], requests.data?.rows ?? [], builds.data?.rows ?? []),
    [sets.data, requests.data, builds.data],
  );
  return {
    built,
    sets: sets.data?.rows ?? NONE,
    isLoading: answers.some((one) => one.data === undefined && one.error === null) && from !== undefined,
    isCut: answers.some((one) => one.data !== undefined && one.data.total > one.data.rows.length),
    error: answers.find((one) => one.data === undefined && one.error)?.error ?? null,
    retry: () => answers.forEach((one) => one.error && void one.refetch()),
  };
}

const NONE: readonly BuiltSet[] = [];
