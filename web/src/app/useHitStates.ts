import { useRest } from '@/api/hooks';
import type { Build, Builder, Worker } from '@/api/types';
import { builderState } from '@/domain/builderList';
import { stateOf, type State } from '@/domain/states';
import { workerState } from '@/domain/workers';
import type { Hit } from './hits';

const BRIEFLY = { staleTime: 5_000 };

/** How what was found is, one question for each kind: the state of a hit, once it is known. */
export function useHitStates(hits: readonly Hit[]): (hit: Hit) => State | undefined {
  const idsOf = (kind: Hit['kind']) => hits.flatMap((hit) => (hit.kind === kind ? [hit.id] : []));
  const [builderids, buildids, workerids] = [idsOf('builder'), idsOf('build'), idsOf('worker')];
  const builders = useRest<{ builders: Builder[] }>(builderids.length > 0 ? 'builders' : null, { builderid: builderids, recent: 5 }, BRIEFLY);
  const builds = useRest<{ builds: Build[] }>(
    buildids.length > 0 ? 'builds' : null,
    { buildid: buildids, field: ['buildid', 'complete', 'complete_at', 'started_at', 'results'] },
    BRIEFLY,
  );
  const workers = useRest<{ workers: Worker[] }>(workerids.length > 0 ? 'workers' : null, { workerid: workerids }, BRIEFLY);
  return ({ kind, id }) => {
    if (kind === 'builder') {
      const found = builders.data?.builders.find((one) => one.builderid === id);
      return found && builderState(found);
    }
    if (kind === 'build') {
      const found = builds.data?.builds.find((one) => one.buildid === id);
      return found && stateOf(found);
    }
    const found = kind === 'worker' ? workers.data?.workers.find((one) => one.workerid === id) : undefined;
    return found && workerState(found, 0).state;
  };
}
