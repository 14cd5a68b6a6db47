/** Workers that are started on demand: without a machine, nothing is wrong with them. */

import { useMemo } from 'react';
import { useRest } from './hooks';
import type { Worker } from './types';

const LATEST = 2_000;

/** The workers, each told apart by whether it has ever had an instance. */
export function useOnDemand(workers: readonly Worker[] | undefined): Worker[] | undefined {
  const { data } = useRest<{ instances: { workerid: number }[] }>('instances', {
    field: ['instanceid', 'workerid'],
    order: '-instanceid',
    limit: LATEST,
  });
  return useMemo(() => {
    const known = new Set((data?.instances ?? []).map((one) => one.workerid));
    return workers?.map((worker) => ({ ...worker, isOnDemand: known.has(worker.workerid) }));
  }, [workers, data]);
}
