import { Link, getRouteApi } from '@tanstack/react-router';
import { useLive, useRest } from '@/api/hooks';
import type { Build, Builder, Worker } from '@/api/types';
import { busySeconds } from '@/domain/busyHours';
import { counted, duration } from '@/domain/durations';
import type { State } from '@/domain/states';
import { protocolText, told, workerState } from '@/domain/workers';
import { Answered, Empty } from '@/parts/Answered';
import { BuildTable } from '@/parts/BuildTable';
import { Ago, Lasted } from '@/parts/Moment';
import { Card, Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { WorkerWords } from '@/parts/WorkerWords';
import { HourStrip, useBusyHours } from './HourStrip';
import { WorkerActions } from './WorkerActions';
import classes from './Workers.module.css';

const route = getRouteApi('/workers/$worker');

export function WorkerPage() {
  const { worker } = route.useParams();
  useLive('workers/*/*', 'builds/*/*', 'instances/*/*');
  const answer = useRest<{ workers: Worker[] }>(`workers/${encodeURIComponent(worker)}`, {}, { keep: false });
  const found = answer.data?.workers[0];
  if (found) return <Shown worker={found} />;
  return (
    <Page title={`Worker ${worker}`}>
      <Answered query={answer} what="this worker">
        {() => <Empty title="This worker does not exist" />}
      </Answered>
    </Page>
  );
}

interface Instance {
  instanceid: number;
  state: string;
  identity: string[];
  started_at: number;
  state_since: number;
  reason: string | null;
}

function Shown({ worker }: { worker: Worker }) {
  const id = worker.workerid;
  const running = useRest<{ builds: Build[] }>(`workers/${id}/builds`, { complete: false, order: '-buildid', property: ['branch', 'revision', 'got_revision'], cause: true });
  const recent = useRest<{ builds: Build[] }>(`workers/${id}/builds`, { complete: true, order: '-buildid', limit: 30, property: ['branch', 'revision', 'got_revision'], cause: true });
  const builders = useRest<{ builders: Builder[] }>(`workers/${id}/builders`);
  const everyBuilder = useRest<{ builders: Builder[] }>('builders', { field: ['builderid', 'name'] });
  const instances = useRest<{ instances: Instance[] }>(`workers/${id}/instances`, { order: '-instanceid', limit: 10 });
  const names = new Map((everyBuilder.data?.builders ?? []).map((one) => [one.builderid, one.name]));
  const isOnDemand = (instances.data?.instances.length ?? 0) > 0;
  const state = workerState({ ...worker, isOnDemand }, running.data?.builds.length ?? 0);
  const info = Object.entries(worker.workerinfo).filter(([, value]) => value !== null && value !== '');
  return (
    <Page
      title={worker.name}
      mark={<StateMark state={state.state} size={22} />}
      actions={<WorkerActions worker={worker} />}
      meta={
        <>
          <b>
            <WorkerWords state={state} />
          </b>
          {builders.data && <span>{counted(builders.data.builders.length, 'builder')}</span>}
          {told(worker, 'version') && <span>version {told(worker, 'version')}</span>}
        </>
      }
    >
      <div className={classes.page}>
        <Facts worker={worker} running={running.data?.builds.length ?? 0} />
        <Utilisation id={id} />
        {(running.data?.builds.length ?? 0) > 0 && (
          <Card title="Running">
            <BuildTable builds={running.data?.builds ?? []} names={names} />
          </Card>
        )}
        {(instances.data?.instances.length ?? 0) > 0 && (
          <Card title="Instances">
            {instances.data?.instances.map((one) => (
              <div key={one.instanceid} className={classes.refusal}>
                <StateMark state={MARKS[one.state] ?? 'waiting'} hidden />
                <span>
                  <b>{one.state}</b> <Ago at={one.state_since} prefix={endOf(one) === null ? 'since ' : ''} />
                  <small className="mono">{one.identity.join(' ')}</small>
                  {one.reason && <small>{one.reason}</small>}
                </span>
                <span className="dim">
                  <Ago at={one.started_at} prefix="started " />
                  <br />
                  {endOf(one) === null ? 'has run for ' : 'ran for '}
                  <Lasted from={one.started_at} to={endOf(one)} />
                </span>
              </div>
            ))}
          </Card>
        )}
        <Card title="Recent builds">
          <Answered query={recent} what="the builds of this worker">
            {({ builds }) =>
              builds.length === 0 ? (
                <Empty title="It has not built anything yet" />
              ) : (
                <BuildTable builds={builds} names={names} />
              )
            }
          </Answered>
        </Card>
        <div className={classes.columns}>
          <Card title="Builders">
            <ul className={classes.chips}>
              {(builders.data?.builders ?? []).map((builder) => (
                <li key={builder.builderid}>
                  <Link to="/builders/$builder" params={{ builder: String(builder.builderid) }}>
                    {builder.name}
                  </Link>
                </li>
              ))}
            </ul>
          </Card>
          <Card title="What it says about itself">
            {info.length === 0 ? (
              <Empty title="Nothing" />
            ) : (
              <dl className={classes.facts}>
                {info.map(([name, value]) => (
                  <div key={name}>
                    <dt>{name.replaceAll('_', ' ')}</dt>
                    <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
                  </div>
                ))}
              </dl>
            )}
          </Card>
        </div>
      </div>
    </Page>
  );
}

/** What somebody asks first about a machine: whether it is there, since when, and why it was not. */
function Facts({ worker, running }: { worker: Worker; running: number }) {
  const { connected_at: since, protocol, lost_at: lost, lost_reason: why } = worker;
  const host = told(worker, 'host');
  return (
    <Card title="Connection">
      <dl className={classes.facts}>
        {since !== null && worker.connected_to.length > 0 && (
          <div>
            <dt>connected</dt>
            <dd>
              <Ago at={since} />
            </dd>
          </div>
        )}
        {protocol && (
          <div>
            <dt>protocol</dt>
            <dd>{protocolText(protocol)}</dd>
          </div>
        )}
        <div>
          <dt>runs</dt>
          <dd>{counted(running, 'build')}</dd>
        </div>
        {host && (
          <div>
            <dt>host</dt>
            <dd>{host}</dd>
          </div>
        )}
        {lost !== null && (
          <div>
            <dt>lost last</dt>
            <dd>
              <Ago at={lost} />
              {why && `: ${why}`}
            </dd>
          </div>
        )}
      </dl>
    </Card>
  );
}

const MARKS: Readonly<Record<string, State>> = { running: 'success', stopped: 'skipped', stranded: 'exception' };

/** When a machine was stopped; null while it costs something. */
const endOf = (one: Instance): number | null => (one.state === 'stopped' ? one.state_since : null);

/** How much of each hour of the last day it was busy. */
function Utilisation({ id }: { id: number }) {
  const { of } = useBusyHours(id);
  const hours = of(id);
  if (hours === undefined) return null;
  return (
    <Card title="Last 24 hours" aside={`busy for ${duration(busySeconds(hours))}`}>
      <HourStrip hours={hours} className={classes.utilisation} />
    </Card>
  );
}
