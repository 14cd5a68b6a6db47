/** How often a window draws what happens by itself: the longer it takes, the rarer. */

/** A window takes about one part in so many of a processor's time. */
const PART = 25;
const LONGEST = 2_000;
/** The browser draws at its next frame: that much is waiting, and no work. */
const FRAME = 16;

/**
 * Measures how long news take from being taken in to being drawn, and gives the pause before the next. Many windows
 * in sight, a long list or a slow machine make one drawing take long: then less is drawn, and the machine has time
 * for what people do, and for builds.
 */
export class Pace {
  private took = 0;

  /** News are taken in now. */
  begin(): void {
    if (document.hidden) return;
    const begun = performance.now();
    requestAnimationFrame(() => {
      // The browser lays out and paints before the next task.
      setTimeout(() => {
        const took = Math.max(0, performance.now() - begun - FRAME);
        this.took = (this.took + took) / 2;
      });
    });
  }

  /** How many milliseconds to wait before the next, *shortest* at least. */
  pause(shortest: number): number {
    return Math.max(shortest, Math.min(this.took * PART, LONGEST));
  }
}
