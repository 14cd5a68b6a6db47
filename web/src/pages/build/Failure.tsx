import { useRest } from '@/api/hooks';
import type { Build, FirstError, Step } from '@/api/types';
import { failureNote, noteInBuild, triggeredBy } from '@/domain/builds';
import { counted } from '@/domain/durations';
import { BAD, WORDS, stateOf } from '@/domain/states';
import { RootCause } from '@/parts/RootCause';
import cause from '@/parts/Cause.module.css';
import { StateMark } from '@/parts/StateMark';
import { LastGood } from './LastGood';
import classes from './Build.module.css';

const SHOWN = 3;

interface Props {
  build: Build;
  failed: Step;
  steps: readonly Step[];
  /** The step whose log is shown below. */
  chosen: Step | undefined;
  triggered: readonly Build[];
  /** There, the last build that passed is named beside the orders. */
  isPhone: boolean;
  onShow: (step: number, log?: string, line?: number) => void;
}

/** What failed: the line that says so first, or the triggered builds that did. */
export function Failure({ build, failed, steps, chosen, triggered, isPhone, onShow }: Props) {
  const errors = useRest<{ first_errors: FirstError[] }>(
    build.complete ? `builds/${build.buildid}/first_error` : null,
    {},
    { keep: false, staleTime: Number.POSITIVE_INFINITY },
  );
  const error = errors.data?.first_errors[0];
  const step = steps.find((one) => one.stepid === error?.stepid) ?? failed;
  const state = stateOf(failed);
  const bad = triggeredBy(failed, triggered).filter((one) => BAD.has(stateOf(one)));
  const note = bad.length > 0 ? '' : failureNote(failed) || noteInBuild(build, failed);
  const others = steps.filter((one) => !one.hidden && one !== failed && BAD.has(stateOf(one))).length;
  return (
    <div className={classes.why} data-state={state}>
      <StateMark state={state} hidden />
      <b>
        {failed.name} {state === 'failure' ? 'failed' : WORDS[state]}
        {note && `: ${note}`}
        {others > 0 && `, and ${counted(others, 'more step')}`}
      </b>
      {error ? (
        <button
          type="button"
          className={cause.line}
          title="Show this line in its log"
          onClick={() => onShow(step.number, error.slug, error.line + 1)}
        >
          {error.text.trim()}
        </button>
      ) : bad.length > 0 ? (
        bad.slice(0, SHOWN).map((one) => <RootCause key={one.buildid} build={one} />)
      ) : (
        step.stepid !== chosen?.stepid && (
          <button type="button" className={cause.line} onClick={() => onShow(step.number)}>
            Show step {failed.name}
          </button>
        )
      )}
      {build.complete && !isPhone && <LastGood build={build} />}
    </div>
  );
}
