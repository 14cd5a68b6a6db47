import { useCallback, useMemo } from 'react';
import { useRest } from '@/api/hooks';
import { rowsOf, type Answer } from '@/api/rows';
import { busySeconds, firstHour, hoursByWorker, type Busy, type Hour } from '@/domain/busyHours';
import { counted, duration } from '@/domain/durations';

const DAY = 24 * 3_600;

/** The last 24 hours of one worker, or of all; `of` is undefined for workers that were idle. */
export function useBusyHours(workerid?: number): { of: (id: number) => Hour[] | undefined } {
  const since = firstHour(Date.now() / 1_000);
  const { data } = useRest<Answer>(
    'statistics/workers',
    { workerid, since, until: since + DAY, interval: 'hour' },
    { staleTime: 300_000 },
  );
  const hours = useMemo(() => hoursByWorker(rowsOf<Busy>(data), since), [data, since]);
  return { of: useCallback((id: number) => hours.get(id), [hours]) };
}

/** A bar for each hour. */
export function HourStrip({ hours, className }: { hours: readonly Hour[]; className: string | undefined }) {
  const total = duration(busySeconds(hours));
  return (
    <div className={className} role="img" aria-label={`Busy for ${total} of the last 24 hours`}>
      {hours.map((hour) => (
        <span
          key={hour.starts_at}
          title={`${new Date(hour.starts_at * 1_000).getHours()}:00: ${counted(hour.builds, 'build')}, busy for ${duration(hour.seconds)}`}
        >
          <i style={{ height: `${Math.ceil(hour.share * 100)}%` }} />
        </span>
      ))}
    </div>
  );
}
