import { Badge, Button, Tabs, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Build, Builder, BuildRequest, Buildset, Change, Eta, Log, Step, Why, Worker } from '@/api/types';
import { useKeys } from '@/app/shortcuts';
import {
  authorsOf,
  firstLine,
  nextFailure,
  shortRevision,
  sourceOf,
  stepToOpen,
} from '@/domain/builds';
import { count, duration } from '@/domain/durations';
import { BAD, WORDS, stateOf } from '@/domain/states';
import { ActionButton, useActions } from '@/parts/ActionButton';
import { Answered, Failed, SkeletonRows } from '@/parts/Answered';
import { Copyable } from '@/parts/Copyable';
import { Ago, Lasted, useNow } from '@/parts/Moment';
import { Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { ChangeList } from '@/parts/ChangeList';
import { safeUrl } from '@/domain/links';
import { Compare } from './Compare';
import { PropertyTable } from './PropertyTable';
import { StepLog } from './StepLog';
import { StepList } from './StepList';
import { TestResults } from './TestResults';
import { Timeline } from './Timeline';
import { Triggered } from './Triggered';
import classes from './Build.module.css';

const route = getRouteApi('/builders/$builder/builds/$number');

export function BuildPage() {
  const { builder, number } = route.useParams();
  const base = `builders/${encodeURIComponent(builder)}/builds/${number}`;
  const build = useRest<{ builds: Build[] }>(base, { property: '*' }, { keep: false });
  // Asked for at the same time: a page that waits for one answer after the other is slow far away.
  const steps = useRest<{ steps: Step[] }>(`${base}/steps`, {}, { keep: false });
  const changes = useRest<{ changes: Change[] }>(`${base}/changes`, {}, { keep: false });
  const builders = useRest<{ builders: Builder[] }>(`builders/${encodeURIComponent(builder)}`);
  const found = build.data?.builds[0];
  useLive('builds/*/*');
  if (!found) {
    return (
      <Page title={`${builder} #${number}`}>
        <Answered query={build} what="this build">
          {() => <Failed error={new Error('It has been deleted.')} what="this build" />}
        </Answered>
      </Page>
    );
  }
  return (
    <Shown
      key={found.buildid}
      build={found}
      steps={steps}
      changes={changes.data?.changes ?? NONE}
      name={builders.data?.builders[0]?.name ?? `builder ${builder}`}
    />
  );
}

const NONE: readonly Change[] = [];

interface ShownProps {
  build: Build;
  steps: UseQueryResult<{ steps: Step[] }, Error>;
  changes: readonly Change[];
  name: string;
}

function Shown({ build, steps, changes: latest, name }: ShownProps) {
  const id = build.buildid;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  useLive(`builds/${id}/steps/*/*`, build.complete ? null : 'steps/*/logs/*/*');
  const request = useRest<{ buildrequests: BuildRequest[] }>(`buildrequests/${build.buildrequestid}`);
  const setId = request.data?.buildrequests[0]?.buildsetid;
  const buildset = useRest<{ buildsets: Buildset[] }>(setId === undefined ? null : `buildsets/${setId}`);
  const worker = useRest<{ workers: Worker[] }>(`workers/${build.workerid}`);
  const why = useRest<{ why: Why[] }>(build.complete ? null : `builds/${id}/why`, {}, { staleTime: 5_000 });
  const etas = useRest<{ etas: Eta[] }>(build.complete ? null : `builds/${id}/etas`, {}, { staleTime: 5_000 });
  const state = stateOf(build);
  const rows = useMemo(() => steps.data?.steps ?? [], [steps.data]);
  const chosen = rows.find((step) => step.number === search.step) ?? stepToOpen(rows);
  const logs = useRest<{ logs: Log[] }>(chosen ? `steps/${chosen.stepid}/logs` : null, {}, { keep: false });
  const select = (step: number, replace = false) =>
    void navigate({ search: { tab: search.tab, step }, replace, resetScroll: false });
  const fail = (direction: 1 | -1) => {
    const step = nextFailure(rows, chosen?.number ?? 0, direction);
    if (step) select(step.number);
  };
  const go = (direction: 1 | -1) =>
    void navigate({
      params: { builder: String(build.builderid), number: String(build.number + direction) },
      search: {},
    });
  useKeys({
    n: () => fail(1),
    p: () => fail(-1),
    '[': () => build.number > 1 && go(-1),
    ']': () => go(1),
    j: () => select(Math.min((chosen?.number ?? 0) + 1, rows.at(-1)?.number ?? 0), true),
    k: () => select(Math.max((chosen?.number ?? 0) - 1, rows[0]?.number ?? 0), true),
  });
  const source = sourceOf(build.properties, buildset.data?.buildsets[0]?.sourcestamps);
  const newest = latest[0];
  const authors = authorsOf(latest);
  const submitted = request.data?.buildrequests[0]?.submitted_at ?? null;
  const failed = rows.find((step) => !step.hidden && BAD.has(stateOf(step)));
  return (
    <Page
      title={`${name} #${build.number}`}
      state={state}
      mark={<StateMark state={state} size={22} />}
      heading={
        <>
          <Link to="/builders/$builder" params={{ builder: String(build.builderid) }} className="dim">
            {name}
          </Link>{' '}
          #{build.number}
          <span className={classes.word}> {WORDS[state]}</span>
        </>
      }
      actions={<Actions build={build} onStep={go} />}
      meta={
        <>
          {newest && <b className={classes.subject}>{firstLine(newest.comments)}</b>}
          {!newest && buildset.data?.buildsets[0] && (
            <span className={classes.subject}>{buildset.data.buildsets[0].reason}</span>
          )}
          {buildset.data?.buildsets[0]?.parent_buildid && (
            <Parent buildid={buildset.data.buildsets[0].parent_buildid} />
          )}
          {authors.length > 0 && (
            <span>
              {authors[0]}
              {authors.length > 1 && `, +${authors.length - 1} more`}
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
            worker{' '}
            <Link to={`/workers/${build.workerid}` as string}>
              <b>{worker.data?.workers[0]?.name ?? build.workerid}</b>
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
            <span>waited {duration(build.started_at - submitted)}</span>
          )}
          {!build.complete && <Progress etas={etas.data?.etas ?? []} />}
        </>
      }
    >
      {failed && (
        <Failure
          build={build}
          failed={failed}
          steps={rows}
          onShow={(step, log, line) =>
            void navigate({ search: { step, log, line, tab: search.tab }, resetScroll: false })
          }
        />
      )}
      {!failed && build.complete && state !== 'success' && (
        <div className={classes.why} data-state={state}>
          {build.state_string}
        </div>
      )}
      {!build.complete && why.data?.why[0] && (
        <div className={classes.why} data-state="waiting">
          <StateMark state="waiting" hidden />
          <span>{why.data.why[0].sentence}</span>
        </div>
      )}
      <Timeline build={build} steps={rows} submitted={submitted} chosen={chosen?.number} onChoose={select} />
      <Answered query={steps} what="the steps" skeleton={<SkeletonRows rows={6} />}>
        {({ steps: all }) => (
          <div className={classes.columns}>
            <StepList steps={all} chosen={chosen} onChoose={select} />
            <StepLog
              step={chosen}
              logs={logs}
              search={search}
              onSearch={(changed, replace) =>
                void navigate({
                  search: { ...search, step: chosen?.number, ...changed },
                  replace,
                  resetScroll: false,
                })
              }
            />
          </div>
        )}
      </Answered>
      <More build={build} changes={latest} buildset={buildset.data?.buildsets[0]} steps={rows} />
    </Page>
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

interface FirstError {
  stepid: number;
  slug: string;
  line: number;
  text: string;
}

interface FailureProps {
  build: Build;
  failed: Step;
  steps: readonly Step[];
  onShow: (step: number, log?: string, line?: number) => void;
}

/** What failed, and the line that says so first. */
function Failure({ build, failed, steps, onShow }: FailureProps) {
  const errors = useRest<{ first_errors: FirstError[] }>(
    build.complete ? `builds/${build.buildid}/first_error` : null,
    {},
    { keep: false, staleTime: Number.POSITIVE_INFINITY },
  );
  const error = errors.data?.first_errors[0];
  const step = steps.find((one) => one.stepid === error?.stepid) ?? failed;
  const state = stateOf(failed);
  return (
    <div className={classes.why} data-state={state}>
      <StateMark state={state} hidden />
      <b>{build.complete ? build.state_string : `${failed.name} ${WORDS[state]}: ${failed.state_string}`}</b>
      <button
        type="button"
        className={classes.line}
        title={error && 'Show this line in its log'}
        onClick={() => onShow(step.number, error?.slug, error && error.line + 1)}
      >
        {error ? error.text.trim() : `show step ${failed.name}`}
      </button>
    </div>
  );
}

function Actions({ build, onStep }: { build: Build; onStep: (direction: 1 | -1) => void }) {
  const navigate = route.useNavigate();
  const refusal = useActions(`builds/${build.buildid}`);
  return (
    <>
      <Button.Group>
        <Tooltip label="The build before">
          <Button variant="default" px={8} aria-label="The build before" disabled={build.number <= 1} onClick={() => onStep(-1)}>
            <IconChevronLeft size={15} />
          </Button>
        </Tooltip>
        <Tooltip label="The next build">
          <Button variant="default" px={8} aria-label="The next build" onClick={() => onStep(1)}>
            <IconChevronRight size={15} />
          </Button>
        </Tooltip>
      </Button.Group>
      {build.complete ? (
        <ActionButton<[number, Record<string, number>]>
          path={`builds/${build.buildid}`}
          method="rebuild"
          refusal={refusal('rebuild')}
          done="A new build has been requested"
          leftSection={<IconRefresh size={15} />}
          onDone={(result) => {
            const id = Object.values(result[1])[0];
            if (id !== undefined)
              void navigate({ to: '/buildrequests/$requestid', params: { requestid: String(id) }, search: { redirect_to_build: true } });
          }}
        >
          Rebuild
        </ActionButton>
      ) : (
        <ActionButton
          path={`builds/${build.buildid}`}
          method="stop"
          refusal={refusal('stop')}
          asksReason
          color="red"
          variant="light"
          done="The build is being stopped"
          leftSection={<IconPlayerStop size={15} />}
        >
          Stop
        </ActionButton>
      )}
    </>
  );
}

function Progress({ etas }: { etas: readonly Eta[] }) {
  const now = useNow(1);
  const whole = etas.find((one) => one.stepid === null);
  if (!whole) return null;
  const left = whole.eta - now;
  return (
    <span>
      {left > 0 ? (
        <>
          about <b>{duration(left)}</b> left
        </>
      ) : (
        <>takes {duration(-left)} longer than usual</>
      )}
    </span>
  );
}

const number = (value: number) => (
  <Badge variant="light" color="gray" size="sm">
    {count(value)}
  </Badge>
);

interface MoreProps {
  build: Build;
  changes: readonly Change[];
  buildset: Buildset | undefined;
  steps: readonly Step[];
}

function More({ build, changes, buildset, steps }: MoreProps) {
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  const triggered = useRest<{ builds: Build[] }>(`builds/${build.buildid}/triggered_builds`, {}, { keep: false });
  const good = useRest<{ builds: Build[] }>(
    `builders/${build.builderid}/builds`,
    { number__lt: build.number, results: 0, order: '-number', limit: 1, property: '*' },
    { keep: false },
  );
  const sets = useRest<{ meta: { total: number } }>(`builds/${build.buildid}/test_result_sets`, { limit: 1 });
  const properties = Object.keys(build.properties).length;
  const links = steps.flatMap((step) => step.urls.map((url) => ({ ...url, step: step.name })));
  const lastGood = good.data?.builds[0];
  const shown = tab ?? (changes.length > 0 ? 'changes' : 'properties');
  const tests = sets.data?.meta.total ?? 0;
  const others = triggered.data?.builds ?? [];
  return (
    <Tabs
      value={shown}
      onChange={(value) =>
        void navigate({ search: (before) => ({ ...before, tab: value ?? undefined }), replace: true, resetScroll: false })
      }
      keepMounted={false}
      className={classes.tabs}
    >
      <Tabs.List className={classes.tabs}>
        <Tabs.Tab value="changes" rightSection={number(changes.length)}>
          Changes
        </Tabs.Tab>
        <Tabs.Tab value="properties" rightSection={number(properties)}>
          Properties
        </Tabs.Tab>
        {tests > 0 && (
          <Tabs.Tab value="tests" rightSection={number(tests)}>
            Tests
          </Tabs.Tab>
        )}
        {links.length > 0 && (
          <Tabs.Tab value="links" rightSection={number(links.length)}>
            Links
          </Tabs.Tab>
        )}
        {(others.length > 0 || buildset?.parent_buildid) && (
          <Tabs.Tab value="triggered" rightSection={number(others.length)}>
            Triggered
          </Tabs.Tab>
        )}
        {lastGood && <Tabs.Tab value="compare">Compare with last good #{lastGood.number}</Tabs.Tab>}
      </Tabs.List>
      <Tabs.Panel value="changes">
        <ChangeList
          changes={changes}
          empty={
            buildset ? `This build has no changes: ${buildset.reason}.` : 'This build has no changes.'
          }
        />
      </Tabs.Panel>
      <Tabs.Panel value="properties">
        <PropertyTable properties={build.properties} />
      </Tabs.Panel>
      <Tabs.Panel value="tests">
        <TestResults buildid={build.buildid} />
      </Tabs.Panel>
      <Tabs.Panel value="links">
        <ul className={classes.links}>
          {links.map((link) => (
            <li key={`${link.step} ${link.url}`}>
              <span className="dim">{link.step}: </span>
              <a href={safeUrl(link.url)} rel="noreferrer">
                {link.name}
              </a>
            </li>
          ))}
        </ul>
      </Tabs.Panel>
      <Tabs.Panel value="triggered">
        <Triggered build={build} builds={others} parent={buildset?.parent_buildid ?? null} />
      </Tabs.Panel>
      <Tabs.Panel value="compare">{lastGood && <Compare good={lastGood} build={build} steps={steps} changes={changes} />}</Tabs.Panel>
    </Tabs>
  );
}
