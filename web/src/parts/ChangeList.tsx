import { Avatar } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Change } from '@/api/types';
import { firstLine, personName, shortRevision } from '@/domain/builds';
import { Empty } from './Answered';
import { Copyable } from './Copyable';
import { Ago } from './Moment';
import classes from './ChangeList.module.css';

interface Props {
  changes: readonly Change[];
  empty: string;
  /** The id of the change that the keys have reached. */
  cursor?: number;
  /** What stands at the end of a row, before its time. */
  aside?: (change: Change) => ReactNode;
}

/** Changes: who, what, which revision and files. */
export function ChangeList({ changes, empty, cursor, aside }: Props) {
  if (changes.length === 0) return <Empty title={empty} />;
  return (
    <ul className={classes.list}>
      {changes.map((change) => (
        <li
          key={change.changeid}
          className={classes.row}
          data-cursor={change.changeid === cursor || undefined}
          ref={change.changeid === cursor ? (row) => row?.scrollIntoView({ block: 'nearest' }) : undefined}
        >
          <Avatar size={28} radius="xl" name={personName(change.author)} color="initials" aria-hidden />
          <div className={classes.text}>
            <Link to={`/changes/${change.changeid}` as string} className={classes.subject}>
              {firstLine(change.comments) || 'No comment'}
            </Link>
            <div className={classes.facts}>
              <span>{personName(change.author)}</span>
              {change.branch && <span className="mono">{change.branch}</span>}
              {change.revision && (
                <Copyable value={change.revision}>{shortRevision(change.revision)}</Copyable>
              )}
              <span className="truncate" title={change.files.join('\n')}>
                {change.files.slice(0, 2).join(', ')}
                {change.files.length > 2 && ` +${change.files.length - 2}`}
              </span>
            </div>
          </div>
          <span className={classes.aside}>
            {aside?.(change)}
            <Ago at={change.when_timestamp} />
          </span>
        </li>
      ))}
    </ul>
  );
}
