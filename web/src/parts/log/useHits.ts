import { useState } from 'react';
import type { Log } from '@/api/types';
import { useLogSearch } from './questions';

export interface Hits {
  /** What is searched. */
  text: string;
  setText: (text: string) => void;
  /** The lines that match. */
  numbers: readonly number[];
  summary: string;
  error: string | undefined;
  /** To the next hit, or the one before. */
  go: (step: 1 | -1) => void;
}

/** The search in a log, and the hit that one is at; the first one is the next after line *from*. */
export function useHits(log: Log, find: string, length: number, from: number, onGo: (line: number) => void): Hits {
  const [text, setText] = useState(find);
  const [hit, setHit] = useState(-1);
  const { numbers, error, summary } = useLogSearch(log, text, length);
  return {
    text,
    setText: (changed) => {
      setText(changed);
      setHit(-1);
    },
    numbers,
    summary: summary(hit),
    error,
    go: (step) => {
      if (numbers.length === 0) return;
      const here = hit < 0 ? nearest(numbers, from) - (step > 0 ? 1 : 0) : hit;
      const next = (here + step + numbers.length) % numbers.length;
      setHit(next);
      onGo(numbers[next] ?? 0);
    },
  };
}

function nearest(sorted: readonly number[], line: number): number {
  const found = sorted.findIndex((one) => one >= line);
  return found < 0 ? sorted.length : found;
}
