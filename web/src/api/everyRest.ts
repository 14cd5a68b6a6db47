import { useQueries } from '@tanstack/react-query';
import { read } from './client';
import { restKey } from './hooks';

/** The answers of several paths, as far as they are there: for what somebody has chosen, not for every row of a list. */
export function useEveryRest<T>(paths: readonly string[]): readonly (T | undefined)[] {
  const answers = useQueries({
    queries: paths.map((path) => ({
      queryKey: restKey(path, {}),
      queryFn: ({ signal }: { signal: AbortSignal }) => read<T>(path, {}, signal),
    })),
  });
  return answers.map(({ data }) => data);
}
