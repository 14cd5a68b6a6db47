import { Table } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Build, Change, Step, Worker } from '@/api/types';
import { propertyDifferences } from '@/domain/builds';
import { alignedDuration, counted } from '@/domain/durations';
import { stateOf } from '@/domain/states';
import { ChangeList } from '@/parts/ChangeList';
import { StateMark } from '@/parts/StateMark';
import classes from './Compare.module.css';

interface Props {
  good: Build;
  build: Build;
  steps: readonly Step[];
  changes: readonly Change[];
}

const length = (step: Step | undefined): number | null =>
  step?.started_at && step.complete_at
    ? step.complete_at - (step.locks_acquired_at ?? step.started_at)
    : null;

/** What is different from the last build that passed. */
export function Compare({ good, build, steps, changes }: Props) {
  const before = useRest<{ steps: Step[] }>(`builds/${good.buildid}/steps`, {}, { keep: false });
  const workers = useRest<{ workers: Worker[] }>('workers', { field: ['workerid', 'name'] });
  const workerName = (id: number) => workers.data?.workers.find((one) => one.workerid === id)?.name ?? id;
  const differences = propertyDifferences(good.properties, build.properties);
  const earlier = before.data?.steps ?? [];
  const names = [...new Set([...steps, ...earlier].map((step) => step.name))];
  return (
    <div className={classes.box}>
      <p>
        Compared with{' '}
        <Link
          to="/builders/$builder/builds/$number"
          params={{ builder: String(good.builderid), number: String(good.number) }}
        >
          <b>#{good.number}</b>
        </Link>
        , the last build before this one that passed:{' '}
        {good.workerid === build.workerid ? (
          <>the same worker ({workerName(build.workerid)})</>
        ) : (
          <>
            worker <b>{workerName(build.workerid)}</b> instead of <b>{workerName(good.workerid)}</b>
          </>
        )}
        , {counted(changes.length, 'change')},{' '}
        {differences.length === 0
          ? 'no property differs.'
          : `${counted(differences.length, 'property', 'properties')} with another value.`}
      </p>
      {changes.length > 0 && (
        <>
          <h2>Changes of this build</h2>
          <ChangeList changes={changes} few={30} empty="" />
        </>
      )}
      <h2>Durations of steps</h2>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Step</Table.Th>
            <Table.Th className={classes.time}>#{good.number}</Table.Th>
            <Table.Th className={classes.time}>#{build.number}</Table.Th>
            <Table.Th className={classes.time}>Difference</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {names.map((name) => {
            const then = earlier.find((step) => step.name === name);
            const now = steps.find((step) => step.name === name);
            const [was, is] = [length(then), length(now)];
            const more = was !== null && is !== null ? is - was : null;
            return (
              <Table.Tr key={name}>
                <Table.Td>{name}</Table.Td>
                <Table.Td className={classes.time}>{cell(then, was)}</Table.Td>
                <Table.Td className={classes.time}>{cell(now, is)}</Table.Td>
                <Table.Td className={classes.time} data-much={isMuch(was, more) || undefined}>
                  {more !== null && Math.abs(more) >= 1 && `${more < 0 ? '−' : '+'}${alignedDuration(Math.abs(more))}`}
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      {differences.length > 0 && (
        <>
          <h2>Properties</h2>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>#{good.number}</Table.Th>
                <Table.Th>#{build.number}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {differences.map((one) => (
                <Table.Tr key={one.name}>
                  <Table.Td className="mono">{one.name}</Table.Td>
                  <Table.Td className={classes.value}>{one.then || '–'}</Table.Td>
                  <Table.Td className={classes.value}>{one.now || '–'}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </>
      )}
    </div>
  );
}

/** More than a fifth, and more than some seconds. */
const isMuch = (was: number | null, more: number | null): boolean =>
  more !== null && Math.abs(more) > Math.max(5, (was ?? 0) / 5);

function cell(step: Step | undefined, seconds: number | null) {
  if (!step) return <span className="faint">–</span>;
  return (
    <span className={classes.cell}>
      <StateMark state={stateOf(step)} size={14} /> {seconds === null ? '' : alignedDuration(Math.max(seconds, 0.1))}
    </span>
  );
}
