/** Questions that the master answers a few at a time (searches in logs): the others wait here. */

const AT_ONCE = 2;
const waiting: (() => void)[] = [];
let running = 0;

/** Do the work when fewer than two others are under way. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((begin) => waiting.push(begin));
  else running += 1;
  try {
    return await work();
  } finally {
    // The place is handed on: nobody else takes it in between.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
