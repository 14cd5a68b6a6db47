import { Button, NumberInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { count } from '@/domain/durations';
import classes from './LogView.module.css';

/** Browsers draw no boxes higher than about 17 million pixels: longer logs are shown in parts. */
export const WINDOW = 700_000;

interface WhereaboutsProps {
  from: number;
  to: number;
  length: number;
  onGo: (line: number) => void;
}

/** Which lines of a very long log are in sight, and the way to any other. */
export function Whereabouts({ from, to, length, onGo }: WhereaboutsProps) {
  const [line, setLine] = useState<number | string>('');
  return (
    <form
      className={classes.parts}
      onSubmit={(event) => {
        event.preventDefault();
        if (typeof line === 'number') onGo(Math.min(Math.max(line, 1), length) - 1);
      }}
    >
      <span className={classes.range}>
        Lines {count(from + 1)}–{count(to + 1)} of {count(length)}
      </span>
      <Button variant="default" size="compact-xs" onClick={() => onGo(0)}>
        Start
      </Button>
      <Button variant="default" size="compact-xs" onClick={() => onGo(length - 1)}>
        End
      </Button>
      <NumberInput
        size="xs"
        w={130}
        hideControls
        allowDecimal={false}
        allowNegative={false}
        thousandSeparator=","
        placeholder="Go to line"
        aria-label="Go to line"
        value={line}
        onChange={setLine}
      />
    </form>
  );
}

interface MarksProps {
  length: number;
  /** Lines at the beginning that are folded. */
  start: number;
  from: number;
  to: number;
  hits: readonly number[];
  error: number | undefined;
  onChoose: (line: number) => void;
}

/** The whole log as a bar: where one is, where the hits are. A click goes there. */
export function Marks({ length, start, from, to, hits, error, onChoose }: MarksProps) {
  const shown = Math.max(1, length - start);
  const places = useMemo(() => {
    const found = new Set<number>();
    for (const line of hits) found.add(Math.round((Math.max(0, line - start) / shown) * 400));
    return [...found];
  }, [hits, start, shown]);
  // All that there is can be seen.
  if (to - from + 1 >= shown) return null;
  const percent = (line: number) => `${(Math.max(0, line - start) / shown) * 100}%`;
  return (
    <div
      className={classes.marks}
      aria-hidden
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        onChoose(Math.floor(((event.clientY - box.top) / box.height) * shown) + start);
      }}
    >
      <em style={{ top: percent(from), height: `max(14px, ${((to - from) / shown) * 100}%)` }} />
      {places.map((place) => (
        <u key={place} style={{ top: `${place / 4}%` }} />
      ))}
      {error !== undefined && <b style={{ top: percent(error) }} />}
    </div>
  );
}
