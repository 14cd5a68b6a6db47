import { useNavigate } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { useKeys } from '@/app/shortcuts';
import { SortHead } from './SortHead';
import classes from './RowTable.module.css';

export interface Column<T> {
  name: string;
  /** A track of a CSS grid: `80px`, `minmax(120px, 1fr)`. */
  width: string;
  cell: (row: T) => ReactNode;
  isNumber?: boolean;
  /** Its order, where the list can be sorted by it. */
  by?: string;
  /** Its first order has the largest first. */
  isFalling?: boolean;
  /** On phones: `line` takes a line of its own, `hidden` is left out. */
  phone?: 'line' | 'hidden';
}

interface Props<T> {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  keyOf: (row: T) => string | number;
  /** The address of a row's own page: `j` and `k` move, Enter opens. */
  addressOf?: (row: T) => string;
  sort?: string;
  onSort?: (sort: string) => void;
}

/** Rows of which only the visible ones are drawn; on phones, their columns fold. */
export function RowTable<T>({ label, rows, columns, keyOf, addressOf, sort, onSort }: Props<T>) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => 40,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (index) => keyOf(rows[index] as T),
  });
  const [cursor, setCursor] = useState(-1);
  const navigate = useNavigate();
  const move = (step: number) => {
    const next = Math.max(0, Math.min(cursor + step, rows.length - 1));
    setCursor(next);
    virtual.scrollToIndex(next, { align: 'auto' });
  };
  useKeys(
    addressOf
      ? {
          j: () => move(1),
          k: () => move(-1),
          Enter: () => {
            const row = rows[cursor];
            if (row !== undefined) void navigate({ to: addressOf(row) });
          },
        }
      : {},
  );
  const grid = { gridTemplateColumns: columns.map((column) => column.width).join(' ') };
  return (
    <div role="table" aria-label={label} aria-rowcount={rows.length + 1}>
      <div role="rowgroup" className={classes.head}>
        <div role="row" className={classes.header} style={grid}>
          {columns.map((column) =>
            column.by && sort && onSort ? (
              <SortHead
                key={column.name}
                name={column.name}
                by={column.by}
                sort={sort}
                onSort={onSort}
                isFalling={column.isFalling}
                kind={column.isNumber ? 'number' : undefined}
              />
            ) : (
              <span key={column.name} role="columnheader" data-number={column.isNumber || undefined}>
                {column.name}
              </span>
            ),
          )}
        </div>
      </div>
      <div ref={list} role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index] as T;
          return (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              role="presentation"
              className={classes.place}
              style={{ transform: `translateY(${item.start - top}px)` }}
            >
              <div
                role="row"
                aria-rowindex={item.index + 2}
                className={classes.row}
                data-cursor={item.index === cursor || undefined}
                style={grid}
              >
                {columns.map((column) => (
                  <div
                    key={column.name}
                    role="cell"
                    className={classes.cell}
                    data-number={column.isNumber || undefined}
                    data-name={column.name}
                    data-phone={column.phone}
                  >
                    {column.cell(row)}
                  </div>
                ))}
              </div>
            </div>
          );
        })}
      </div>
    </div>
  );
}
