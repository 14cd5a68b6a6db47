import { Link, getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useMemo } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Build, Builder, Worker } from '@/api/types';
import { useOnDemand } from '@/api/onDemand';
import { busySeconds, type Hour } from '@/domain/busyHours';
import { count } from '@/domain/durations';
import { matches, parseFilter } from '@/domain/filter';
import { sortedWorkers, told, workerFacts, workerState, type Listed } from '@/domain/workers';
import { Answered, Empty } from '@/parts/Answered';
import { FilterBox } from '@/parts/FilterBox';
import { Ago } from '@/parts/Moment';
import { Card, Page } from '@/parts/Page';
import { RowTable, type Column } from '@/parts/RowTable';
import { SortChoice } from '@/parts/SortHead';
import { StateMark } from '@/parts/StateMark';
import { WorkerWords } from '@/parts/WorkerWords';
import { HourStrip, useBusyHours } from './HourStrip';
import { WorkerActions } from './WorkerActions';
import { NAMES, THEIR_BUILDS } from './questions';
import classes from './Workers.module.css';

const route = getRouteApi('/workers');
const ORDERS = [
  { value: 'state', label: 'Those that need somebody first' },
  { value: 'name', label: 'By name' },
  { value: 'running', label: 'Most builds first' },
  { value: 'busy', label: 'Busiest first' },
];

/** All workers: those that need somebody first, unless another order is chosen. */
export function Workers() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  useLive('workers/*/*', 'builds/*/*');
  const answer = useRest<{ workers: Worker[] }>('workers');
  const workers = useOnDemand(answer.data?.workers);
  const builds = useRest<{ builds: Build[] }>('builds', THEIR_BUILDS);
  const builders = useRest<{ builders: Builder[] }>('builders', NAMES);
  const builderNames = useMemo(
    () => new Map((builders.data?.builders ?? []).map((one) => [one.builderid, one.name])),
    [builders.data],
  );
  const running = useMemo(() => {
    const found = new Map<number, Build[]>();
    for (const build of builds.data?.builds ?? [])
      found.set(build.workerid, [...(found.get(build.workerid) ?? []), build]);
    return found;
  }, [builds.data]);
  const filter = useDeferredValue(search.q ?? '');
  const all = useMemo(
    () => (workers ?? []).filter((worker) => worker.configured_on.length > 0 || worker.connected_to.length > 0),
    [workers],
  );
  const { of: hoursOf } = useBusyHours();
  const sort = search.sort ?? 'state';
  const shown = useMemo(() => {
    const conditions = parseFilter(filter);
    const listed = all.map((worker): Row => {
      const builds = running.get(worker.workerid) ?? [];
      const hours = hoursOf(worker.workerid);
      return { worker, state: workerState(worker, builds.length), running: builds.length, busy: hours ? busySeconds(hours) : 0, builds, hours };
    });
    const fitting = listed.filter((one) => conditions.length === 0 || matches(conditions, workerFacts(one.worker, one.running, builderNames)));
    return sortedWorkers(fitting, sort) as Row[];
  }, [all, filter, running, builderNames, hoursOf, sort]);
  const columns = useMemo(() => columnsOf(builderNames), [builderNames]);
  const ask = (changed: { q?: string; sort?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true, resetScroll: false });
  const connected = all.filter((worker) => worker.connected_to.length > 0).length;
  return (
    <Page
      title="Workers"
      heading={
        <>
          Workers{' '}
          <span className="dim" style={{ fontWeight: 400 }}>
            {count(connected)} of {count(all.length)} connected
          </span>
        </>
      }
    >
      <div className={classes.tools}>
        <FilterBox
          value={search.q ?? ''}
          onChange={(q) => ask({ q: q || undefined })}
          placeholder="Filter: state:lost builder:linux-arm name~arm"
          completions={{
            state: ['connected', 'lost', 'idle', 'running', 'paused', 'shuts down'],
            builder: [...builderNames.values()],
          }}
        />
        <SortChoice orders={ORDERS} sort={sort} onSort={(next) => ask({ sort: next })} />
      </div>
      <Answered query={answer} what="the workers">
        {() =>
          all.length === 0 ? (
            <Empty title="No worker is configured">
              Add one to <code>c['workers']</code> in <code>master.cfg</code>.
            </Empty>
          ) : shown.length === 0 ? (
            <Empty title="No worker fits the filter" />
          ) : (
            <RowTable
              label="Workers"
              rows={shown}
              columns={columns}
              keyOf={({ worker }) => worker.workerid}
              addressOf={({ worker }) => `/workers/${worker.workerid}`}
              sort={sort}
              onSort={(next) => ask({ sort: next })}
            />
          )
        }
      </Answered>
      <RefusedLogins />
    </Page>
  );
}

