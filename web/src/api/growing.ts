/** Long lists that live events add to: fetched once, never again for a row that came. */

import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect } from 'react';
import { read, type Params } from './client';
import { client, live, pace, useLive } from './hooks';
import { idField, kindOf } from './rows';
import { Together } from './together';

type Row = Record<string, unknown>;
export interface Grown<T> {
  rows: T[];
  /** How many there are on the server, which may be more than were asked for. */
  total: number;
}

/** Rows of many events are taken together: so many milliseconds. */
const PAUSE = 250;

/** The rows with those of *news* replaced or added in front; *news* are in the order of their events. */
export function withNews<T extends object>(rows: readonly T[], news: readonly T[], field: string): T[] {
  const changed = new Map<unknown, T>();
  for (const row of news) changed.set((row as Row)[field], row);
  const found = rows.map((row) => {
    const other = changed.get((row as Row)[field]);
    if (other === undefined) return row;
    changed.delete((row as Row)[field]);
    return { ...row, ...other };
  });
  return changed.size === 0 ? found : [...[...changed.values()].toReversed(), ...found];
}

/**
 * An answer of `GET /api/v2/KIND`, newest first, in which live events replace and add rows.
 * Events carry whole rows; *accepts* says which of them belong into this list. Not asked for while
 * *params* is null.
 */
export function useGrowing<T extends object>(
  kind: string,
  params: Params | null,
  accepts: (row: T) => boolean,
): UseQueryResult<Grown<T>, Error> {
  useLive(params === null ? null : `${kind}/*/*`);
  const key = JSON.stringify(params);
  const answer = useQuery({
    queryKey: ['grown', kind, key],
    queryFn: async ({ signal }): Promise<Grown<T>> => {
      const found = await read<Record<string, T[]> & { meta: { total: number } }>(kind, params ?? {}, signal);
      return { rows: found[kind] ?? [], total: found.meta.total };
    },
    enabled: params !== null,
    placeholderData: keepPreviousData,
  });
  useEffect(() => {
    if (key === 'null') return undefined;
    const field = idField(kind) ?? '';
    const news = new Together<T>((taken) => {
      client.setQueryData<Grown<T>>(
        ['grown', kind, key],
        (before) => before && { ...before, rows: withNews(before.rows, taken, field) },
      );
    }, () => pace.pause(PAUSE));
    const end = live.listen(({ key: event, message }) => {
      if (kindOf(event) !== kind || !accepts(message as T)) return;
      news.add(message as T);
    });
    return () => {
      end();
      news.end();
    };
    // oxlint-disable-next-line exhaustive-deps -- what is accepted follows from the parameters
  }, [kind, key]);
  return answer;
}
