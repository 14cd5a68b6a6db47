import { useMemo } from 'react';
import { useRest } from '@/api/hooks';
import type { Builder } from '@/api/types';
import { builderFacts, sorted } from '@/domain/builderList';
import { matches, parseFilter } from '@/domain/filter';

const NO_PROJECTS: ReadonlyMap<number, string> = new Map();

interface Project {
  projectid: number;
  name: string;
}

/** The configured builders that fit a filter, by name; and what completes the filter. With their newest builds if wanted. */
export function useBuilders(filter: string, withBuilds = false) {
  const needsStates = withBuilds || /(^|\s)-?(state|is)[:~]/.test(filter);
  const params = { order: 'name', ...(needsStates ? { recent: 5 } : {}) };
  const answer = useRest<{ builders: Builder[] }>('builders', params);
  const projects = useRest<{ projects: Project[] }>('projects');
  const names = useMemo(
    () =>
      projects.data ? new Map(projects.data.projects.map((one) => [one.projectid, one.name])) : NO_PROJECTS,
    [projects.data],
  );
  const all = useMemo(
    () => (answer.data?.builders ?? []).filter((builder) => builder.masterids.length > 0),
    [answer.data],
  );
  const shown = useMemo(() => {
    const conditions = parseFilter(filter);
    return sorted(all.filter((builder) => matches(conditions, builderFacts(builder, names))), 'name');
  }, [all, filter, names]);
  const completions = useMemo(
    () => ({
      tag: [...new Set(all.flatMap((builder) => builder.tags))].toSorted(),
      state: ['passed', 'warnings', 'failed', 'exception', 'running', 'waiting', 'cancelled', 'unknown'],
      project: [...names.values()],
      name: [],
    }),
    [all, names],
  );
  return { answer, params, all, shown, completions };
}
