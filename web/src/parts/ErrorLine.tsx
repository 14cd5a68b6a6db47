import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Build, FirstError, Step } from '@/api/types';
import classes from './Cause.module.css';

const FOREVER = { keep: false, staleTime: Number.POSITIVE_INFINITY } as const;

/** The first error of a build, as a link to its line. */
export function ErrorLine({ build }: { build: Build }) {
  const errors = useRest<{ first_errors: FirstError[] }>(
    build.complete ? `builds/${build.buildid}/first_error` : null,
    {},
    FOREVER,
  );
  const error = errors.data?.first_errors[0];
  const steps = useRest<{ steps: Step[] }>(error ? `builds/${build.buildid}/steps` : null, { field: ['stepid', 'number'] }, FOREVER);
  if (!error) return null;
  const step = steps.data?.steps.find((one) => one.stepid === error.stepid)?.number;
  return (
    <>
      <span aria-hidden>›</span>
      <Link
        to="/builders/$builder/builds/$number"
        params={{ builder: String(build.builderid), number: String(build.number) }}
        search={{ step, log: error.slug, line: error.line + 1 }}
        className={classes.line}
        title={error.text}
      >
        {error.step}: {error.text.trim()}
      </Link>
    </>
  );
}
