import type { WorkerState } from '@/domain/workers';
import { Ago } from './Moment';

/** `paused by anna 3 h ago: broken disk`; `disconnected 3 h ago`. */
export function WorkerWords({ state }: { state: WorkerState }) {
  const { word, why, by, at } = state;
  // Where the time is not the word's, it is that of the reason.
  const isOfWord = state.state === 'cancelled' || word === 'disconnected';
  const since = at ? <Ago at={at} /> : null;
  return (
    <>
      {word}
      {by && ` by ${by}`}
      {isOfWord && since && <> {since}</>}
      {why && `: ${why}`}
      {!isOfWord && why && since && <> ({since})</>}
    </>
  );
}
