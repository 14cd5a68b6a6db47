import type { Cause } from '@/api/types';
import { personName, reasonText, shortRevision } from '@/domain/builds';
import { Copyable } from './Copyable';
import classes from './CauseText.module.css';

interface Props {
  cause: Cause | null | undefined;
  /** What was built, where it is known better than from what was asked for. */
  branch?: string;
  revision?: string;
  /** All of it on one line. */
  isShort?: boolean;
}

/** Why something was built: the subject of its newest change, else the reason; who, and which revision. */
export function CauseText({ cause, branch, revision, isShort = false }: Props) {
  if (!cause) return null;
  const text = cause.subject || reasonText(cause.reason);
  const on = branch || cause.branch;
  const at = revision || cause.revision;
  return (
    <span className={classes.cause} data-short={isShort || undefined}>
      <span className={classes.subject} data-quiet={!cause.subject || undefined} title={text}>
        {text}
      </span>
      {(cause.author || on || at) && (
        <span className={classes.source}>
          {cause.author && <span>{personName(cause.author)}</span>}
          {!isShort && on && <span className="mono">{on}</span>}
          {!isShort && at && <Copyable value={at}>{shortRevision(at)}</Copyable>}
        </span>
      )}
    </span>
  );
}
