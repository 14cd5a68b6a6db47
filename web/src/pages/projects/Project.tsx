import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Builder, Project } from '@/api/types';
import { sorted, type SortKey } from '@/domain/builderList';
import { Answered, Empty } from '@/parts/Answered';
import { Page } from '@/parts/Page';
import { BuilderTable } from '../builders/BuilderTable';
import { ForSelected } from '../builders/ForSelected';
import facts from '@/parts/Facts.module.css';
import { Description } from './Projects';

const route = getRouteApi('/projects/$projectid');

/** One project: its builders. */
export function ProjectPage() {
  const { projectid } = route.useParams();
  const search = route.useSearch();
  const ask = route.useNavigate();
  const navigate = useNavigate();
  useLive('builders/*/*', 'builds/*/*');
  const answer = useRest<{ projects: Project[] }>(`projects/${encodeURIComponent(projectid)}`, {}, { keep: false });
  const project = answer.data?.projects[0];
  const builders = useRest<{ builders: Builder[] }>(project ? 'builders' : null, { recent: 15, projectid: project?.projectid });
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const sort = (search.sort ?? 'name') as SortKey;
  return (
    <Page title={project?.name ?? 'Project'} meta={project && <Description project={project} />}>
      <Answered query={answer} what="this project">
        {() => (
          <Answered query={builders} what="its builders">
            {({ builders: all }) =>
              all.length === 0 ? (
                <Empty title="No builder belongs to it" />
              ) : (
                <>
                  {chosen.size > 0 && (
                    <div className={facts.tools}>
                      <ForSelected builders={all.filter((one) => chosen.has(one.builderid))} onClear={() => setChosen(new Set())} />
                    </div>
                  )}
                  <BuilderTable
                    groups={[{ name: null, builders: sorted(all, sort) }]}
                    sort={sort}
                    onSort={(by) => void ask({ search: { sort: by }, replace: true, resetScroll: false })}
                    chosen={chosen}
                    onChoose={setChosen}
                    onTag={(tag) => void navigate({ to: '/builders', search: { q: `tag:${tag}` } })}
                  />
                </>
              )
            }
          </Answered>
        )}
      </Answered>
    </Page>
  );
}
