import { Link, getRouteApi } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useDeferredValue, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Build, Builder, Worker } from '@/api/types';
import { useOnDemand } from '@/api/onDemand';
import type { Hour } from '@/domain/busyHours';
import { count, counted } from '@/domain/durations';
import { matches, parseFilter } from '@/domain/filter';
import { told, workerFacts, workerState } from '@/domain/workers';
import { Answered, Empty } from '@/parts/Answered';
import { FilterBox } from '@/parts/FilterBox';
import { Ago } from '@/parts/Moment';
import { Card, Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { WorkerWords } from '@/parts/WorkerWords';
import { HourStrip, useBusyHours } from './HourStrip';
import { WorkerActions } from './WorkerActions';
import { NAMES, THEIR_BUILDS } from './questions';
import classes from './Workers.module.css';

const route = getRouteApi('/workers');
const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const RANK: Record<string, number> = { exception: 0, cancelled: 1, running: 2, success: 3 };

/** All workers: those that need somebody first. */
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
  const shown = useMemo(() => {
    const conditions = parseFilter(filter);
    const runs = (worker: Worker) => running.get(worker.workerid)?.length ?? 0;
    return all
      .filter((worker) => conditions.length === 0 || matches(conditions, workerFacts(worker, runs(worker), builderNames)))
      .sort(
        (one, other) =>
          (RANK[workerState(one, runs(one)).state] ?? 9) - (RANK[workerState(other, runs(other)).state] ?? 9) ||
          names.compare(one.name, other.name),
      );
  }, [all, filter, running, builderNames]);
  const busy = useBusyHours();
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
          onChange={(q) => void navigate({ search: { q: q || undefined }, replace: true, resetScroll: false })}
          placeholder="Filter: state:lost builder:linux-arm name~arm"
          completions={{
            state: ['connected', 'lost', 'idle', 'running', 'paused', 'shuts down'],
            builder: [...builderNames.values()],
          }}
        />
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
            <List workers={shown} running={running} builderNames={builderNames} hoursOf={busy.of} />
          )
        }
      </Answered>
      <RefusedLogins />
    </Page>
  );
}

interface ListProps {
  workers: readonly Worker[];
  running: ReadonlyMap<number, Build[]>;
  builderNames: ReadonlyMap<number, string>;
  hoursOf: (id: number) => Hour[] | undefined;
}

function List({ workers, running, builderNames, hoursOf }: ListProps) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: workers.length,
    estimateSize: () => 46,
    overscan: 12,
    scrollMargin: top,
  });
  return (
    <div ref={list} role="list" aria-label="Workers" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
      {virtual.getVirtualItems().map((item) => {
        const worker = workers[item.index] as Worker;
        return (
          <div
            key={worker.workerid}
            ref={virtual.measureElement}
            data-index={item.index}
            role="listitem"
            className={classes.place}
            style={{ transform: `translateY(${item.start - top}px)` }}
          >
            <Row
              worker={worker}
              builds={running.get(worker.workerid) ?? []}
              builderNames={builderNames}
              hours={hoursOf(worker.workerid)}
            />
          </div>
        );
      })}
    </div>
  );
}

const SHOWN_BUILDS = 3;

interface RowProps {
  worker: Worker;
  builds: readonly Build[];
  builderNames: ReadonlyMap<number, string>;
  hours: Hour[] | undefined;
}

function Row({ worker, builds, builderNames, hours }: RowProps) {
  const state = workerState(worker, builds.length);
  return (
    <div className={classes.row}>
      <StateMark state={state.state} hidden />
      <span className={classes.name}>
        <Link to="/workers/$worker" params={{ worker: String(worker.workerid) }}>
          <b>{worker.name}</b>
        </Link>
        <small>
          <WorkerWords state={state} />
        </small>
      </span>
      <span className={classes.builds}>
        {builds.slice(0, SHOWN_BUILDS).map((build) => (
          <Link
            key={build.buildid}
            to="/builders/$builder/builds/$number"
            params={{ builder: String(build.builderid), number: String(build.number) }}
            className={classes.build}
          >
            <StateMark state="running" size={13} hidden /> {builderNames.get(build.builderid) ?? build.builderid} #{build.number}
          </Link>
        ))}
        {builds.length > SHOWN_BUILDS && <span className="dim">+{builds.length - SHOWN_BUILDS}</span>}
      </span>
      <span className={classes.day}>{hours && <HourStrip hours={hours} className={classes.hours} />}</span>
      <span className={classes.fact}>{counted(worker.configured_on.length, 'builder')}</span>
      <span className={classes.fact} title={told(worker, 'host')}>
        {told(worker, 'host')}
      </span>
      <span className={classes.fact}>{told(worker, 'version')}</span>
      <WorkerActions worker={worker} isSmall />
    </div>
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
