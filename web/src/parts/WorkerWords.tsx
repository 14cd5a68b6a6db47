import type { WorkerState } from '@/domain/workers';
import { Ago } from './Moment';

/** `paused by anna 3 h ago: broken disk`. */
export function WorkerWords({ state }: { state: WorkerState }) {
  const { word, why, by, at } = state;
  const isOrdered = state.state === 'cancelled';
  const since = at ? <Ago at={at} /> : null;
  return (
    <>
      {word}
      {by && ` by ${by}`}
      {isOrdered && since && <> {since}</>}
      {why && `: ${why}`}
      {!isOrdered && why && since && <> ({since})</>}
    </>
  );
}
