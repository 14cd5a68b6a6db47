/** What a log's view asks the master: its first error, and the lines that match a search. */

import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ApiError, atHand, read } from '@/api/client';
import type { Log } from '@/api/types';
import { count } from '@/domain/durations';

export interface FirstError {
  logid: number;
  line: number;
  text: string;
  rule: string;
}

interface FirstErrors {
  first_errors: FirstError[];
}

export function useFirstError(log: Log, isWanted: boolean): FirstError | undefined {
  const { data } = useQuery({
    queryKey: ['first_error', log.logid, log.complete],
    queryFn: ({ signal }) =>
      read<FirstErrors>(`logs/${log.logid}/first_error`, {}, signal),
    initialData: () => (log.complete && isWanted ? atHand<FirstErrors>(`logs/${log.logid}/first_error`) : undefined),
    enabled: log.complete && isWanted,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return data?.first_errors[0];
}

interface Found {
  numbers: readonly number[];
  error: string | undefined;
  summary: (hit: number) => string;
}

/** Search on the server: line numbers of all hits, for the marks and the arrows. */
export function useLogSearch(log: Log, text: string, length: number): Found {
  const [asked] = useDebouncedValue(text, 200);
  const pattern = /^\/(.+)\/$/.exec(asked);
  const { data, error, isFetching } = useQuery({
    queryKey: ['log_search', log.logid, asked, log.complete ? 0 : Math.floor(length / 200)],
    queryFn: ({ signal }) =>
      read<{ lines: number[]; meta: { total: number; is_complete: boolean } }>(
        `logs/${log.logid}/search`,
        { ...(pattern ? { regex: pattern[1] } : { text: asked }), lines: 1, limit: 10_000 },
        signal,
      ),
    enabled: asked.length > 0,
    placeholderData: (previous) => (asked === '' ? undefined : previous),
    retry: false,
  });
  const numbers = useMemo(() => (asked === '' ? [] : (data?.lines ?? [])), [data, asked]);
  return {
    numbers,
    error: error && asked !== '' ? (error instanceof ApiError ? error.message : String(error)) : undefined,
    summary: (hit) => {
      if (asked === '') return '';
      if (!data) return isFetching ? 'searching …' : '';
      const total = data.meta.total;
      if (total === 0) return data.meta.is_complete ? 'no hits' : 'no hits so far: time limit';
      const place = hit >= 0 ? `${count(hit + 1)} of ` : '';
      return `${place}${count(total)}${data.meta.is_complete ? '' : '+'}`;
    },
  };
}
