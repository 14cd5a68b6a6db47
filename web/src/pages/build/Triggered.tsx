import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useRest } from '@/api/hooks';
import type { Build, Builder } from '@/api/types';
import { BAD, WORDS, stateOf } from '@/domain/states';
import { Lasted } from '@/parts/Moment';
import { StateMark } from '@/parts/StateMark';
import classes from './Triggered.module.css';

interface Props {
  build: Build;
  builds: readonly Build[];
  parent: number | null;
}

/** The builds that this one triggered, as a tree; branches that failed are open. */
export function Triggered({ builds, parent }: Props) {
  const above = useRest<{ builds: Build[] }>(parent === null ? null : `builds/${parent}`);
  const names = useBuilderNames();
  const first = above.data?.builds[0];
  return (
    <div className={classes.box}>
      {first && (
        <p className={classes.parent}>
          Triggered by <BuildLink build={first} name={names(first.builderid)} />
        </p>
      )}
      <Branches builds={builds} names={names} depth={0} />
    </div>
  );
}

function useBuilderNames(): (id: number) => string {
  const { data } = useRest<{ builders: Builder[] }>('builders', { field: ['builderid', 'name'] });
  return (id) => data?.builders.find((one) => one.builderid === id)?.name ?? `builder ${id}`;
}

interface BranchesProps {
  builds: readonly Build[];
  names: (id: number) => string;
  depth: number;
}

function Branches({ builds, names, depth }: BranchesProps) {
  return (
    <ul className={classes.tree}>
      {builds.map((build) => (
        <Branch key={build.buildid} build={build} names={names} depth={depth} />
      ))}
    </ul>
  );
}

function Branch({ build, names, depth }: { build: Build; names: (id: number) => string; depth: number }) {
  const [isOpen, setOpen] = useState(BAD.has(stateOf(build)) || !build.complete);
  const below = useRest<{ builds: Build[] }>(
    depth < 12 ? `builds/${build.buildid}/triggered_builds` : null,
    {},
    { keep: false },
  );
  const children = below.data?.builds ?? [];
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
        <BuildLink build={build} name={names(build.builderid)} />
        <span className="dim">
          <Lasted from={build.started_at} to={build.complete_at} />
        </span>
        {stateOf(build) !== 'success' && <span className="dim">{build.state_string}</span>}
      </span>
      {isOpen && children.length > 0 && <Branches builds={children} names={names} depth={depth + 1} />}
    </li>
  );
}

function BuildLink({ build, name }: { build: Build; name: string }) {
  const state = stateOf(build);
  return (
    <Link
      to="/builders/$builder/builds/$number"
      params={{ builder: String(build.builderid), number: String(build.number) }}
      className={classes.link}
    >
      <StateMark state={state} hidden /> {name} #{build.number} <span className="dim">{WORDS[state]}</span>
    </Link>
  );
}
