/** What comes in bursts, taken together: at once where nothing came for a while, else a few times in a second. */

const PAUSE = 100;

export class Together<T> {
  private waiting: T[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private taken = Number.NEGATIVE_INFINITY;

  /** There are *pause()* milliseconds or more between two calls of *take*. */
  constructor(
    private readonly take: (all: readonly T[]) => void,
    private readonly pause: () => number = () => PAUSE,
  ) {}

  add(one: T): void {
    this.waiting.push(one);
    this.timer ??= setTimeout(() => this.hand(), Math.max(0, this.taken + this.pause() - Date.now()));
  }

  /** Forget what has not been taken. */
  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = [];
  }

  private hand(): void {
    this.timer = undefined;
    this.taken = Date.now();
    const all = this.waiting;
    this.waiting = [];
    this.take(all);
  }
}
