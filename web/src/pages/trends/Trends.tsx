import { Button, SegmentedControl, Select } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import { useRest } from '@/api/hooks';
import type { Builder } from '@/api/types';
import { useZone } from '@/app/settings';
import { dayName } from '@/domain/days';
import { count, duration, exact } from '@/domain/durations';
import {
  SECONDS,
  csv,
  failureRate,
  intervalOf,
  isoMoment,
  utilisation,
  type BuilderStatistics,
  type Flakiness,
  type Interval,
  type WorkerStatistics,
} from '@/domain/trends';
import { Answered, Empty } from '@/parts/Answered';
import { Card, Page } from '@/parts/Page';
import { Plot } from './Plot';
import classes from './Trends.module.css';

const route = getRouteApi('/trends');
const DAYS = [1, 7, 30, 90, 365];
const FLAKIEST = 20;
const WORKERS = 50;
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`;

/** How durations, waits, failures, steps and workers have developed. */
export function Trends() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const days = Math.min(Math.max(search.days ?? 30, 1), 730);
  const interval = intervalOf(days);
  const size = SECONDS[interval];
  // Whole intervals, so that the same question is asked again and answers are kept.
  const until = useMemo(() => Math.ceil(Date.now() / 1_000 / size) * size, [size]);
  const since = until - days * 86_400;
  const one = search.builder === undefined ? {} : { builderid: search.builder };
  const builders = useRest<{ builders: Builder[] }>('builders', { order: 'name', field: ['builderid', 'name', 'masterids'] });
  const builds = useRest<{ builders: BuilderStatistics[] } & Record<string, BuilderStatistics[]>>('statistics/builders', { since, until, interval, ...one });
  const flaky = { since, until, limit: FLAKIEST, ...one };
  const steps = useRest<Record<string, Flakiness[]>>('statistics/steps', flaky);
  const tests = useRest<Record<string, Flakiness[]>>('statistics/tests', flaky);
  const workers = useRest<Record<string, WorkerStatistics[]>>(search.builder === undefined ? 'statistics/workers' : null, { since, until, interval });
  const ask = (changed: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true, resetScroll: false });
  const names = (builders.data?.builders ?? [])
    .filter((builder) => builder.masterids.length > 0 || builder.builderid === search.builder)
    .map((builder) => ({ value: String(builder.builderid), label: builder.name }));
  return (
    <Page
      title="Trends"
      actions={
        <>
          {builds.data && <Download name={`builds-by-${interval}.csv`} text={() => tableOf(rowsOf(builds.data))} />}
          <Select
            aria-label="Builder"
            placeholder="All builders"
            searchable
            clearable
            limit={100}
            w={240}
            data={names}
            value={search.builder === undefined ? null : String(search.builder)}
            onChange={(builder) => ask({ builder: builder === null ? undefined : Number(builder) })}
          />
          <SegmentedControl
            size="xs"
            aria-label="Days"
            value={String(days)}
            onChange={(value) => ask({ days: value === '30' ? undefined : Number(value) })}
            data={DAYS.map((value) => ({ value: String(value), label: value === 365 ? '1 y' : `${value} d` }))}
          />
        </>
      }
    >
      <div className={classes.page}>
        <Answered query={builds} what="statistics of builds">
          {(answer) => <Builds rows={rowsOf(answer)} interval={interval} />}
        </Answered>
        {/* What keeps one from being shown keeps all: it is said once. */}
        {!builds.isError && (
          <Answered query={steps} what="statistics of steps">
            {(answer) => <Flaky what="step" rows={rowsOf(answer)} />}
          </Answered>
        )}
        {/* Most installations store no results of tests. */}
        {rowsOf<Flakiness>(tests.data ?? {}).length > 0 && <Flaky what="test" rows={rowsOf(tests.data ?? {})} />}
        {!builds.isError && search.builder === undefined && (
          <Answered query={workers} what="statistics of workers">
            {(answer) => <Workers rows={rowsOf(answer)} since={since} until={Math.min(until, Date.now() / 1_000)} />}
          </Answered>
        )}
      </div>
    </Page>
  );
}

/** All that the four plots show, as a table. */
function tableOf(rows: readonly BuilderStatistics[]): string {
  return csv(
    ['starts_at', 'builds', 'failure_rate', 'median_seconds', 'p90_seconds', 'median_wait_seconds', 'p90_wait_seconds'],
    rows.map((row) => [
      isoMoment(row.starts_at),
      row.builds,
      failureRate(row),
      row.median_seconds,
      row.p90_seconds,
      row.median_wait_seconds,
      row.p90_wait_seconds,
    ]),
  );
}

/** The rows of an answer, by whichever name they have in it. */
function rowsOf<T>(answer: Record<string, T[] | unknown>): T[] {
  return (Object.entries(answer).find(([name, value]) => name !== 'meta' && Array.isArray(value))?.[1] ?? []) as T[];
}

function Builds({ rows, interval }: { rows: readonly BuilderStatistics[]; interval: Interval }) {
  const times = useMemo(() => rows.map((row) => row.starts_at), [rows]);
  const lines = useMemo(() => {
    const values = (name: 'median_seconds' | 'p90_seconds' | 'median_wait_seconds' | 'p90_wait_seconds') => rows.map((row) => row[name]);
    const blue = '--accent';
    return {
      took: [
        { name: 'median', values: values('median_seconds'), colour: blue },
        { name: '9 of 10 below', values: values('p90_seconds'), colour: blue, dash: [5, 4] },
      ],
      waited: [
        { name: 'median', values: values('median_wait_seconds'), colour: '--state-waiting' },
        { name: '9 of 10 below', values: values('p90_wait_seconds'), colour: '--state-waiting', dash: [5, 4] },
      ],
      // Of few builds a rate says little: how many they were stands beside it.
      failed: [{ name: 'failed', values: rows.map(failureRate), colour: '--state-failure', beside: rows.map((row) => ` of ${count(row.builds)}`) }],
      builds: [{ name: 'builds', values: rows.map((row) => row.builds), colour: '--dim' }],
    };
  }, [rows]);
  const zone = useZone();
  const isLastOpen = (times.at(-1) ?? 0) + SECONDS[interval] > Date.now() / 1_000;
  const momentOf = (at: number) => {
    const day = interval === 'hour' ? exact(at, zone).slice(0, 16) : dayName(at, Date.now() / 1_000, zone);
    return at === times.at(-1) && isLastOpen ? `${day}, so far` : day;
  };
  if (rows.every((row) => row.builds === 0)) {
    return <Empty title="No build ended in this time">Choose more days, or another builder.</Empty>;
  }
  return (
    <div className={classes.plots}>
      <Card title="Duration">
        <Plot label="Durations of builds" times={times} momentOf={momentOf} isLastOpen={isLastOpen} lines={lines.took} text={duration} isTime />
      </Card>
      <Card title="Wait before the build">
        <Plot label="Waits before builds" times={times} momentOf={momentOf} isLastOpen={isLastOpen} lines={lines.waited} text={duration} isTime />
      </Card>
      <Card title="Failure rate">
        <Plot label="Share of builds that failed" times={times} momentOf={momentOf} isLastOpen={isLastOpen} lines={lines.failed} text={percent} />
      </Card>
      <Card title={`Builds per ${interval}`}>
        <Plot label="Numbers of builds" times={times} momentOf={momentOf} isLastOpen={isLastOpen} lines={lines.builds} text={count} />
      </Card>
    </div>
  );
}

interface FlakyProps {
  what: 'step' | 'test';
  rows: readonly Flakiness[];
}

function Flaky({ what, rows }: FlakyProps) {
  const table = () =>
    csv(
      ['builder', what, 'flips', 'failures', 'builds'],
      rows.map((row) => [row.builder, row.name, row.flips, row.failures, row.builds]),
    );
  return (
    <Card title={`Flakiest ${what}s`} aside={rows.length > 0 && <Download name={`${what}s.csv`} text={table} />}>
      {rows.length === 0 ? (
        <p className={classes.quiet}>No {what} failed in this time.</p>
      ) : (
        <Table heading={[what === 'step' ? 'Step' : 'Test', 'Builder', 'Pass ↔ fail', 'Failed']} numbers={[2, 3]}>
          {rows.map((row) => (
            <tr key={`${row.builderid} ${row.name}`}>
              <td className="mono">{row.name}</td>
              <td>
                <Link to="/builders/$builder" params={{ builder: String(row.builderid) }}>
                  {row.builder}
                </Link>
              </td>
              <td data-number>{count(row.flips)}</td>
              <td data-number>
                {count(row.failures)} of {count(row.builds)}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function Workers({ rows, since, until }: { rows: readonly WorkerStatistics[]; since: number; until: number }) {
  const workers = useMemo(() => utilisation(rows, since, until), [rows, since, until]);
  const most = Math.max(1, ...workers.map((worker) => worker.share));
  const table = () =>
    csv(
      ['starts_at', 'worker', 'busy_seconds', 'builds'],
      rows.map((row) => [isoMoment(row.starts_at), row.name, row.busy_seconds, row.builds]),
    );
  return (
    <Card title="Busiest workers" aside={workers.length > 0 && <Download name="workers.csv" text={table} />}>
      {workers.length === 0 ? (
        <p className={classes.quiet}>No worker was busy in this time.</p>
      ) : (
        <Table heading={['Worker', 'Builds at a time, on average', 'Busy', 'Builds']} numbers={[1, 2, 3]}>
          {workers.slice(0, WORKERS).map((worker) => (
            <tr key={worker.workerid}>
              <td>
                <Link to={`/workers/${worker.workerid}` as string}>{worker.name}</Link>
              </td>
              <td data-number>
                <span className={classes.meter} aria-hidden>
                  <i style={{ width: `${(worker.share / most) * 100}%` }} />
                </span>
                {worker.share.toFixed(2)}
              </td>
              <td data-number>{duration(worker.busy_seconds)}</td>
              <td data-number>{count(worker.builds)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function Table({ heading, numbers, children }: { heading: readonly string[]; numbers: readonly number[]; children: ReactNode }) {
  return (
    <div className={classes.scrolled}>
      <table className={classes.table}>
        <thead>
          <tr>
            {heading.map((name, place) => (
              <th key={name} scope="col" data-number={numbers.includes(place) || undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Saves a table that the page has already. */
function Download({ name, text }: { name: string; text: () => string }) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([text()], { type: 'text/csv' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Button variant="subtle" size="compact-xs" leftSection={<IconDownload size={13} />} onClick={save} aria-label={`Download ${name}`}>
      CSV
    </Button>
  );
}
