import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Builder, Failure } from '@/api/types';
import classes from './FailureLine.module.css';
import { useFailure } from './useFailure';

/** Why a build failed, on one line: `test: expected 3, got 4`. It takes its place before it is known: nothing moves. */
export function FailureLine({ buildid }: { buildid: number }) {
  const { data } = useFailure(buildid);
  return <span className={classes.line}>{data && <Reason failure={data} />}</span>;
}

/** Where it went wrong, as a link to that line; of another build if the failure goes back to it. */
export function Reason({ failure }: { failure: Failure }) {
  const isOther = failure.root_buildid !== failure.buildid;
  const text = [failure.step, failure.text?.trim()].filter(Boolean).join(': ');
  if (!isOther && text === '') return null;
  return (
    <Link
      to="/builders/$builder/builds/$number"
      params={{ builder: String(failure.root_builderid), number: String(failure.root_number) }}
      search={
        failure.step_number === null || failure.line === null
          ? {}
          : { step: failure.step_number, log: failure.slug ?? undefined, line: failure.line + 1 }
      }
      className={classes.reason}
      title={text}
    >
      {isOther && <RootName failure={failure} />}
      <span className="mono">{text}</span>
    </Link>
  );
}

/** The build that a failure goes back to. */
function RootName({ failure }: { failure: Failure }) {
  const { data } = useRest<{ builders: Builder[] }>('builders', { field: ['builderid', 'name'] });
  const name = data?.builders.find((one) => one.builderid === failure.root_builderid)?.name;
  return (
    <span className={classes.root}>
      {name ?? 'triggered build'} #{failure.root_number}
      {failure.others > 0 && ` and ${failure.others} more`}
      {' › '}
    </span>
  );
}
