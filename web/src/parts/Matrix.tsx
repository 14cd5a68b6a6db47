import { Link, useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState, type CSSProperties, type ReactNode, type RefObject } from 'react';
import { useKeys } from '@/app/shortcuts';
import type { Cell } from '@/domain/built';
import { StateMark } from './StateMark';
import classes from './Matrix.module.css';

export interface MatrixRow {
  key: string;
  head: ReactNode;
  /** A heading in front of the row, where a group begins. */
  group?: string;
}

export interface MatrixColumn {
  key: string;
  /** What stands above the column, upright. */
  head: ReactNode;
  title: string;
}

interface Props {
  label: string;
  corner: ReactNode;
  rows: readonly MatrixRow[];
  groups: readonly { label: string; columns: readonly MatrixColumn[] }[];
  cell: (row: number, column: number) => Cell | null;
  rowHeight?: number;
  /** The height of the heads of columns, in pixels. */
  headHeight?: number;
}

const WIDTH = 30;
/** Free space in front of each group of columns. */
const GAP = 14;

/**
 * A table of marks, virtual both ways: heads stay in sight. Arrows (or h j k l) move through the
 * cells, Enter opens one.
 */
export function Matrix({ label, corner, rows, groups, cell, rowHeight = 44, headHeight = 204 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const { columns, spans } = useMemo(() => laidOut(groups), [groups]);
  const across = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => WIDTH + (columns[index]?.isFirst ? GAP : 0),
    overscan: 8,
  });
  const down = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => rowHeight + (rows[index]?.group === undefined ? 0 : 30),
    overscan: 8,
  });
  useEffect(() => across.measure(), [across, columns]);
  useEffect(() => down.measure(), [down, rows]);
  const [at, setAt] = useState<{ row: number; column: number } | null>(null);
  const move = (rowStep: number, columnStep: number) => {
    const next = {
      row: Math.min(Math.max((at?.row ?? (rowStep ? -1 : 0)) + rowStep, 0), rows.length - 1),
      column: Math.min(Math.max((at?.column ?? (columnStep ? -1 : 0)) + columnStep, 0), columns.length - 1),
    };
    setAt(next);
    down.scrollToIndex(next.row, { align: 'auto' });
    across.scrollToIndex(next.column, { align: 'auto' });
  };
  const open = (event: { target: EventTarget | null }) => {
    const focused = event.target instanceof HTMLElement ? event.target.closest('a, button') : null;
    const found = at && cell(at.row, at.column);
    if (focused instanceof HTMLElement) focused.click();
    else if (found) void navigate({ to: found.to });
  };
  useKeys({ j: () => move(1, 0), k: () => move(-1, 0), l: () => move(0, 1), h: () => move(0, -1), Enter: open });
  useArrows(box, move);
  // Nothing stands above them: they may be longer.
  const lonely = useMemo(() => new Set(spans.flatMap((span) => (span.from === span.to ? [span.from] : []))), [spans]);
  const [hasMore, setHasMore] = useState(false);
  useEffect(() => {
    const place = box.current;
    if (!place) return undefined;
    const look = () => setHasMore(place.scrollLeft + place.clientWidth < place.scrollWidth - 24);
    look();
    place.addEventListener('scroll', look, { passive: true });
    window.addEventListener('resize', look);
    return () => {
      place.removeEventListener('scroll', look);
      window.removeEventListener('resize', look);
    };
  }, [columns]);
  const shown = across.getVirtualItems();
  const first = shown[0]?.index ?? 0;
  const last = shown.at(-1)?.index ?? -1;
  return (
    <div className={classes.frame} data-more={hasMore || undefined}>
      <div
        ref={box}
        className={classes.box}
        role="region"
        aria-label={label}
        tabIndex={0}
      >
        <div
          role="table"
          aria-label={label}
          aria-rowcount={rows.length + 1}
          aria-colcount={columns.length + 1}
          className={classes.table}
          style={{ '--across': `${across.getTotalSize()}px`, '--heads': `${headHeight}px` } as CSSProperties}
        >
          <div role="row" className={classes.header}>
            <div role="columnheader" className={classes.corner}>
              {corner}
            </div>
            <div className={classes.heads} role="presentation">
              {spans.map((span) => {
                // Over one column there is no room for words: what they say has to be in its head.
                if (span.to < first || span.from > last || span.to === span.from) return null;
                const start = offset(columns, span.from) + GAP;
                const end = offset(columns, span.to + 1);
                return (
                  <span key={`${span.label} ${span.from}`} className={classes.group} style={{ left: start, width: end - start }}>
                    <span title={span.label}>{span.label}</span>
                  </span>
                );
              })}
              {shown.map((item) => {
                const column = columns[item.index];
                return (
                  column && (
                    <span
                      key={column.key}
                      role="columnheader"
                      title={column.title}
                      className={classes.head}
                      data-here={at?.column === item.index || undefined}
                      data-alone={lonely.has(item.index) || undefined}
                      style={{ left: item.start + (column.isFirst ? GAP : 0) }}
                    >
                      <span>{column.head}</span>
                    </span>
                  )
                );
              })}
            </div>
          </div>
          <div role="rowgroup" style={{ height: down.getTotalSize(), position: 'relative' }}>
            {down.getVirtualItems().map((line) => {
              const row = rows[line.index];
              if (!row) return null;
              return (
                <div key={row.key} role="presentation" className={classes.place} style={{ transform: `translateY(${line.start}px)` }}>
                  {row.group !== undefined && <div className={classes.rowGroup}>{row.group}</div>}
                  <div role="row" className={classes.row} style={{ height: rowHeight }} data-here={at?.row === line.index || undefined}>
                    <div role="rowheader" className={classes.rowHead}>
                      {row.head}
                    </div>
                    <div role="presentation" className={classes.cells}>
                      {shown.map((item) => {
                        const column = columns[item.index];
                        const found = column && cell(line.index, item.index);
                        if (!column || !found) return null;
                        return (
                          <span
                            key={column.key}
                            role="cell"
                            className={classes.cell}
                            style={{ left: item.start + (column.isFirst ? GAP : 0) }}
                            data-state={found.state}
                            data-cursor={(at?.row === line.index && at.column === item.index) || undefined}
                          >
                            <Link to={found.to} title={found.title} aria-label={found.title} tabIndex={-1}>
                              <StateMark state={found.state} size={17} hidden />
                              {found.more > 0 && <sup>{found.more + 1}</sup>}
                            </Link>
                          </span>
                        );
                      })}
                      {at?.row === line.index && !cell(line.index, at.column) && at.column >= first && at.column <= last && (
                        <span
                          className={classes.cell}
                          data-cursor
                          style={{ left: offset(columns, at.column) + (columns[at.column]?.isFirst ? GAP : 0) }}
                        />
                      )}
                    </div>
                  </div>
                </div>
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

/** Arrows move through the cells while the focus is inside; elsewhere they scroll the page. */
function useArrows(box: RefObject<HTMLDivElement | null>, move: (rows: number, columns: number) => void): void {
  const current = useRef(move);
  current.current = move;
  useEffect(() => {
    const place = box.current;
    const pressed = (event: KeyboardEvent) => {
      const step = ARROWS[event.key];
      if (!step || event.defaultPrevented) return;
      event.preventDefault();
      current.current(...step);
    };
    place?.addEventListener('keydown', pressed);
    return () => place?.removeEventListener('keydown', pressed);
  }, [box]);
}

interface Placed extends MatrixColumn {
  /** The first of its group. */
  isFirst: boolean;
}

function laidOut(groups: Props['groups']): { columns: Placed[]; spans: { label: string; from: number; to: number }[] } {
  const columns: Placed[] = [];
  const spans: { label: string; from: number; to: number }[] = [];
  for (const group of groups) {
    if (group.columns.length === 0) continue;
    spans.push({ label: group.label, from: columns.length, to: columns.length + group.columns.length - 1 });
    group.columns.forEach((column, index) => columns.push({ ...column, isFirst: index === 0 }));
  }
  return { columns, spans };
}

/** Where a column begins, its gap included. */
function offset(columns: readonly Placed[], index: number): number {
  let gaps = 0;
  for (let place = 0; place < index; place += 1) if (columns[place]?.isFirst) gaps += 1;
  return index * WIDTH + gaps * GAP;
}
