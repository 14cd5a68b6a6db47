import { Link } from '@tanstack/react-router';
import { Fragment } from 'react';
import type { Builder, WhyGroup, Worker } from '@/api/types';
import { redOnes, type Breakage, type Red } from '@/domain/breakages';
import { lastBuild } from '@/domain/builderList';
import { asSentence } from '@/domain/builds';
import { count, counted } from '@/domain/durations';
import { SkeletonRows } from '@/parts/Answered';
import { Ago, useNow } from '@/parts/Moment';
import { Card } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { BreakageRow } from './BreakageRow';
import { useBreakages } from './useBreakages';
import classes from './Home.module.css';

const LONG_WAIT = 600;
/** What waits for one of these waits until somebody does something: it is told at once. */
const STUCK = new Set(['no_worker_connected', 'workers_paused', 'builder_not_configured']);
interface Props {
  builders: readonly Builder[] | undefined;
  workers: readonly Worker[] | undefined;
  waiting: readonly WhyGroup[] | undefined;
  /** Nothing was built yet: that nothing is red is no news then. */
  isNew: boolean;
}

const SHOWN = 8;
/** So many red builders are looked at: what broke them, and by which changes. */
const LOOKED_AT = 40;

/** What somebody has to look at: red builders, by what broke them; workers; requests that wait too long. */
export function Attention({ builders, workers, waiting, isNew }: Props) {
  const now = useNow(30);
  const red = redOnes((builders ?? []).filter((builder) => builder.masterids.length > 0)).sort(
    (one, other) => (lastBuild(other.builder)?.complete_at ?? 0) - (lastBuild(one.builder)?.complete_at ?? 0),
  );
  const found = useBreakages(red.slice(0, LOOKED_AT));
  if (builders === undefined) return null;
  const lost = (workers ?? []).filter(
    (worker) =>
      worker.configured_on.length > 0 && worker.connected_to.length === 0 && !worker.isOnDemand,
  ).sort((one, other) => (other.disconnected_at ?? 0) - (one.disconnected_at ?? 0));
  const paused = (workers ?? []).filter((worker) => worker.connected_to.length > 0 && worker.paused);
  const long = (waiting ?? []).filter(
    (group) => STUCK.has(group.kind) || now - group.oldest_submitted_at > LONG_WAIT,
  );
  if (red.length + lost.length + long.length + paused.length === 0) {
    if (isNew) return null;
    return (
      <div className={classes.calm}>
        <StateMark state="success" hidden /> Nothing needs attention: no builder is red, all workers are connected, nothing has waited for longer than 10 minutes.
      </div>
    );
  }
  return (
    <Card title="Needs attention">
      {found === undefined ? (
        <SkeletonRows rows={Math.min(red.length, 3)} />
      ) : (
        found.slice(0, SHOWN).map((one) => <BreakageRow key={one.troubles[0]?.head.builder.builderid} breakage={one} />)
      )}
      <MoreRed red={red} shown={found?.slice(0, SHOWN)} />
      {lost.length > 0 && (
        <div className={classes.row} data-wide>
          <StateMark state="exception" />
          <span className={classes.text}>
            <b>{lost.length === 1 ? `Worker ${lost[0]?.name} is not connected` : `${count(lost.length)} workers are not connected`}</b>
            <small>
              {lost.slice(0, 6).map((one, index) => (
                <Fragment key={one.workerid}>
                  {index > 0 && ', '}
                  {lost.length > 1 && one.name}
                  {one.disconnected_at !== null && <> <Ago at={one.disconnected_at} /></>}
                </Fragment>
              ))}
              {lost.length > 6 && ' …'}
            </small>
          </span>
          <Link to="/workers" search={{ q: 'state:lost' }} className={classes.go}>
            Lost workers ›
          </Link>
        </div>
      )}
      {paused.map((worker) => (
        <div key={worker.workerid} className={classes.row} data-wide>
          <StateMark state="cancelled" />
          <span className={classes.text}>
            <b>
              Worker {worker.name} is paused
              {worker.paused_by && ` by ${worker.paused_by}`}
            </b>
            <small>
              {worker.paused_at && <Ago at={worker.paused_at} />}
              {worker.paused_at && worker.pause_reason && ': '}
              {worker.pause_reason}
            </small>
          </span>
          <Link to={`/workers/${worker.workerid}` as string} className={classes.go}>
            {worker.name} ›
          </Link>
        </div>
      ))}
      {long.slice(0, SHOWN).map((group) => (
        <div key={`${group.kind} ${group.buildrequestids[0]}`} className={classes.row} data-wide>
          <StateMark state="waiting" />
          <span className={classes.text}>
            {asSentence(group.sentence)}
          </span>
          <Link to="/pending" className={classes.go}>
            Pending ›
          </Link>
        </div>
      ))}
    </Card>
  );
}

/** The red builders that have no row. */
function MoreRed({ red, shown }: { red: readonly Red[]; shown: readonly Breakage[] | undefined }) {
  if (shown === undefined) return null;
  const inRows = shown.flatMap(({ troubles }) => troubles).reduce((sum, { above }) => sum + 1 + above.length, 0);
  if (red.length <= inRows) return null;
  return (
    <Link to="/builders" search={{ q: 'state:failed state:exception' }} className={classes.more}>
      {counted(red.length - inRows, 'more red builder')} ›
    </Link>
  );
}
