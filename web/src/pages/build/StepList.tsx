import { UnstyledButton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { Step } from '@/api/types';
import { failureNote, isAside } from '@/domain/builds';
import { counted, duration } from '@/domain/durations';
import { WORDS, stateOf } from '@/domain/states';
import { Lasted } from '@/parts/Moment';
import { StateMark } from '@/parts/StateMark';
import classes from './StepList.module.css';

interface Props {
  steps: readonly Step[];
  chosen: Step | undefined;
  onChoose: (step: number) => void;
}

const ROW = 36;

/** The steps of a build; hidden ones on request; only those in sight are drawn. */
export function StepList({ steps, chosen, onChoose }: Props) {
  const [showsHidden, setShowsHidden] = useState(false);
  const hidden = steps.filter((step) => isAside(step) && step.number !== chosen?.number).length;
  const shown = showsHidden ? steps : steps.filter((step) => !isAside(step) || step.number === chosen?.number);
  const places = useMemo(
    () => new Map(steps.filter((step) => !isAside(step)).map((step, index) => [step.stepid, index + 1])),
    [steps],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  const place = shown.findIndex((step) => step.number === chosen?.number);
  useEffect(() => {
    if (place >= 0) virtual.scrollToIndex(place, { align: 'auto' });
  }, [place, virtual]);
  return (
    <nav className={classes.steps} aria-label="Steps" ref={scroller}>
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const step = shown[item.index] as Step;
          return (
            <div
              key={step.stepid}
              data-index={item.index}
              ref={virtual.measureElement}
              className={classes.place}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Row step={step} place={places.get(step.stepid)} isChosen={step.number === chosen?.number} onChoose={onChoose} />
            </div>
          );
        })}
      </div>
      {(hidden > 0 || showsHidden) && (
        <UnstyledButton className={classes.hidden} onClick={() => setShowsHidden(!showsHidden)}>
          {showsHidden ? 'Hide the hidden steps' : `${counted(hidden, 'hidden step')} · show`}
        </UnstyledButton>
      )}
    </nav>
  );
}

interface RowProps {
  step: Step;
  /** Which it is of those that are not hidden. */
  place: number | undefined;
  isChosen: boolean;
  onChoose: (step: number) => void;
}

const Row = memo(function Row({ step, place, isChosen, onChoose }: RowProps) {
  const state = stateOf(step);
  const waits = state === 'running' && step.locks_acquired_at === null;
  const isQuiet = state === 'skipped' || state === 'waiting';
  const told = waits ? 'waits for a lock' : noteOf(step);
  return (
    <button
      type="button"
      className={classes.step}
      data-chosen={isChosen || undefined}
      data-quiet={isQuiet || undefined}
      aria-current={isChosen ? 'step' : undefined}
      onClick={() => onChoose(step.number)}
    >
      <span className={classes.number}>{place}</span>
      <StateMark state={waits ? 'waiting' : state} />
      <span className={classes.name}>
        {step.name}
        {told && <small title={told}>{told}</small>}
      </span>
      <span className={classes.took}>
        {step.started_at !== null && !isQuiet && (
          <Lasted from={step.locks_acquired_at ?? step.started_at} to={step.complete_at} />
        )}
      </span>
      <span className={classes.spoken}>{WORDS[state]}</span>
    </button>
  );
});

/** What the step says about itself; quiet where all went well. */
function noteOf(step: Step): string {
  const waited =
    step.started_at !== null && step.locks_acquired_at !== null
      ? step.locks_acquired_at - step.started_at
      : 0;
  const lock = waited >= 1 ? `waited ${duration(waited)} for a lock` : '';
  return stateOf(step) === 'success' ? lock : [failureNote(step), lock].filter(Boolean).join(' · ');
}
