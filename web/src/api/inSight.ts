/** What rows in sight ask for, one question for all of them. */

import { inTurn } from './inTurn';

/** Rows that come into sight within so many milliseconds are asked about together. */
const TOGETHER = 40;

interface Waiting<T> {
  signal: AbortSignal | undefined;
  tell: (found: T | null) => void;
  fail: (error: unknown) => void;
}

/** Collects identifiers, and asks for all of them together; those that are out of sight again are left out. */
export class InSight<T> {
  private waiting = new Map<number, Waiting<T>[]>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly ask: (ids: number[]) => Promise<ReadonlyMap<number, T>>;
  private readonly most: number;

  /** *ask* gets at most *most* identifiers at once. */
  constructor(ask: (ids: number[]) => Promise<ReadonlyMap<number, T>>, most: number) {
    this.ask = ask;
    this.most = most;
  }

  /** What there is about *id*; null if nothing. */
  about(id: number, signal?: AbortSignal): Promise<T | null> {
    return new Promise((tell, fail) => {
      const others = this.waiting.get(id);
      const one = { signal, tell, fail };
      if (others) others.push(one);
      else this.waiting.set(id, [one]);
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        void inTurn(() => this.flush());
      }, TOGETHER);
    });
  }

  private async flush(): Promise<void> {
    // Those that came into sight last are looked at now.
    const asked: [number, Waiting<T>[]][] = [];
    for (const [id, waiting] of [...this.waiting].toReversed()) {
      const seen = waiting.filter(({ signal }) => !signal?.aborted);
      if (seen.length > 0 && asked.length === this.most) continue;
      this.waiting.delete(id);
      if (seen.length > 0) asked.push([id, seen]);
    }
    if (asked.length === 0) return;
    try {
      const found = await this.ask(asked.map(([id]) => id).sort((one, other) => one - other));
      for (const [id, waiting] of asked) for (const one of waiting) one.tell(found.get(id) ?? null);
    } catch (error) {
      for (const [, waiting] of asked) for (const one of waiting) one.fail(error);
    }
    if (this.waiting.size > 0) await this.flush();
  }
}
