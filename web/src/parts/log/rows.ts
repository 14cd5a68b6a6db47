/** Which rows of a very long list are drawn: those in sight and a few around them, wherever one scrolls. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, type RefObject } from 'react';
import { flushSync } from 'react-dom';
import { Heights } from '@/domain/heights';

/** Rows above and below what is in sight. */
const AROUND = 20;
/** Until the height of the box is known. */
const LIKELY_HEIGHT = 560;

export type Align = 'start' | 'center' | 'end';

interface Target {
  row: number;
  align: Align;
}

interface Options {
  box: RefObject<HTMLElement | null>;
  count: number;
  /** The height of a row, unless it is found to have another. */
  usual: number;
  /** Another list: nothing is known of its rows. */
  list: string;
  /** Where it opens. */
  opensAt?: Target | undefined;
}

export interface Rows {
  /** The rows to draw. */
  first: number;
  last: number;
  /** The rows in sight. */
  from: number;
  to: number;
  /** The height of all rows. */
  total: number;
  start: (row: number) => number;
  scrollTo: (row: number, align: Align) => void;
  /** A row's element, which has its number in `data-index`. */
  row: (element: HTMLElement | null) => (() => void) | undefined;
}

/**
 * Rows of a list in a box that scrolls. It costs the same for ten rows and for a million; rows that are higher
 * than most (wrapped lines) are measured when they are drawn.
 */
export function useRows({ box, count, usual, list, opensAt }: Options): Rows {
  const [, again] = useReducer((times: number) => times + 1, 0);
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- another list is another list
  const heights = useMemo(() => new Heights(usual), [usual, list]);
  const view = useRef({ top: 0, height: LIKELY_HEIGHT, target: opensAt ?? null });
  const total = heights.start(count);
  const { current: seen } = view;
  if (seen.target) seen.top = topOf(seen.target, heights, total, seen.height);
  const from = heights.rowAt(seen.top, count);
  const to = heights.rowAt(seen.top + seen.height - 1, count);
  const drawn = useRef({ from, to });
  drawn.current = { from, to };
  const known = useRef({ heights, count });
  known.current = { heights, count };

  useLayoutEffect(() => {
    // A row that was asked for stays where it was asked for while others become higher, until somebody scrolls.
    if (seen.target && box.current) box.current.scrollTop = seen.top;
  });

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const scrolled = () => {
      const top = element.scrollTop;
      if (Math.abs(top - seen.top) > 2) seen.target = null;
      if (!seen.target) seen.top = top;
      const now = known.current;
      const begin = now.heights.rowAt(seen.top, now.count);
      const end = now.heights.rowAt(seen.top + seen.height - 1, now.count);
      if (begin !== drawn.current.from || end !== drawn.current.to) flushSync(again);
    };
    const sized = new ResizeObserver(([entry]) => {
      const height = entry?.contentRect.height ?? 0;
      if (height === 0 || height === seen.height) return;
      seen.height = height;
      again();
    });
    element.addEventListener('scroll', scrolled, { passive: true });
    sized.observe(element);
    return () => {
      element.removeEventListener('scroll', scrolled);
      sized.disconnect();
    };
  }, [box, seen]);

  const rowSizes = useMemo(
    () =>
      new ResizeObserver((entries) => {
        let above = 0;
        let isOther = false;
        for (const { target, borderBoxSize } of entries) {
          const row = Number((target as HTMLElement).dataset.index);
          const size = borderBoxSize[0]?.blockSize ?? 0;
          if (size === 0 || !target.isConnected) continue;
          const more = heights.measured(row, size);
          if (more !== 0) isOther = true;
          if (row < drawn.current.from) above += more;
        }
        if (!isOther) return;
        // What is read stays where it is when rows above it turn out to be higher.
        if (!seen.target && above !== 0 && box.current) {
          seen.top += above;
          flushSync(again);
          box.current.scrollTop = seen.top;
        } else again();
      }),
    [heights, seen, box],
  );
  useEffect(() => () => rowSizes.disconnect(), [rowSizes]);

  const scrollTo = useCallback(
    (row: number, align: Align) => {
      seen.target = { row, align };
      again();
    },
    [seen],
  );
  const row = useCallback(
    (element: HTMLElement | null) => {
      if (!element) return undefined;
      rowSizes.observe(element);
      return () => rowSizes.unobserve(element);
    },
    [rowSizes],
  );
  const start = useCallback((index: number) => heights.start(index), [heights]);
  return {
    first: Math.max(0, from - AROUND),
    last: Math.min(count - 1, to + AROUND),
    from,
    to,
    total,
    start,
    scrollTo,
    row,
  };
}

function topOf({ row, align }: Target, heights: Heights, total: number, height: number): number {
  const start = heights.start(row);
  const end = heights.start(row + 1);
  const top = { start, center: (start + end - height) / 2, end: end - height }[align];
  return Math.max(0, Math.min(top, total - height));
}
