import { Badge, Button, Modal, Tabs } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useLive, useRest } from '@/api/hooks';
import type { Build, Builder, BuildRequest, ForceScheduler, Worker } from '@/api/types';
import type { BuilderSearch } from '@/app/routes';
import { useKeys } from '@/app/shortcuts';
import { builderState } from '@/domain/builderList';
import { count, counted, duration } from '@/domain/durations';
import { forceText } from '@/domain/forceForm';
import { workerState } from '@/domain/workers';
import { Forbidden, useActions } from '@/parts/ActionButton';
import { Answered, Empty, SkeletonRows } from '@/parts/Answered';
import { BuildStrip } from '@/parts/BuildStrip';
import { BuildTable } from '@/parts/BuildTable';
import { Calm } from '@/parts/Calm';
import { DurationPlot } from '@/parts/DurationPlot';
import { ForceForm } from '@/parts/force/ForceForm';
import { Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { WorkerWords } from '@/parts/WorkerWords';
import { Configuration } from './Configuration';
import { ITS_WAITING, PAGE, STRIP, builderPath, buildsBefore } from './questions';
import { Waiting } from './Waiting';
import classes from './Builder.module.css';

const route = getRouteApi('/builders/$builder');

export function BuilderPage() {
  const { builder } = route.useParams();
  useLive('builders/*/*', 'builds/*/*', 'buildrequests/*/*');
  const answer = useRest<{ builders: Builder[] }>(builderPath(builder), STRIP, { keep: false });
  const found = answer.data?.builders[0];
  if (found) return <Shown key={found.builderid} builder={found} />;
  return (
    <Page title={builder}>
      <Answered query={answer} what="this builder">
        {() => <Empty title="This builder does not exist" />}
      </Answered>
    </Page>
  );
}

function Shown({ builder }: { builder: Builder }) {
  const id = builder.builderid;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const forms = useRest<{ forceschedulers: ForceScheduler[] }>(`builders/${id}/forceschedulers`);
  const workers = useRest<{ workers: Worker[] }>(`builders/${id}/workers`);
  const pending = useRest<{ buildrequests: BuildRequest[]; meta: { total: number } }>(
    `builders/${id}/buildrequests`,
    ITS_WAITING,
  );
  const ask = (changed: Partial<BuilderSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), resetScroll: false });
  const usable = (forms.data?.forceschedulers ?? []).filter((form) => form.enabled);
  const state = builderState(builder);
  const rate = builder.statistics?.success_rate;
  const median = builder.statistics?.median_seconds;
  const waiting = pending.data?.meta.total ?? builder.pending_count ?? 0;
  const connected = (workers.data?.workers ?? []).filter((worker) => worker.connected_to.length > 0);
  useKeys({ f: () => usable[0] && ask({ force: usable[0].name }) });
  const tab = search.tab ?? 'builds';
  return (
    <Page
      title={builder.name}
      mark={<StateMark state={state} size={22} />}
      actions={<ForceButtons forms={usable} builderid={id} onOpen={(name) => ask({ force: name })} isLoading={forms.isLoading} />}
      meta={
        <>
          {builder.tags.map((tag) => (
            <Link key={tag} to="/builders" search={{ q: `tag:${tag}` }} className={classes.tag}>
              {tag}
            </Link>
          ))}
          {builder.masterids.length === 0 && <b>No running master configures this builder.</b>}
          {workers.data && (
            <span>
              <b>{count(connected.length)}</b> of {counted(workers.data.workers.length, 'worker')} connected
            </span>
          )}
          {rate !== null && rate !== undefined && (
            <span>
              <b>{Math.round(rate * 100)} %</b> of {counted(builder.statistics?.builds ?? 0, 'build')} in 30 days passed
            </span>
          )}
          {median !== null && median !== undefined && (
            <span>
              median <b>{duration(median)}</b>
            </span>
          )}
          {(builder.running_count ?? 0) > 0 && <span>{count(builder.running_count ?? 0)} running</span>}
        </>
      }
    >
      <Description builder={builder} />
      <div className={classes.plots}>
        <figure>
          <figcaption>Last {counted(Math.min(STRIP.recent, builder.recent_builds?.length ?? 0), 'build')}</figcaption>
          <BuildStrip builder={id} builds={builder.recent_builds ?? []} length={STRIP.recent} height={52} />
        </figure>
        <DurationPlot builderid={id} />
      </div>
      <Tabs value={tab} onChange={(value) => ask({ tab: (value ?? 'builds') as BuilderSearch['tab'] })} keepMounted={false}>
        <Tabs.List px={4} className={classes.tabs}>
          <Tabs.Tab value="builds">Builds</Tabs.Tab>
          <Tabs.Tab
            value="pending"
            rightSection={
              waiting > 0 && (
                <Badge bg="var(--bg-waiting)" c="var(--state-waiting)" size="sm">
                  {count(waiting)}
                </Badge>
              )
            }
          >
            Pending
          </Tabs.Tab>
          <Tabs.Tab value="workers">Workers</Tabs.Tab>
          <Tabs.Tab value="configuration">Configuration</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="builds">
          <Builds builder={builder} before={search.before} onBefore={(before) => ask({ before })} />
        </Tabs.Panel>
        <Tabs.Panel value="pending">
          <Answered query={pending} what="the waiting requests">
            {({ buildrequests, meta }) => <Waiting requests={buildrequests} total={meta.total} />}
          </Answered>
        </Tabs.Panel>
        <Tabs.Panel value="workers">
          <Answered query={workers} what="the workers">
            {(answer) => <Workers workers={answer.workers} />}
          </Answered>
        </Tabs.Panel>
        <Tabs.Panel value="configuration">
          <Configuration builder={builder} forms={forms.data?.forceschedulers ?? []} workers={workers.data?.workers ?? []} />
        </Tabs.Panel>
      </Tabs>
      <ForceDialog
        forms={usable}
        name={search.force}
        builder={builder}
        onClose={() => ask({ force: undefined })}
      />
    </Page>
  );
}

