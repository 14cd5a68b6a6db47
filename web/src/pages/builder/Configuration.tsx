import { Table } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Builder, ConfiguredBuilder, ConfiguredLock, ConfiguredStep, ForceScheduler, Worker } from '@/api/types';
import { propertyText } from '@/domain/builds';
import { Answered } from '@/parts/Answered';
import { Copyable } from '@/parts/Copyable';
import classes from './Configuration.module.css';

interface Props {
  builder: Builder;
  forms: readonly ForceScheduler[];
  workers: readonly Worker[];
}

/** What master.cfg says of a builder: its steps in order, its locks, its properties. */
export function Configuration({ builder, forms, workers }: Props) {
  const answer = useRest<{ configured_builders: ConfiguredBuilder[] }>(
    `builders/${builder.builderid}/configuration`,
    {},
    { keep: false },
  );
  const missing =
    builder.masterids.length > 0
      ? 'This master does not configure it. Another one does.'
      : 'No running master configures it. Its builds are kept.';
  return (
    <Answered query={answer} what="the configuration of this builder" missing={missing}>
      {({ configured_builders: [row] }) => row && <Shown row={row} builder={builder} forms={forms} workers={workers} />}
    </Answered>
  );
}

function Shown({ row, builder, forms, workers }: Props & { row: ConfiguredBuilder }) {
  return (
    <div className={classes.box}>
      <section>
        <h2>Steps</h2>
        <Steps steps={row.steps} />
      </section>
      <section>
        <h2>Builder</h2>
        <dl className={classes.facts}>
          <dt>Name</dt>
          <dd>
            <Copyable value={row.name} />
          </dd>
          <dt>Tags</dt>
          <dd>{builder.tags.join(', ') || <span className="dim">none</span>}</dd>
          <dt>Workers</dt>
          <dd>
            <WorkerNames names={row.workers} workers={workers} />
          </dd>
          <dt>Locks</dt>
          <dd>
            <Locks locks={row.locks} none="none" />
          </dd>
          <dt>Force schedulers</dt>
          <dd>{forms.map((form) => form.name).join(', ') || <span className="dim">none</span>}</dd>
        </dl>
      </section>
      <section>
        <h2>Properties</h2>
        <Properties row={row} />
      </section>
    </div>
  );
}

function Steps({ steps }: { steps: readonly ConfiguredStep[] | null }) {
  if (steps === null) return <p className="dim">The steps cannot be made: the master&apos;s log says why.</p>;
  if (steps.length === 0) return <p className="dim">It has no steps.</p>;
  return (
    <ol className={classes.steps}>
      {steps.map((step, index) => (
        <li key={index} data-quiet={step.runs === false || undefined}>
          <b>{step.name}</b> {step.type !== step.name && <span className="faint mono">{step.type}</span>}
          <small>
            {step.runs === null && <span>runs if its doStepIf says so</span>}
            {step.runs === false && <span>never runs</span>}
            {step.hidden === true && <span>hidden</span>}
            {step.hidden === null && <span>hidden if its hideStepIf says so</span>}
            <Locks locks={step.locks} none="" />
          </small>
        </li>
      ))}
    </ol>
  );
}

function Locks({ locks, none }: { locks: readonly ConfiguredLock[] | null; none: string }) {
  if (locks === null) return <span>locks that each build chooses</span>;
  if (locks.length === 0) return none === '' ? null : <span className="dim">{none}</span>;
  return (
    <>
      {locks.map((lock) => (
        <span key={lock.name} className={classes.lock}>
          {none === '' && 'lock '}
          {`${lock.name}: ${usedAs(lock)}`}
          {lock.scope === 'worker' && ', on each worker its own'}
        </span>
      ))}
    </>
  );
}

const usedAs = ({ mode, count, max_count: most }: ConfiguredLock): string =>
  mode === 'exclusive' ? 'exclusive' : `${count} of ${most}`;

function WorkerNames({ names, workers }: { names: readonly string[]; workers: readonly Worker[] }) {
  return (
    <>
      {names.map((name, index) => {
        const worker = workers.find((one) => one.name === name);
        return (
          <span key={name}>
            {index > 0 && ', '}
            {worker ? <Link to={`/workers/${worker.workerid}` as string}>{name}</Link> : name}
          </span>
        );
      })}
    </>
  );
}

function Properties({ row }: { row: ConfiguredBuilder }) {
  if (row.properties.length === 0) return <p className="dim">It sets none.</p>;
  return (
    <Table className={classes.table}>
      <Table.Tbody>
        {row.properties.map((property) => (
          <Table.Tr key={`${property.name} ${property.is_default}`}>
            <Table.Td className="mono">{property.name}</Table.Td>
            <Table.Td className={`mono ${classes.value}`}>
              {property.is_computed ? <span className="dim">computed in each build</span> : propertyText(property.value)}
            </Table.Td>
            <Table.Td className="dim">{property.is_default && 'unless the build has another value'}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
