import { useQueries, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { read } from '@/api/client';
import { InSight } from '@/api/inSight';
import type { Failure } from '@/api/types';

const AT_ONCE = 40;

const failures = new InSight<Failure>(async (buildid) => {
  const { failures: rows } = await read<{ failures: Failure[] }>('failures', { buildid });
  return new Map(rows.map((row) => [row.buildid, row]));
}, AT_ONCE);

const about = (buildid: number) => ({
  queryKey: ['failure', buildid],
  queryFn: ({ signal }: { signal: AbortSignal }) => failures.about(buildid, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Why a build failed; however many rows ask at once, it is one question. Not asked while *buildid* is undefined. */
export const useFailure = (buildid: number | undefined): UseQueryResult<Failure | null, Error> =>
  useQuery({ ...about(buildid ?? 0), enabled: buildid !== undefined });

/** The same for several builds, by build, as far as it is known; undefined until all answers are there. */
export function useFailures(buildids: readonly number[]): ReadonlyMap<number, Failure> | undefined {
  return useQueries({
    queries: buildids.map(about),
    combine: (answers) => {
      if (answers.some((one) => one.isPending)) return undefined;
      return new Map(answers.flatMap(({ data }) => (data ? [[data.buildid, data]] : [])));
    },
  });
}