function Description({ builder }: { builder: Builder }) {
  if (!builder.description) return null;
  // The server renders markdown and lets only harmless elements through.
  if (builder.description_html) {
    return <div className={classes.description} dangerouslySetInnerHTML={{ __html: builder.description_html }} />;
  }
  return <p className={classes.description}>{builder.description}</p>;
}

interface ForceButtonsProps {
  forms: readonly ForceScheduler[];
  builderid: number;
  onOpen: (name: string) => void;
  isLoading: boolean;
}

function ForceButtons({ forms, builderid, onOpen, isLoading }: ForceButtonsProps) {
  if (isLoading) return null;
  if (forms.length === 0) {
    return (
      <Forbidden why="No ForceScheduler in master.cfg names this builder" variant="default" leftSection={<IconPlayerPlay size={15} />}>
        Force
      </Forbidden>
    );
  }
  return (
    <>
      {forms.map((form, index) => (
        <ForceButton
          key={form.name}
          form={form}
          builderid={builderid}
          variant={index === 0 ? 'filled' : 'default'}
          onOpen={() => onOpen(form.name)}
        >
          {forceText(form, forms.length === 1)}
        </ForceButton>
      ))}
    </>
  );
}

/** Whether the visitor may force this builder by a form: of its other builders it says nothing. */
const useForcing = (form: ForceScheduler | undefined, builderid: number): string | null =>
  useActions(form ? `forceschedulers/${encodeURIComponent(form.name)}` : null, { builderid })('force');

interface ForceButtonProps {
  form: ForceScheduler;
  builderid: number;
  variant: string;
  onOpen: () => void;
  children: string;
}

function ForceButton({ form, builderid, variant, onOpen, children }: ForceButtonProps) {
  const refusal = useForcing(form, builderid);
  const look = { variant, leftSection: <IconPlayerPlay size={15} /> };
  return refusal === null ? (
    <Button {...look} onClick={onOpen}>
      {children}
    </Button>
  ) : (
    <Forbidden {...look} why={refusal}>
      {children}
    </Forbidden>
  );
}

interface DialogProps {
  forms: readonly ForceScheduler[];
  name: string | undefined;
  builder: Builder;
  onClose: () => void;
}

function ForceDialog({ forms, name, builder, onClose }: DialogProps) {
  const navigate = route.useNavigate();
  const form = name === undefined ? undefined : (forms.find((one) => one.name === name) ?? forms[0]);
  const refusal = useForcing(form, builder.builderid);
  return (
    <Modal
      opened={form !== undefined}
      onClose={onClose}
      size="lg"
      title={form && `${forceText(form, forms.length === 1)}: ${builder.name}`}
    >
      {form && (
        <ForceForm
          key={form.name}
          scheduler={form}
          builderid={builder.builderid}
          refusal={refusal}
          onForced={(request) => {
            if (request === undefined) onClose();
            else
              void navigate({
                to: '/buildrequests/$requestid',
                params: { requestid: String(request) },
                search: { redirect_to_build: true },
              });
          }}
        />
      )}
    </Modal>
  );
}


interface BuildsProps {
  builder: Builder;
  before: number | undefined;
  onBefore: (before: number | undefined) => void;
}

function Builds({ builder, before, onBefore }: BuildsProps) {
  const builds = useRest<{ builds: Build[] }>(`builders/${builder.builderid}/builds`, buildsBefore(before));
  return (
    <Answered query={builds} what="the builds" skeleton={<SkeletonRows />}>
      {({ builds: rows }) =>
        rows.length === 0 ? (
          <Empty title="No build yet">Press Force, or make a change that a scheduler builds.</Empty>
        ) : (
          <>
            <Calm rows={rows} keyOf={(build) => build.buildid} list={`${builder.builderid} ${before ?? ''}`} noun="build">
              {(shown) => <BuildTable builds={shown} />}
            </Calm>
            <div className={classes.pages}>
              {before !== undefined && (
                <Button variant="default" onClick={() => onBefore(undefined)}>
                  Newest builds
                </Button>
              )}
              {rows.length === PAGE && (
                <Button variant="default" onClick={() => onBefore(rows.at(-1)?.number)}>
                  Older builds
                </Button>
              )}
            </div>
          </>
        )
      }
    </Answered>
  );
}

function Workers({ workers }: { workers: readonly Worker[] }) {
  if (workers.length === 0) return <Empty title="No worker builds this" />;
  return (
    <ul className={classes.list}>
      {workers.map((worker) => {
        const state = workerState(worker, 0);
        return (
          <li key={worker.workerid}>
            <StateMark state={state.state} hidden />
            <Link to={`/workers/${worker.workerid}` as string}>{worker.name}</Link>
            <span className="dim">
              {/* What runs on it is not asked for here. */}
              <WorkerWords state={state.word === 'idle' ? { ...state, word: 'connected' } : state} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}
