import { useMediaQuery } from '@mantine/hooks';
import type { UseQueryResult } from '@tanstack/react-query';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { useAlwaysLive, useLive, useRest } from '@/api/hooks';
import type { Build, Builder, BuildRequest, Buildset, Change, Eta, Log, Step, Why, Worker } from '@/api/types';
import { useKeys } from '@/app/shortcuts';
import { asSentence, buildNote, nextFailure, stepToOpen, triggeredBy } from '@/domain/builds';
import { BAD, WORDS, stateOf } from '@/domain/states';
import { Answered, Failed, SkeletonRows } from '@/parts/Answered';
import { Later } from '@/parts/Later';
import { Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { BuildActions } from './BuildActions';
import { BuildFacts } from './BuildFacts';
import { Failure } from './Failure';
import { LastGood } from './LastGood';
import { More } from './More';
import { NoSuchBuild } from './NoSuchBuild';
import { NEWEST_FIRST, WITH_PROPERTIES, buildPath } from './questions';
import { StepLog } from './StepLog';
import { StepList } from './StepList';
import { StepSheet } from './StepSheet';
import { Timeline } from './Timeline';
import { useAbove } from './useAbove';
import classes from './Build.module.css';

const route = getRouteApi('/builders/$builder/builds/$number');

export function BuildPage() {
  const { builder, number } = route.useParams();
  const base = buildPath(builder, number);
  const build = useRest<{ builds: Build[] }>(base, WITH_PROPERTIES, { keep: false });
  // Asked for at the same time: a page that waits for one answer after the other is slow far away.
  const steps = useRest<{ steps: Step[] }>(`${base}/steps`, {}, { keep: false });
  const changes = useRest<{ changes: Change[] }>(`${base}/changes`, NEWEST_FIRST, { keep: false });
  const builders = useRest<{ builders: Builder[] }>(`builders/${encodeURIComponent(builder)}`);
  const found = build.data?.builds[0];
  // Also while nobody looks: the title and the icon of the window say how it ends.
  useAlwaysLive(`builders/${/^\d+$/.test(builder) ? builder : '*'}/builds/${number}/*`);
  if (!found) {
    return (
      <Page title={`${builder} #${number}`}>
        <Answered query={build} what="this build" missing={<NoSuchBuild builder={builder} number={number} />}>
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

const NARROW = '(max-width: 900px)';
const PHONE = '(max-width: 480px)';
const NONE: readonly Change[] = [];
const NO_BUILDS: readonly Build[] = [];

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
  const request = useRest<{ buildrequests: BuildRequest[] }>(`buildrequests/${build.buildrequestid}`);
  const setId = request.data?.buildrequests[0]?.buildsetid;
  const buildset = useRest<{ buildsets: Buildset[] }>(setId === undefined ? null : `buildsets/${setId}`);
  const worker = useRest<{ workers: Worker[] }>(`workers/${build.workerid}`);
  const why = useRest<{ why: Why[] }>(build.complete ? null : `builds/${id}/why`, {}, { staleTime: 5_000 });
  const etas = useRest<{ etas: Eta[] }>(build.complete ? null : `builds/${id}/etas`, {}, { staleTime: 5_000 });
  const whole = etas.data?.etas.find((one) => one.stepid === null)?.eta;
  // Nothing is predicted from builds of another master: what is usual is.
  const usual = useRest<{ builders: Builder[] }>(
    etas.data && whole === undefined ? `builders/${build.builderid}` : null,
    { recent: 1 },
  ).data?.builders[0]?.statistics?.median_seconds;
  const expected = whole ?? (usual && !build.complete ? build.started_at + usual : undefined);
  const triggered = useRest<{ builds: Build[] }>(`builds/${id}/triggered_builds`, {}, { keep: false });
  const others = triggered.data?.builds ?? NO_BUILDS;
  const Steps = useMediaQuery(NARROW) ? StepSheet : StepList;
  const isPhone = useMediaQuery(PHONE);
  const room = useAbove(isPhone);
  const state = stateOf(build);
  const rows = useMemo(() => steps.data?.steps ?? [], [steps.data]);
  const chosen = rows.find((step) => step.number === search.step) ?? stepToOpen(rows);
  useLive(
    `builds/${id}/steps/*/*`,
    chosen && !chosen.complete ? `steps/${chosen.stepid}/logs/*/*` : null,
    others.some((one) => !one.complete) ? 'builds/*/*' : null,
  );
  const logs = useRest<{ logs: Log[] }>(chosen ? `steps/${chosen.stepid}/logs` : null, {}, { keep: false });
  const above = useMemo(() => {
    if (!chosen) return steps.data ? NO_BUILDS : null;
    if (!logs.data) return null;
    return logs.data.logs.length > 0 ? NO_BUILDS : triggeredBy(chosen, others);
  }, [chosen, steps.data, logs.data, others]);
  const select = useCallback(
    (step: number, replace = false) =>
      void navigate({ search: ({ tab }) => ({ tab, step }), replace, resetScroll: false }),
    [navigate],
  );
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
  const submitted = request.data?.buildrequests[0]?.submitted_at ?? null;
  const failed = rows.find((step) => !step.hidden && BAD.has(stateOf(step)));
  return (
    <Page
      title={`${name} #${build.number}`}
      state={state}
      mark={<StateMark state={state} size={22} />}
      heading={
        <span className={classes.heading}>
          <Link to="/builders/$builder" params={{ builder: String(build.builderid) }} title={name}>
            {name}
          </Link>{' '}
          <span>#{build.number}</span> <span className={classes.word}>{WORDS[state]}</span>
        </span>
      }
      actions={isPhone ? undefined : <BuildActions build={build} onStep={go} />}
      meta={
        <BuildFacts
          build={build}
          changes={latest}
          buildset={buildset.data?.buildsets[0]}
          worker={worker.data?.workers[0]?.name}
          submitted={submitted}
          expected={expected}
        />
      }
    >
      {failed && (
        <Failure
          build={build}
          failed={failed}
          steps={rows}
          chosen={chosen}
          triggered={others}
          isPhone={isPhone}
          onShow={(step, log, line) =>
            void navigate({ search: { step, log, line, tab: search.tab }, resetScroll: false })
          }
        />
      )}
      {!failed && build.complete && state !== 'success' && (
        <div className={classes.why} data-state={state}>
          <StateMark state={state} hidden />
          <span>{asSentence(buildNote(build))}</span>
        </div>
      )}
      {!build.complete && why.data?.why[0] && (
        <div className={classes.why} data-state="waiting">
          <StateMark state="waiting" hidden />
          <span>{asSentence(why.data.why[0].sentence)}</span>
        </div>
      )}
      {isPhone && (
        <BuildActions build={build} onStep={go}>
          {failed && build.complete && <LastGood build={build} />}
        </BuildActions>
      )}
      <Timeline
        build={build}
        steps={rows}
        submitted={submitted}
        chosen={chosen?.number}
        expected={expected}
        onChoose={select}
      />
      <Answered query={steps} what="the steps" skeleton={<SkeletonRows rows={6} />}>
        {({ steps: all }) => (
          <div ref={room} className={classes.columns}>
            <Steps steps={all} chosen={chosen} onChoose={select} />
            <StepLog
              step={chosen}
              logs={logs}
              triggered={others}
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
      <Later>
        <More build={build} changes={latest} buildset={buildset.data?.buildsets[0]} steps={rows} triggered={others} above={above} />
      </Later>
    </Page>
  );
}
