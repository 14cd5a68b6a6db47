import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Build } from '@/api/types';
import { useKeys } from '@/app/shortcuts';
import { buildNote, sourceOf } from '@/domain/builds';
import { WORDS, stateOf } from '@/domain/states';
import { CauseText } from './CauseText';
import { Ago, Lasted } from './Moment';
import { StateMark } from './StateMark';
import classes from './BuildTable.module.css';

interface Props {
  builds: readonly Build[];
  /** Names by builder id: shown where builds are of several builders. */
  names?: ReadonlyMap<number, string>;
}

/** Builds, newest first: state, why it was built, how long, when. `j` and `k` move, Enter opens. */
export function BuildTable({ builds, names }: Props) {
  const [cursor, setCursor] = useState(-1);
  const navigate = useNavigate();
  useKeys({
    j: () => setCursor(Math.min(cursor + 1, builds.length - 1)),
    k: () => setCursor(Math.max(cursor - 1, 0)),
    Enter: () => {
      const build = builds[cursor];
      if (build) void navigate({ to: `/builders/${build.builderid}/builds/${build.number}` as string });
    },
  });
  // Builds of one change say nothing about why: the page does.
  const isPlain = builds.every((build) => !build.cause);
  return (
    <ul className={classes.table} aria-label="Builds" data-plain={isPlain || undefined}>
      {builds.map((build, index) => (
        <Row key={build.buildid} build={build} name={names?.get(build.builderid)} isCursor={index === cursor} isPlain={isPlain} />
      ))}
    </ul>
  );
}

interface RowProps {
  build: Build;
  name: string | undefined;
  isCursor: boolean;
  isPlain: boolean;
}

function Row({ build, name, isCursor, isPlain }: RowProps) {
  const state = stateOf(build);
  const { branch, revision } = sourceOf(build.properties);
  const told = state === 'success' ? '' : buildNote(build);
  return (
    <li className={classes.row} data-cursor={isCursor || undefined}>
      <StateMark state={state} hidden />
      <span className={classes.main}>
        <Link to="/builders/$builder/builds/$number" params={{ builder: String(build.builderid), number: String(build.number) }}>
          <b>
            {name && `${name} `}#{build.number}
          </b>{' '}
          {WORDS[state]}
        </Link>
        {told && <small>{told}</small>}
      </span>
      {!isPlain && (
        <span className={classes.cause}>
          <CauseText cause={build.cause} branch={branch} revision={revision} />
        </span>
      )}
      <span className={classes.took}>
        <Lasted from={build.started_at} to={build.complete_at} />
      </span>
      <span className={classes.when}>
        <Ago at={build.complete_at ?? build.started_at} />
      </span>
    </li>
  );
}
