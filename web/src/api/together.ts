/** What comes in bursts, taken together: at once where nothing came for a while, else a few times in a second. */

const PAUSE = 100;

export class Together<T> {
  private waiting: T[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private taken = Number.NEGATIVE_INFINITY;

  constructor(private readonly take: (all: readonly T[]) => void) {}

  add(one: T): void {
    this.waiting.push(one);
    this.timer ??= setTimeout(() => this.hand(), Math.max(0, this.taken + PAUSE - Date.now()));
  }

  private hand(): void {
    this.timer = undefined;
    this.taken = Date.now();
    const all = this.waiting;
    this.waiting = [];
    this.take(all);
  }
}
