import type { ReactElement } from 'react';
import { WORDS, type State } from '@/domain/states';
import { turning } from './turning';
import classes from './StateMark.module.css';

/** What is drawn in a box of 16 × 16; filled shapes have their sign in the colour behind them. */
const SHAPES: Record<State, ReactElement> = {
  success: (
    <>
      <circle cx="8" cy="8" r="7.5" fill="currentColor" />
      <path d="m4.6 8.2 2.3 2.3 4.5-4.7" className={classes.sign} />
    </>
  ),
  warnings: (
    <>
      <path
        d="M8 1.2 15.3 14a.8.8 0 0 1-.7 1.2H1.4A.8.8 0 0 1 .7 14z"
        fill="currentColor"
      />
      <path d="M8 6v4.2M8 12.6v.1" className={classes.sign} />
    </>
  ),
  failure: (
    <>
      <rect x=".8" y=".8" width="14.4" height="14.4" rx="2.6" fill="currentColor" />
      <path d="m5.2 5.2 5.6 5.6m0-5.6-5.6 5.6" className={classes.sign} />
    </>
  ),
  exception: (
    <>
      <path d="M4.4 1h7.2L15.6 8l-4 7H4.4L.4 8z" fill="currentColor" />
      <path d="M8.9 3.6 5.6 8.7h2.2l-.8 3.7 3.4-5.3H8.2z" className={classes.solid} />
    </>
  ),
  retry: (
    <path d="M13.6 8a5.6 5.6 0 1 1-1.7-4M12.2.9v3.4H8.8" className={classes.line} />
  ),
  cancelled: (
    <>
      <circle cx="8" cy="8" r="6.4" className={classes.line} />
      <path d="m3.6 12.4 8.8-8.8" className={classes.line} />
    </>
  ),
  skipped: (
    <>
      <circle cx="8" cy="8" r="6.4" className={classes.line} strokeDasharray="2.6 1.8" />
      <path d="M5.2 8h5.6" className={classes.line} />
    </>
  ),
  running: (
    <>
      <circle cx="8" cy="8" r="6.2" className={classes.track} />
      <path d="M8 1.8A6.2 6.2 0 0 1 14.2 8" className={classes.thick} />
    </>
  ),
  waiting: (
    <>
      <circle cx="8" cy="8" r="6.4" className={classes.line} strokeDasharray="1.2 2.1" />
      <path d="M8 8V3.6A4.4 4.4 0 0 1 12.4 8z" fill="currentColor" />
    </>
  ),
  unknown: <circle cx="8" cy="8" r="6.4" className={classes.line} strokeDasharray="1.2 2.1" />,
};

interface Props {
  state: State;
  size?: number;
  /** A word beside it says the same: screen readers hear it once. */
  hidden?: boolean;
}

/** The one mark of a state: shape and colour. */
export function StateMark({ state, size = 16, hidden = false }: Props) {
  return (
    <svg
      ref={state === 'running' ? turning : undefined}
      className={classes.mark}
      data-state={state}
      viewBox="0 0 16 16"
      width={size}
      height={size}
      role={hidden ? undefined : 'img'}
      aria-hidden={hidden || undefined}
      aria-label={hidden ? undefined : WORDS[state]}
    >
      {SHAPES[state]}
    </svg>
  );
}

/** A mark with its word. */
export function StateWord({ state, size = 14 }: Props) {
  return (
    <span className={classes.word} data-state={state}>
      <StateMark state={state} size={size} hidden />
      {WORDS[state]}
    </span>
  );
}
