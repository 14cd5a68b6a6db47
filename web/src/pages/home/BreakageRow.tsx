import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { Fragment, useState } from 'react';
import type { Cause } from '@/api/types';
import type { Breakage, Red, Trouble } from '@/domain/breakages';
import { builderState } from '@/domain/builderList';
import { count, counted } from '@/domain/durations';
import { WORDS } from '@/domain/states';
import { CauseText } from '@/parts/CauseText';
import { FailureLine } from '@/parts/FailureLine';
import { Ago } from '@/parts/Moment';
import { StateMark } from '@/parts/StateMark';
import classes from './Home.module.css';

const NAMED = 3;

/** One failure is one row: of a builder, of a tree of triggered builds, or of all that one change broke. */
export function BreakageRow({ breakage: { troubles, cause } }: { breakage: Breakage }) {
  const [isOpen, setOpen] = useState(false);
  const [only] = troubles;
  if (!only) return null;
  if (troubles.length === 1) return <TroubleRow trouble={only} cause={cause} />;
  const builders = troubles.flatMap(({ head, above }) => [head, ...above]);
  const began = Math.min(...troubles.map(({ head }) => head.streak.first.complete_at ?? Number.POSITIVE_INFINITY));
  const names = builders.slice(0, NAMED).map(({ builder }) => builder.name);
  const others = builders.length - names.length;
  return (
    <>
      <div className={classes.row}>
        <StateMark state={troubles.some(({ head }) => builderState(head.builder) === 'failure') ? 'failure' : 'exception'} />
        <span className={classes.text}>
          <button type="button" className={classes.opener} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
            <b>One change broke {counted(builders.length, 'builder')}</b>
          </button>
          <small>
            {names.join(', ')}
            {others > 0 && ` and ${count(others)} more`}
          </small>
          <FailureLine buildid={only.head.streak.newest.buildid} />
        </span>
        <span className={classes.cause}>
          <CauseText cause={cause} />
        </span>
        <span className={classes.when}>{Number.isFinite(began) && <Ago at={began} />}</span>
      </div>
      {isOpen && (
        <div className={classes.inner}>
          {troubles.map((trouble) => (
            <TroubleRow key={trouble.head.builder.builderid} trouble={trouble} cause={null} />
          ))}
        </div>
      )}
    </>
  );
}

function TroubleRow({ trouble: { head, above }, cause }: { trouble: Trouble; cause: Cause | null }) {
  const state = builderState(head.builder);
  const { newest, first, count: length, isAtLeast } = head.streak;
  const builds = `${isAtLeast ? 'at least ' : ''}${counted(length, 'build')}`;
  return (
    <div className={classes.row}>
      <StateMark state={state} />
      <span className={classes.text}>
        <NewestLink red={head}>
          <b>{head.builder.name}</b> #{newest.number} {WORDS[state]}
        </NewestLink>
        <FailureLine buildid={newest.buildid} />
        {above.length > 0 && (
          <small>
            Also failed because of it:{' '}
            {above.map((one, index) => (
              <Fragment key={one.builder.builderid}>
                {index > 0 && ', '}
                <NewestLink red={one}>
                  {one.builder.name} #{one.streak.newest.number}
                </NewestLink>
              </Fragment>
            ))}
          </small>
        )}
      </span>
      <span className={classes.cause}>
        <CauseText cause={cause} />
      </span>
      <span className={classes.when}>
        {length > 1 && <span title={`Red for ${builds}`}>{builds}, since </span>}
        {first.complete_at !== null && <Ago at={first.complete_at} />}
      </span>
    </div>
  );
}

function NewestLink({ red, children }: { red: Red; children: React.ReactNode }) {
  return (
    <Link
      to="/builders/$builder/builds/$number"
      params={{ builder: String(red.builder.builderid), number: String(red.streak.newest.number) }}
    >
      {children}
    </Link>
  );
}
