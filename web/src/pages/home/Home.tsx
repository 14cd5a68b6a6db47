import { Button, Code } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useAgain, useLive, useRest, useSite } from '@/api/hooks';
import type { Build, Builder, ForceScheduler, Step, WhyGroup, Worker } from '@/api/types';
import { useOnDemand } from '@/api/onDemand';
import { buildNote } from '@/domain/builds';
import { RECENT_BUILDERS } from '@/domain/builderList';
import { count, counted, duration } from '@/domain/durations';
import { stateOf } from '@/domain/states';
import { Answered, Failed } from '@/parts/Answered';
import { Calm } from '@/parts/Calm';
import { CauseText } from '@/parts/CauseText';
import { Ago, Lasted, useNow } from '@/parts/Moment';
import { Card, Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { Attention } from './Attention';
import { ENDED, RUNNING, WAITING_LONG } from './questions';
import classes from './Home.module.css';

/** For so many running builds the step is shown: a busy farm is not asked about each of hundreds. */
const WITH_STEPS = 10;

/** What needs attention first; then what runs; then what has ended. */
export function Home() {
  const { data: site } = useSite();
  useLive('builders/*/*', 'builds/*/*', 'workers/*/*', 'buildrequests/*/*');
  const builders = useRest<{ builders: Builder[] }>('builders', RECENT_BUILDERS);
  const running = useRest<{ builds: Build[] }>('builds', RUNNING);
  const recent = useRest<{ builds: Build[] }>('builds', ENDED);
  const workers = useRest<{ workers: Worker[] }>('workers');
  const known = useOnDemand(workers.data?.workers);
  const waiting = useRest<{ why: WhyGroup[] }>('buildrequests/why', WAITING_LONG);
  useAgain(['buildrequests', 'builds', 'workers'], 5, 'buildrequests/why', WAITING_LONG);
  const asked = [running, recent, builders];
  const refused = asked.every((one) => one.data === undefined && one.error !== null) ? running.error : null;
  const all = builders.data?.builders ?? [];
  const names = new Map(all.map((builder) => [builder.builderid, builder.name]));
  const isEmpty = builders.data !== undefined && all.every((one) => !one.recent_builds?.length) && running.data?.builds.length === 0;
  return (
    <Page title={site?.title ?? 'Home'} heading="Home">
      <div className={classes.page}>
        <Attention builders={builders.data?.builders} workers={known} waiting={waiting.data?.why} isNew={isEmpty} />
        {refused ? (
          <Failed error={refused} what="the builds" retry={() => asked.forEach((one) => void one.refetch())} />
        ) : isEmpty ? (
          <FirstBuild builders={all} />
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
                  <Calm rows={builds} keyOf={(build) => build.buildid} noun="build">
                    {(shown) =>
                      shown.map((build) => (
                        <BuildRow key={build.buildid} build={build} name={names.get(build.builderid)} />
                      ))
                    }
                  </Calm>
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
  const share = median ? Math.min(1, (now - build.started_at) / median) : null;
  const over = median ? now - build.started_at - median : 0;
  return (
    <div className={classes.row}>
      <StateMark state="running" />
      <span className={classes.text}>
        <Link to="/builders/$builder/builds/$number" params={{ builder: String(build.builderid), number: String(build.number) }}>
          <b>{name ?? build.builderid}</b> #{build.number}
        </Link>
        <small>{steps.data?.steps[0]?.name ?? build.state_string}</small>
      </span>
      <span className={classes.cause}>
        <CauseText cause={build.cause} />
      </span>
      <span className={classes.progress} data-late={over > 0 || undefined}>
        <Lasted from={build.started_at} to={null} />
        {median ? <span className={classes.usual}>{over > 0 ? `, ${duration(over)} over` : ` of about ${duration(median)}`}</span> : null}
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
        {state !== 'success' && <small>{buildNote(build)}</small>}
      </span>
      <span className={classes.cause}>
        <CauseText cause={build.cause} />
      </span>
      <span className={classes.when}>
        {build.complete_at !== null && <Ago at={build.complete_at} />}
        {', '}
        <Lasted from={build.started_at} to={build.complete_at} />
      </span>
    </div>
  );
}

const FIRST = `c['workers'] = [worker.LocalWorker('local')]
c['builders'] = [util.BuilderConfig(name='hello', workernames=['local'],
    factory=util.BuildFactory([steps.ShellCommand(command=['echo', 'hello'])]))]
c['schedulers'] = [schedulers.ForceScheduler(name='force', builderNames=['hello'])]`;

const OFFERED = 5;

/** What an installation shows that has built nothing: the shortest ways to a first build. */
function FirstBuild({ builders }: { builders: readonly Builder[] }) {
  const configured = builders.filter((builder) => builder.masterids.length > 0);
  const forms = useRest<{ forceschedulers: ForceScheduler[] }>('forceschedulers');
  const named = new Set((forms.data?.forceschedulers ?? []).flatMap((form) => (form.enabled ? form.builder_names : [])));
  const startable = configured.filter((builder) => named.has(builder.name));
  const offered = startable.length > 0 ? startable : configured;
  return (
    <Card title="Make your first build">
      <ol className={classes.first}>
        {configured.length > 0 ? (
          <>
            <li>
              <b>Start one by hand.</b>
              {forms.data && startable.length === 0 && (
                <>
                  {' '}
                  It needs a ForceScheduler in <code>master.cfg</code> that names the builder.
                </>
              )}
              <span className={classes.offers}>
                {offered.slice(0, OFFERED).map((builder) => (
                  <Button
                    key={builder.builderid}
                    variant="default"
                    leftSection={<IconPlayerPlay size={14} />}
                    renderRoot={(props) => (
                      <Link
                        to="/builders/$builder"
                        params={{ builder: String(builder.builderid) }}
                        search={{ force: '' }}
                        {...props}
                      />
                    )}
                  >
                    {startable.length > 0 ? `Start ${builder.name}` : builder.name}
                  </Button>
                ))}
                {offered.length > OFFERED && <Link to="/builders">all {count(configured.length)} builders ›</Link>}
              </span>
            </li>
            <li>
              <b>Or build each commit of a repository:</b> lines like these in <code>master.cfg</code>, then{' '}
              <code>chargehand reconfig</code>.
              <Code block className={classes.code}>{watching(configured[0]?.name ?? '')}</Code>
            </li>
          </>
        ) : (
          <li>
            These lines in <code>master.cfg</code> make a first build. Then run <code>chargehand reconfig</code>.
            <Code block className={classes.code}>{FIRST}</Code>
          </li>
        )}
      </ol>
    </Card>
  );
}

const watching = (builder: string): string => `c['change_source'] = [changes.GitPoller(repourl='https://example.org/project.git', branches=['main'])]
c['schedulers'] += [schedulers.SingleBranchScheduler(name='main',
    change_filter=util.ChangeFilter(branch='main'), builderNames=[${JSON.stringify(builder)}])]`;
