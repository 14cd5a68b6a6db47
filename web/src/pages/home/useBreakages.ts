import { useTimeout } from '@mantine/hooks';
import { useState } from 'react';
import { useRest } from '@/api/hooks';
import type { Build, Cause, Failure } from '@/api/types';
import { breakages, type Breakage, type Red } from '@/domain/breakages';
import { useFailures } from '@/parts/useFailure';

/** After so many milliseconds rows are shown as they are, also if it is not known what belongs together. */
const PATIENCE = 1_500;
const NOTHING: ReadonlyMap<number, Failure> = new Map();

/** What broke the red builders, in two questions for all of them; undefined for a moment, until that is known. */
export function useBreakages(red: readonly Red[]): readonly Breakage[] | undefined {
  const [isLate, setLate] = useState(false);
  useTimeout(() => setLate(true), PATIENCE, { autoInvoke: true });
  const failures = useFailures(red.map(({ streak }) => streak.newest.buildid));
  const turned = red.map(({ streak }) => streak.first.buildid).toSorted((one, other) => one - other);
  const firsts = useRest<{ builds: Build[] }>(
    turned.length > 0 ? 'builds' : null,
    { buildid: turned, cause: true, field: ['buildid'] },
    { staleTime: Number.POSITIVE_INFINITY },
  );
  if (turned.length === 0) return [];
  if (!isLate && (failures === undefined || (firsts.data === undefined && firsts.error === null))) return undefined;
  const causes = new Map<number, Cause | null | undefined>((firsts.data?.builds ?? []).map((build) => [build.buildid, build.cause]));
  return breakages(red, failures ?? NOTHING, causes);
}
