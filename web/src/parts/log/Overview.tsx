import { SegmentedControl } from '@mantine/core';
import { useMemo } from 'react';
import { count } from '@/domain/durations';
import classes from './LogView.module.css';

/** Browsers draw no boxes higher than about 17 million pixels: longer logs are shown in parts. */
export const WINDOW = 700_000;

interface PartsProps {
  length: number;
  first: number;
  onChoose: (line: number) => void;
}

/** Which part of a very long log is shown. */
export function Parts({ length, first, onChoose }: PartsProps) {
  const size = WINDOW / 2;
  const parts = Array.from({ length: Math.ceil(length / size) }, (_, index) => index * size);
  const here = parts.findLast((start) => start <= first + WINDOW / 4) ?? 0;
  return (
    <div className={classes.parts}>
      <span className="dim">Lines</span>
      <SegmentedControl
        size="xs"
        value={String(here)}
        onChange={(value) => onChoose(Number(value))}
        data={parts.map((start) => ({ value: String(start), label: `${count(start + 1)} …` }))}
      />
    </div>
  );
}

interface MarksProps {
  length: number;
  from: number;
  to: number;
  hits: readonly number[];
  error: number | undefined;
  onChoose: (line: number) => void;
}

/** The whole log as a bar: where one is, where the hits are. A click goes there. */
export function Marks({ length, from, to, hits, error, onChoose }: MarksProps) {
  const places = useMemo(() => {
    const found = new Set<number>();
    for (const line of hits) found.add(Math.round((line / Math.max(1, length)) * 400));
    return [...found];
  }, [hits, length]);
  if (length === 0) return null;
  const percent = (line: number) => `${(line / length) * 100}%`;
  return (
    <div
      className={classes.marks}
      aria-hidden
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        onChoose(Math.floor(((event.clientY - box.top) / box.height) * length));
      }}
    >
      {to - from + 1 < length && <em style={{ top: percent(from), height: `max(14px, ${((to - from) / length) * 100}%)` }} />}
      {places.map((place) => (
        <u key={place} style={{ top: `${place / 4}%` }} />
      ))}
      {error !== undefined && <b style={{ top: percent(error) }} />}
    </div>
  );
}
