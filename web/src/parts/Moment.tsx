import { useEffect, useReducer } from 'react';
import { ago, alignedDuration, clock, exact, untilNextText } from '@/domain/durations';
import { useZone } from '@/app/settings';

const now = (): number => Date.now() / 1_000;

/** Draw again when a text about *then* is out of date. */
function useTicking(pause: (at: number) => number | null): number {
  const [, again] = useReducer((counter: number) => counter + 1, 0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = () => {
      const seconds = pause(now());
      if (seconds === null) return;
      timer = setTimeout(() => {
        if (!document.hidden) again();
        wait();
      }, seconds * 1_000);
    };
    wait();
    return () => clearTimeout(timer);
  });
  return now();
}

/** `4 min ago`; the exact time on hover. */
export function Ago({ at, prefix = '' }: { at: number; prefix?: string }) {
  const zone = useZone();
  const current = useTicking((moment) => untilNextText(at, moment));
  return (
    <time dateTime={new Date(at * 1_000).toISOString()} className="nowrap" data-tip={exact(at, zone)}>
      {prefix}
      {ago(at, current)}
    </time>
  );
}

/** `14:05`, where the day is known; the exact time on hover. */
export function TimeOfDay({ at }: { at: number }) {
  const zone = useZone();
  return (
    <time dateTime={new Date(at * 1_000).toISOString()} className="nowrap" data-tip={exact(at, zone)}>
      {clock(at, zone, false)}
    </time>
  );
}

/** How long something took, or has taken so far. */
export function Lasted({ from, to }: { from: number; to: number | null | undefined }) {
  const ended = to !== null && to !== undefined;
  const current = useTicking(() => (ended ? null : 1));
  // Times are whole seconds: what began and ended in the same one took less than one.
  return <span className="nowrap">{alignedDuration(Math.max((ended ? to : current) - from, 0.1))}</span>;
}

/** The current time, drawn again every so many seconds. */
export function useNow(seconds: number | null): number {
  return useTicking(() => seconds);
}
