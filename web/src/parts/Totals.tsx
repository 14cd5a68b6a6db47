import { count } from '@/domain/durations';
import { WORDS, type State } from '@/domain/states';
import { StateMark } from './StateMark';
import classes from './Totals.module.css';

const RANKED: readonly State[] = ['failure', 'exception', 'warnings', 'running', 'waiting', 'retry', 'cancelled', 'skipped', 'success'];

/** How many are in which state, as marks with numbers; what somebody has to look at first. */
export function Totals({ states }: { states: Iterable<State> }) {
  const totals = new Map<State, number>();
  for (const state of states) totals.set(state, (totals.get(state) ?? 0) + 1);
  return (
    <span className={classes.totals}>
      {RANKED.filter((state) => totals.has(state)).map((state) => (
        <span key={state} data-tip={`${count(totals.get(state) ?? 0)} ${WORDS[state]}`}>
          <StateMark state={state} size={14} /> {count(totals.get(state) ?? 0)}
        </span>
      ))}
    </span>
  );
}
