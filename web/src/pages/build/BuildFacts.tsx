import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Build, Builder, Buildset, Change } from '@/api/types';
import { authorsOf, firstLine, reasonText, shortRevision, sourceOf } from '@/domain/builds';
import { counted, duration } from '@/domain/durations';
import { Copyable } from '@/parts/Copyable';
import { Trust } from '@/parts/Trust';
import { Ago, Lasted, useNow } from '@/parts/Moment';
import classes from './Build.module.css';

interface Props {
  build: Build;
  changes: readonly Change[];
  buildset: Buildset | undefined;
  worker: string | undefined;
  submitted: number | null;
  expected: number | undefined;
}

/** What was built, where, when and for how long: the line below the build's name. */
export function BuildFacts({ build, changes, buildset, worker, submitted, expected }: Props) {
  const source = sourceOf(build.properties, buildset?.sourcestamps);
  const newest = changes[0];
  const authors = authorsOf(changes);
  return (
    <>
      {newest && <b className={classes.subject} title={newest.comments}>{firstLine(newest.comments)}</b>}
      {!newest && buildset && !buildset.parent_buildid && (
        <span className={classes.subject}>{reasonText(buildset.reason)}</span>
      )}
      {buildset?.parent_buildid && <Parent buildid={buildset.parent_buildid} />}
      <Trust of={buildset} />
      {authors.length > 0 && (
        <span className={classes.extra}>
          {authors[0]}
          {authors.length > 1 && ` and ${counted(authors.length - 1, 'other')}`}
        </span>
      )}
      {(source.branch || source.revision) && (
        <span className="mono">
          {source.branch}
          {source.branch && source.revision && ' · '}
          {source.revision && <Copyable value={source.revision}>{shortRevision(source.revision)}</Copyable>}
        </span>
      )}
      <span>
        <span className={classes.extra}>worker </span>
        <Link to={`/workers/${build.workerid}` as string}>
          <b>{worker ?? build.workerid}</b>
        </Link>
      </span>
      <span>
        {build.complete_at === null ? 'started ' : ''}
        <Ago at={build.complete_at ?? build.started_at} />
        {build.complete_at === null ? ', so far ' : ', took '}
        <b>
          <Lasted from={build.started_at} to={build.complete_at} />
        </b>
      </span>
      {submitted !== null && build.started_at - submitted >= 1 && (
        <span className={classes.extra}>waited {duration(build.started_at - submitted)}</span>
      )}
      {!build.complete && expected !== undefined && <Progress end={expected} started={build.started_at} />}
    </>
  );
}

/** The build that triggered this one. */
function Parent({ buildid }: { buildid: number }) {
  const build = useRest<{ builds: Build[] }>(`builds/${buildid}`).data?.builds[0];
  const builder = useRest<{ builders: Builder[] }>(build ? `builders/${build.builderid}` : null);
  if (!build) return null;
  return (
    <span>
      triggered by{' '}
      <Link
        to="/builders/$builder/builds/$number"
        params={{ builder: String(build.builderid), number: String(build.number) }}
      >
        <b>
          {builder.data?.builders[0]?.name ?? 'a build'} #{build.number}
        </b>
      </Link>
    </span>
  );
}

/** How much of the time that it is expected to take is left. */
function Progress({ end, started }: { end: number; started: number }) {
  const now = useNow(1);
  const left = end - now;
  return (
    <span className={left > 0 ? undefined : classes.late}>
      {left > 0 ? (
        <>
          about <b>{duration(left)}</b> left of {duration(end - started)}
        </>
      ) : (
        <>{duration(-left)} longer than usual</>
      )}
    </span>
  );
}
