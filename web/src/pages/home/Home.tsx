import { Code } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useAgain, useLive, useRest, useSite } from '@/api/hooks';
import type { Build, Builder, Step, WhyGroup, Worker } from '@/api/types';
import { useOnDemand } from '@/api/onDemand';
import { builderState, lastBuild } from '@/domain/builderList';
import { count, counted, duration } from '@/domain/durations';
import { BAD, WORDS, stateOf } from '@/domain/states';
import { Answered, Empty } from '@/parts/Answered';
import { Ago, Lasted, useNow } from '@/parts/Moment';
import { Card, Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import classes from './Home.module.css';

const LONG_WAIT = 600;
/** For so many running builds the step is shown: a busy farm is not asked about each of hundreds. */
const WITH_STEPS = 10;

/** What needs attention first; then what runs; then what has ended. */
export function Home() {
  const { data: site } = useSite();
  useLive('builders/*/*', 'builds/*/*', 'workers/*/*', 'buildrequests/*/*');
  const builders = useRest<{ builders: Builder[] }>('builders', { recent: 15 });
  const running = useRest<{ builds: Build[] }>('builds', { complete: false, order: 'started_at', limit: 100 });
  const recent = useRest<{ builds: Build[] }>('builds', { complete: true, order: '-complete_at', limit: 15 });
  const workers = useRest<{ workers: Worker[] }>('workers');
  const known = useOnDemand(workers.data?.workers);
  const waiting = useRest<{ why: WhyGroup[] }>('buildrequests/why', { limit: 20 });
  useAgain(['buildrequests', 'builds', 'workers'], 5, waiting.refetch);
  const all = builders.data?.builders ?? [];
  const names = new Map(all.map((builder) => [builder.builderid, builder.name]));
  const isEmpty = builders.data !== undefined && all.every((one) => !one.recent_builds?.length) && running.data?.builds.length === 0;
  return (
    <Page title={site?.title ?? 'Home'} heading="Home">
      <div className={classes.page}>
        <Attention builders={builders.data?.builders} workers={known} waiting={waiting.data?.why} />
        {isEmpty ? (
          <FirstBuild hasBuilders={all.length > 0} />
        ) : (
          <>
            <Answered query={running} what="the running builds">
              {({ builds }) => (
                <Card title="Running" aside={builds.length > 0 && counted(builds.length, 'build')}>
                  {builds.length === 0 && <p className={classes.quiet}>Nothing is running.</p>}
                  {builds.map((build, index) => (
                    <Running
                      key={build.buildid}
                      build={build}
                      showsStep={index < WITH_STEPS}
                      name={names.get(build.builderid)}
                      median={all.find((one) => one.builderid === build.builderid)?.statistics?.median_seconds}
                    />
                  ))}
                </Card>
              )}
            </Answered>
            <Answered query={recent} what="the recent builds">
              {({ builds }) => (
                <Card title="Recently ended" aside={<Link to="/builders">all builders</Link>}>
                  {builds.map((build) => (
                    <BuildRow key={build.buildid} build={build} name={names.get(build.builderid)} />
                  ))}
                  {builds.length === 0 && <p className={classes.quiet}>No build has ended yet.</p>}
                </Card>
              )}
            </Answered>
          </>
        )}
      </div>
    </Page>
  );
}

interface AttentionProps {
  builders: readonly Builder[] | undefined;
  workers: readonly Worker[] | undefined;
  waiting: readonly WhyGroup[] | undefined;
}

const SHOWN = 8;

function Attention({ builders, workers, waiting }: AttentionProps) {
  const now = useNow(30);
  if (builders === undefined) return null;
  const red = builders
    .filter((builder) => builder.masterids.length > 0 && BAD.has(builderState(builder)))
    .sort((one, other) => (lastBuild(other)?.complete_at ?? 0) - (lastBuild(one)?.complete_at ?? 0));
  const lost = (workers ?? []).filter(
    (worker) =>
      worker.configured_on.length > 0 && worker.connected_to.length === 0 && !worker.isOnDemand,
  );
  const paused = (workers ?? []).filter((worker) => worker.connected_to.length > 0 && worker.paused);
  const long = (waiting ?? []).filter((group) => now - group.oldest_submitted_at > LONG_WAIT);
  if (red.length + lost.length + long.length + paused.length === 0) {
    return (
      <div className={classes.calm}>
        <StateMark state="success" hidden /> Nothing needs attention: no builder is red, all workers are connected, nothing has waited for longer than 10 minutes.
      </div>
    );
  }
  return (
    <Card title="Needs attention">
      {red.slice(0, SHOWN).map((builder) => (
        <Red key={builder.builderid} builder={builder} />
      ))}
      {red.length > SHOWN && (
        <Link to="/builders" search={{ q: 'state:failed state:exception' }} className={classes.more}>
          {counted(red.length - SHOWN, 'more red builder')}
        </Link>
      )}
      {lost.length > 0 && (
        <div className={classes.row}>
          <StateMark state="exception" />
          <span className={classes.text}>
            <b>{lost.length === 1 ? `Worker ${lost[0]?.name} is not connected` : `${count(lost.length)} workers are not connected`}</b>
            {lost.length > 1 && <small>{lost.slice(0, 6).map((one) => one.name).join(', ')}{lost.length > 6 && ' …'}</small>}
          </span>
          <Link to="/workers" className={classes.go}>
            All workers ›
          </Link>
        </div>
      )}
      {paused.map((worker) => (
        <div key={worker.workerid} className={classes.row}>
          <StateMark state="cancelled" />
          <span className={classes.text}>
            <b>Worker {worker.name} is paused</b>
            {worker.pause_reason && <small>{worker.pause_reason}</small>}
          </span>
        </div>
      ))}
      {long.slice(0, SHOWN).map((group) => (
        <div key={`${group.kind} ${group.buildrequestids[0]}`} className={classes.row}>
          <StateMark state="waiting" />
          <span className={classes.text}>
            <span className={classes.sentence}>{group.sentence}</span>
          </span>
          <Link to="/pending" className={classes.go}>
            Pending ›
          </Link>
        </div>
      ))}
    </Card>
  );
}

/** A builder that turned red: since when, and its first failing line. */
function Red({ builder }: { builder: Builder }) {
  const state = builderState(builder);
  const recent = builder.recent_builds ?? [];
  const bad = recent.filter((build) => build.complete_at !== null);
  const good = bad.findIndex((build) => !BAD.has(stateOf(build)));
  const first = good > 0 ? bad[good - 1] : bad.at(-1);
  const newest = bad.find((build) => BAD.has(stateOf(build)));
  const streak = good < 0 ? bad.length : good;
  if (!newest) return null;
  return (
    <div className={classes.row}>
      <StateMark state={state} />
      <span className={classes.text}>
        <Link to="/builders/$builder/builds/$number" params={{ builder: String(builder.builderid), number: String(newest.number) }}>
          <b>{builder.name}</b> #{newest.number} {WORDS[state]}
        </Link>
        <FirstFailure buildid={newest.buildid} />
      </span>
      <span className={classes.when}>
        {first?.complete_at && (
          <>
            {streak > 1 ? `red for ${good < 0 ? 'at least ' : ''}${counted(streak, 'build')}, since ` : ''}
            <Ago at={first.complete_at} />
          </>
        )}
      </span>
    </div>
  );
}

interface FirstErrorRow {
  step: string;
  line: number;
  text: string;
}

function FirstFailure({ buildid }: { buildid: number }) {
  const { data } = useRest<{ first_errors: FirstErrorRow[] }>(`builds/${buildid}/first_error`, {}, { inTurn: true, staleTime: Number.POSITIVE_INFINITY });
  const found = data?.first_errors[0];
  if (!found) return null;
  return (
    <small className="mono" title={found.text}>
      {found.step}: {found.text.trim()}
    </small>
  );
}

interface RunningProps {
  /** Whether to ask for the step that runs. */
  showsStep: boolean;
  build: Build;
  name: string | undefined;
  median: number | null | undefined;
}

function Running({ build, name, median, showsStep }: RunningProps) {
  useLive(showsStep ? `builds/${build.buildid}/steps/*/*` : null);
  const steps = useRest<{ steps: Step[] }>(
    showsStep ? `builds/${build.buildid}/steps` : null,
    { complete: false, order: 'number', limit: 1 },
    { keep: false },
  );
  const now = useNow(median ? 5 : null);
  const share = median ? Math.min(0.98, (now - build.started_at) / median) : null;
  return (
    <div className={classes.row}>
      <StateMark state="running" />
      <span className={classes.text}>
        <Link to="/builders/$builder/builds/$number" params={{ builder: String(build.builderid), number: String(build.number) }}>
          <b>{name ?? build.builderid}</b> #{build.number}
        </Link>
        <small>{steps.data?.steps[0]?.name ?? build.state_string}</small>
      </span>
      <span className={classes.progress}>
        <Lasted from={build.started_at} to={null} />
        {median ? <span className="faint"> of about {duration(median)}</span> : null}
        {share !== null && (
          <span className={classes.bar} aria-hidden>
            <i style={{ width: `${share * 100}%` }} />
          </span>
        )}
      </span>
    </div>
  );
}

function BuildRow({ build, name }: { build: Build; name: string | undefined }) {
  const state = stateOf(build);
  return (
    <div className={classes.row}>
      <StateMark state={state} />
      <span className={classes.text}>
        <Link to="/builders/$builder/builds/$number" params={{ builder: String(build.builderid), number: String(build.number) }}>
          <b>{name ?? build.builderid}</b> #{build.number}
        </Link>
        {state !== 'success' && <small>{build.state_string}</small>}
      </span>
      <span className={classes.when}>
        {WORDS[state]} after <Lasted from={build.started_at} to={build.complete_at} />
        {', '}
        {build.complete_at !== null && <Ago at={build.complete_at} />}
      </span>
    </div>
  );
}

const FIRST = `c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='hello', workernames=['local'],
    factory=util.BuildFactory([steps.ShellCommand(command=['echo', 'hello'])]))]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['hello'])]`;

function FirstBuild({ hasBuilders }: { hasBuilders: boolean }) {
  return (
    <Empty title="Nothing has been built yet">
      {hasBuilders ? (
        <p>
          Open one of the <Link to="/builders">builders</Link> and press <b>Force</b>, or make a commit
          in a repository that the master watches.
        </p>
      ) : (
        <>
          <p>
            These lines in <code>master.cfg</code> make a first build. Then run <code>chargehand reconfig</code>.
          </p>
          <Code block ta="left">
            {FIRST}
          </Code>
        </>
      )}
    </Empty>
  );
}
