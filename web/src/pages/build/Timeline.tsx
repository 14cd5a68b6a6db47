import { useElementSize } from '@mantine/hooks';
import { memo } from 'react';
import type { Build, Step } from '@/api/types';
import { useZone } from '@/app/settings';
import { timeline, type Segment } from '@/domain/builds';
import { clock, clockMarks, duration } from '@/domain/durations';
import { WORDS } from '@/domain/states';
import { useNow } from '@/parts/Moment';
import classes from './Timeline.module.css';

interface Props {
  build: Build;
  steps: readonly Step[];
  submitted: number | null;
  chosen: number | undefined;
  /** When the build is expected to end, if it runs. */
  expected?: number | undefined;
  onChoose: (step: number) => void;
}

/** A build that takes less is shown with seconds. */
const MINUTES = 240;
/** So near to a border, a text begins or ends there. */
const EDGE = 0.05;

/** A build's time as a bar: what waited, what ran, what failed; a click opens the step. */
export const Timeline = memo(function Timeline({ build, steps, submitted, chosen, expected, onChoose }: Props) {
  const zone = useZone();
  const now = useNow(build.complete ? null : 2);
  const { ref, width } = useElementSize();
  const segments = timeline(submitted, build.started_at, steps, now).filter(
    (segment) => segment.seconds >= 0.5 || segment.kind === 'wait',
  );
  const left = build.complete || expected === undefined ? 0 : Math.max(0, expected - now);
  const total = segments.reduce((sum, segment) => sum + segment.seconds, left);
  if (segments.length === 0 || total < 1) return null;
  const begin = submitted ?? build.started_at;
  const end = build.complete_at ?? now + left;
  const scale = clockMarks(begin, end);
  return (
    <div className={classes.box}>
      <div ref={ref} className={classes.bar} role="group" aria-label="Timeline">
        {segments.map((segment) => (
          <button
            key={segment.key}
            type="button"
            className={classes.segment}
            data-state={segment.state}
            data-chosen={(segment.number !== undefined && segment.number === chosen) || undefined}
            data-tip={`${segment.name}: ${WORDS[segment.state]}, ${duration(segment.seconds)}`}
            style={{ flexGrow: segment.seconds, flexBasis: 0 }}
            aria-label={`${segment.name} · ${duration(segment.seconds)}, ${WORDS[segment.state]}`}
            onClick={() => segment.number !== undefined && onChoose(segment.number)}
            tabIndex={-1}
          >
            {fitting(segment, (segment.seconds / total) * width)}
          </button>
        ))}
        {left > 0 && (
          <span className={classes.left} style={{ flexGrow: left, flexBasis: 0 }} data-tip={`about ${duration(left)} left`} />
        )}
      </div>
      <div className={classes.scale} aria-hidden>
        {scale.map((mark) => {
          const place = (mark - begin) / (end - begin);
          const edge = place < EDGE ? 'start' : place > 1 - EDGE ? 'end' : undefined;
          return (
            <span key={mark} data-edge={edge} style={{ left: `${place * 100}%` }}>
              {clock(mark, zone, end - begin < MINUTES)}
            </span>
          );
        })}
      </div>
    </div>
  );
});

const LETTER = 7;
const PADDING = 14;

/** As much as has room in so many pixels: name and duration, the name, or nothing. */
function fitting({ name, seconds }: Segment, room: number): string {
  const both = `${name} · ${duration(seconds)}`;
  return [both, name].find((text) => text.length * LETTER + PADDING <= room) ?? '';
}
