/** How long lists that have changed wait before they are fetched again. */

const SHORTEST = 700;
const LONGEST = 4_000;

/**
 * Pauses in milliseconds: short where something happens now and then, longer where there is always
 * something. Rows in sight follow events at once; a window for each of twenty people that asked for
 * its lists after every build would cost the master as much as the builds.
 */
export class Calm {
  private pause = SHORTEST;
  private ended = Number.NEGATIVE_INFINITY;

  /** How long to wait after a change at *now*. */
  after(now: number): number {
    const isBusy = now - this.ended < this.pause;
    this.pause = isBusy ? Math.min(this.pause * 2, LONGEST) : SHORTEST;
    return this.pause;
  }

  /** Whether there is always something at present. */
  get isBusy(): boolean {
    return this.pause > SHORTEST;
  }

  /** The lists are fetched, at *now*. */
  fetched(now: number): void {
    this.ended = now;
  }
}
