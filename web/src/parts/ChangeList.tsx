import { Avatar, Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { memo, useState, type ReactNode } from 'react';
import type { Change } from '@/api/types';
import { firstLine, personName, shortRevision } from '@/domain/builds';
import { count } from '@/domain/durations';
import { Empty } from './Answered';
import { Copyable } from './Copyable';
import { Ago, TimeOfDay } from './Moment';
import classes from './ChangeList.module.css';

interface Props {
  changes: readonly Change[];
  empty: string;
  /** The id of the change that the keys have reached. */
  cursor?: number;
  /** What stands at the end of a row, before its time. */
  aside?: (change: Change) => ReactNode;
  /** Below the head of a day: the time of day. */
  isOfDay?: boolean;
  /** Draw this many, and the others when somebody wants them. */
  few?: number;
}

/** Changes: who, what, which revision and files. */
export const ChangeList = memo(function ChangeList({ changes, empty, cursor, aside, isOfDay = false, few }: Props) {
  const [showsAll, setShowsAll] = useState(false);
  if (changes.length === 0) return <Empty title={empty} />;
  const shown = few === undefined || showsAll ? changes : changes.slice(0, few);
  return (
    <>
      <ul className={classes.list}>
        {shown.map((change) => (
          <Row key={change.changeid} change={change} isReached={change.changeid === cursor} aside={aside?.(change)} isOfDay={isOfDay} />
        ))}
      </ul>
      {shown.length < changes.length && (
        <Button variant="subtle" m="xs" onClick={() => setShowsAll(true)}>
          Show all {count(changes.length)} changes
        </Button>
      )}
    </>
  );
});

interface RowProps {
  change: Change;
  isReached: boolean;
  aside: ReactNode;
  isOfDay: boolean;
}

const Row = memo(function Row({ change, isReached, aside, isOfDay }: RowProps) {
  return (
    <li
      className={classes.row}
      data-cursor={isReached || undefined}
      ref={isReached ? (row) => row?.scrollIntoView({ block: 'nearest' }) : undefined}
    >
      <Avatar size={28} radius="xl" name={personName(change.author)} color="initials" aria-hidden />
      <div className={classes.text}>
        <Link to={`/changes/${change.changeid}` as string} className={classes.subject}>
          {firstLine(change.comments) || 'No comment'}
        </Link>
        <div className={classes.facts}>
          <span>{personName(change.author)}</span>
          {change.branch && <span className="mono">{change.branch}</span>}
          {change.revision && <Copyable value={change.revision}>{shortRevision(change.revision)}</Copyable>}
          <span className="truncate" title={change.files.join('\n')}>
            {change.files.slice(0, 2).join(', ')}
            {change.files.length > 2 && ` +${change.files.length - 2}`}
          </span>
        </div>
      </div>
      <span className={classes.aside}>
        {aside}
        {isOfDay ? <TimeOfDay at={change.when_timestamp} /> : <Ago at={change.when_timestamp} />}
      </span>
    </li>
  );
});
