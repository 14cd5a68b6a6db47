import { useRest } from '@/api/hooks';
import type { Build, Step } from '@/api/types';
import { triggeredBy } from '@/domain/builds';
import { BAD, WORDS, stateOf } from '@/domain/states';
import { StateMark } from '@/parts/StateMark';
import { BuildLink } from './Triggered';
import classes from './Build.module.css';

const SHOWN = 3;

interface FirstError {
  stepid: number;
  slug: string;
  line: number;
  text: string;
}

interface Props {
  build: Build;
  failed: Step;
  steps: readonly Step[];
  /** The step whose log is shown below. */
  chosen: Step | undefined;
  triggered: readonly Build[];
  onShow: (step: number, log?: string, line?: number) => void;
}

/** What failed: the line that says so first, or the triggered builds that did. */
export function Failure({ build, failed, steps, chosen, triggered, onShow }: Props) {
  const errors = useRest<{ first_errors: FirstError[] }>(
    build.complete ? `builds/${build.buildid}/first_error` : null,
    {},
    { keep: false, staleTime: Number.POSITIVE_INFINITY },
  );
  const error = errors.data?.first_errors[0];
  const step = steps.find((one) => one.stepid === error?.stepid) ?? failed;
  const state = stateOf(failed);
  const bad = triggeredBy(failed, triggered).filter((one) => BAD.has(stateOf(one)));
  return (
    <div className={classes.why} data-state={state}>
      <StateMark state={state} hidden />
      <b>{build.complete ? build.state_string : `${failed.name} ${WORDS[state]}: ${failed.state_string}`}</b>
      {error ? (
        <button
          type="button"
          className={classes.line}
          title="Show this line in its log"
          onClick={() => onShow(step.number, error.slug, error.line + 1)}
        >
          {error.text.trim()}
        </button>
      ) : bad.length > 0 ? (
        bad.slice(0, SHOWN).map((one) => <BuildLink key={one.buildid} build={one} />)
      ) : (
        step.stepid !== chosen?.stepid && (
          <button type="button" className={classes.line} onClick={() => onShow(step.number)}>
            Show step {failed.name}
          </button>
        )
      )}
    </div>
  );
}
