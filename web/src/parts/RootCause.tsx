import { useRest } from '@/api/hooks';
import type { Build } from '@/api/types';
import { BAD, stateOf } from '@/domain/states';
import { BuildLink } from './BuildLink';
import { ErrorLine } from './ErrorLine';

const DEEPEST = 12;

/** From a failed build down to the one that all depends on: `package #56 › sign #33 › sign: the key has expired`. */
export function RootCause({ build, depth = 0 }: { build: Build; depth?: number }) {
  const below = useRest<{ builds: Build[] }>(
    depth < DEEPEST ? `builds/${build.buildid}/triggered_builds` : null,
    {},
    { keep: false },
  );
  const bad = (below.data?.builds ?? []).filter((one) => BAD.has(stateOf(one)));
  const [next] = bad;
  return (
    <>
      <BuildLink build={build} isShort />
      {next ? (
        <>
          <span aria-hidden>›</span>
          <RootCause build={next} depth={depth + 1} />
          {bad.length > 1 && <span className="dim">and {bad.length - 1} more</span>}
        </>
      ) : (
        below.data && <ErrorLine build={build} />
      )}
    </>
  );
}
