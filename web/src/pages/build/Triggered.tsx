import { useState } from 'react';
import { useRest } from '@/api/hooks';
import type { Build } from '@/api/types';
import { buildNote } from '@/domain/builds';
import { BAD, stateOf } from '@/domain/states';
import { BuildLink } from '@/parts/BuildLink';
import { ErrorLine } from '@/parts/ErrorLine';
import { Lasted } from '@/parts/Moment';
import classes from './Triggered.module.css';

interface Props {
  builds: readonly Build[];
  parent: number | null;
}

/** The builds that this one triggered, as a tree; branches that failed are open. */
export function Triggered({ builds, parent }: Props) {
  const above = useRest<{ builds: Build[] }>(parent === null ? null : `builds/${parent}`);
  const first = above.data?.builds[0];
  return (
    <div className={classes.box}>
      {first && (
        <p className={classes.parent}>
          Triggered by <BuildLink build={first} />
        </p>
      )}
      <Branches builds={builds} depth={0} />
    </div>
  );
}

interface BranchesProps {
  builds: readonly Build[];
  depth: number;
}

function Branches({ builds, depth }: BranchesProps) {
  return (
    <ul className={classes.tree}>
      {builds.map((build) => (
        <Branch key={build.buildid} build={build} depth={depth} />
      ))}
    </ul>
  );
}

function Branch({ build, depth }: { build: Build; depth: number }) {
  const [isOpen, setOpen] = useState(BAD.has(stateOf(build)) || !build.complete);
  const below = useRest<{ builds: Build[] }>(
    depth < 12 ? `builds/${build.buildid}/triggered_builds` : null,
    {},
    { keep: false },
  );
  const children = below.data?.builds ?? [];
  const state = stateOf(build);
  const isLeaf = below.data !== undefined && !children.some((one) => BAD.has(stateOf(one)));
  return (
    <li>
      <span className={classes.row}>
        {children.length > 0 ? (
          <button type="button" className={classes.toggle} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? '▾' : '▸'}
            <span className={classes.spoken}>{isOpen ? 'Close' : 'Open'}</span>
          </button>
        ) : (
          <span className={classes.toggle} />
        )}
        <BuildLink build={build} />
        <span className="dim">
          <Lasted from={build.started_at} to={build.complete_at} />
        </span>
        {isLeaf && BAD.has(state) ? (
          <ErrorLine build={build} />
        ) : (
          state !== 'success' && <span className={classes.told}>{buildNote(build)}</span>
        )}
      </span>
      {isOpen && children.length > 0 && <Branches builds={children} depth={depth + 1} />}
    </li>
  );
}