const SHOWN_BUILDS = 3;

interface Row extends Listed {
  builds: readonly Build[];
  hours: Hour[] | undefined;
}

const columnsOf = (builderNames: ReadonlyMap<number, string>): Column<Row>[] => [
  {
    name: 'State',
    width: '50px',
    by: 'state',
    phone: 'hidden',
    cell: ({ state }) => <StateMark state={state.state} hidden />,
  },
  {
    name: 'Name',
    width: 'minmax(150px, 1.2fr)',
    by: 'name',
    phone: 'line',
    cell: ({ worker, state }) => (
      <span className={classes.name}>
        <span className={classes.mark}>
          <StateMark state={state.state} hidden />
        </span>
        <Link to="/workers/$worker" params={{ worker: String(worker.workerid) }}>
          <b>{worker.name}</b>
        </Link>
        <small>
          <WorkerWords state={state} />
        </small>
      </span>
    ),
  },
  {
    name: 'Runs',
    width: 'minmax(160px, 1.3fr)',
    by: 'running',
    isFalling: true,
    phone: 'line',
    cell: ({ builds }) => <Builds builds={builds} names={builderNames} />,
  },
  {
    name: 'Last 24 hours',
    width: '150px',
    by: 'busy',
    isFalling: true,
    phone: 'hidden',
    cell: ({ hours }) => hours && <HourStrip hours={hours} className={classes.hours} />,
  },
  {
    name: 'Builders',
    width: '76px',
    by: 'builders',
    isFalling: true,
    isNumber: true,
    phone: 'hidden',
    cell: ({ worker }) => <span className={classes.fact}>{count(worker.configured_on.length)}</span>,
  },
  {
    name: 'Host',
    width: 'minmax(80px, 0.8fr)',
    by: 'host',
    phone: 'hidden',
    cell: ({ worker }) => (
      <span className={classes.fact} title={told(worker, 'host')}>
        {told(worker, 'host')}
      </span>
    ),
  },
  {
    name: 'Version',
    width: '90px',
    by: 'version',
    phone: 'hidden',
    cell: ({ worker }) => <span className={classes.fact}>{told(worker, 'version')}</span>,
  },
  { name: '', width: '34px', phone: 'hidden', cell: ({ worker }) => <WorkerActions worker={worker} isSmall /> },
];

function Builds({ builds, names }: { builds: readonly Build[]; names: ReadonlyMap<number, string> }) {
  if (builds.length === 0) return null;
  return (
    <span className={classes.builds}>
      {builds.slice(0, SHOWN_BUILDS).map((build) => (
        <Link
          key={build.buildid}
          to="/builders/$builder/builds/$number"
          params={{ builder: String(build.builderid), number: String(build.number) }}
          className={classes.build}
        >
          <StateMark state="running" size={13} hidden /> {names.get(build.builderid) ?? build.builderid} #{build.number}
        </Link>
      ))}
      {builds.length > SHOWN_BUILDS && <span className="dim">+{builds.length - SHOWN_BUILDS}</span>}
    </span>
  );
}

interface Refused {
  name: string;
  address: string;
  reason: string;
  refused_at: number;
  count: number;
}

/** Workers that tried to log in and were refused: what somebody who sets one up looks for. */
function RefusedLogins() {
  const answer = useRest<{ refused_logins: Refused[] }>('refused_logins', {}, { staleTime: 10_000 });
  const rows = answer.data?.refused_logins ?? [];
  if (rows.length === 0) return null;
  return (
    <div className={classes.refused}>
      <Card title="Refused logins">
        {rows.map((row) => (
          <div key={`${row.name} ${row.address} ${row.reason}`} className={classes.refusal}>
            <StateMark state="exception" hidden />
            <span>
              <b>{row.name}</b> from <span className="mono">{row.address}</span>
              <small>{row.reason}</small>
            </span>
            <span className="dim">
              {row.count > 1 && `${count(row.count)} times, `}
              <Ago at={row.refused_at} />
            </span>
          </div>
        ))}
      </Card>
    </div>
  );
}
