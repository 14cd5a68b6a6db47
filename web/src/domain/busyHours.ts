/** How much of each hour of the last day workers were busy. */

export interface Busy {
  starts_at: number;
  workerid: number;
  busy_seconds: number;
  builds: number;
}

export interface Hour {
  starts_at: number;
  /** 0 to 1; builds at the same time add up to no more. */
  share: number;
  seconds: number;
  builds: number;
}

const HOUR = 3_600;

/** The first second of the last 24 hours, of which the present one is the last. */
export const firstHour = (now: number): number => Math.floor(now / HOUR) * HOUR - 23 * HOUR;

/** Rows of `statistics/workers` by worker, as its last 24 hours; workers that were idle are not in it. */
export function hoursByWorker(rows: readonly Busy[], first: number): Map<number, Hour[]> {
  const found = new Map<number, Hour[]>();
  for (const row of rows) {
    let hours = found.get(row.workerid);
    if (hours === undefined) {
      hours = Array.from({ length: 24 }, (_, index) => ({
        starts_at: first + index * HOUR,
        share: 0,
        seconds: 0,
        builds: 0,
      }));
      found.set(row.workerid, hours);
    }
    const hour = hours[Math.round((row.starts_at - first) / HOUR)];
    if (hour === undefined) continue;
    hour.seconds += row.busy_seconds;
    hour.builds += row.builds;
    hour.share = Math.min(1, hour.seconds / HOUR);
  }
  return found;
}

export const busySeconds = (hours: readonly Hour[]): number => hours.reduce((sum, hour) => sum + hour.seconds, 0);
