import { Button } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { counted } from '@/domain/durations';
import classes from './Calm.module.css';

/** Nearer to the top than this, in pixels, a reader has not begun to read. */
const TOP = 80;

interface Props<T> {
  /** The newest rows, as the last answer has them. */
  rows: readonly T[];
  keyOf: (row: T) => number;
  /** What the rows are a part of: with another one, all of it is shown at once. */
  list?: string;
  /** One of the rows, in a word: "change". */
  noun: string;
  children: (shown: readonly T[]) => ReactNode;
}

/**
 * Rows that move for nobody who reads: new ones join them at once at the top of the page, else they wait behind a
 * button that says how many there are. What changes in a row that is shown, is shown at once.
 */
export function Calm<T>({ rows, keyOf, list = '', noun, children }: Props<T>) {
  const [held, setHeld] = useState({ list, rows });
  const isHeld = held.list === list;
  useEffect(() => {
    const isReading = isHeld && held.rows.length > 0 && window.scrollY > TOP;
    if (!isReading) setHeld({ list, rows });
    // Only answers and other lists: what is held does not change by itself.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [rows, list]);
  const fresh = new Map(rows.map((row) => [keyOf(row), row]));
  const shown = isHeld ? held.rows.map((row) => fresh.get(keyOf(row)) ?? row) : rows;
  const known = new Set(shown.map(keyOf));
  const waiting = rows.filter((row) => !known.has(keyOf(row))).length;
  const show = () => {
    setHeld({ list, rows });
    window.scrollTo({ top: 0 });
  };
  return (
    <>
      {waiting > 0 && (
        <div className={classes.pill}>
          <Button radius="xl" onClick={show}>
            {counted(waiting, `new ${noun}`)}
          </Button>
        </div>
      )}
      {children(shown)}
    </>
  );
}
