import { Link } from '@tanstack/react-router';
import { useLive, useRest } from '@/api/hooks';
import type { Builder, Project } from '@/api/types';
import { count } from '@/domain/durations';
import { Answered, Empty } from '@/parts/Answered';
import { Page } from '@/parts/Page';
import { RowTable, type Column } from '@/parts/RowTable';
import facts from '@/parts/Facts.module.css';

interface Row {
  project: Project;
  builders: number;
}

/** Projects: what builders are for. */
export function Projects() {
  useLive('builders/*/*');
  const answer = useRest<{ projects: Project[] }>('projects', { order: 'name' });
  const builders = useRest<{ builders: Builder[] }>('builders', { field: ['builderid', 'projectid'] });
  return (
    <Page title="Projects">
      <Answered query={answer} what="the projects">
        {({ projects }) =>
          projects.length === 0 ? (
            <Empty title="No project is configured">
              Projects group builders: <code>c['projects']</code>, and <code>project=</code> of a builder.
            </Empty>
          ) : (
            <RowTable
              label="Projects"
              rows={projects.map((project) => ({
                project,
                builders: (builders.data?.builders ?? []).filter((one) => one.projectid === project.projectid).length,
              }))}
              columns={COLUMNS}
              keyOf={(row) => row.project.projectid}
              addressOf={(row) => `/projects/${row.project.projectid}`}
            />
          )
        }
      </Answered>
    </Page>
  );
}

const COLUMNS: readonly Column<Row>[] = [
  {
    name: 'Name',
    width: 'minmax(160px, 1fr)',
    phone: 'line',
    cell: ({ project }) => (
      <Link to="/projects/$projectid" params={{ projectid: String(project.projectid) }}>
        <b style={{ fontWeight: 550 }}>{project.name}</b>
      </Link>
    ),
  },
  { name: 'Builders', width: '80px', isNumber: true, cell: ({ builders }) => count(builders) },
  { name: 'Description', width: 'minmax(200px, 2fr)', phone: 'line', cell: ({ project }) => <Description project={project} /> },
];

/** Rendered by the master, which lets only harmless HTML through; else the text. */
export function Description({ project }: { project: Project }) {
  if (project.description_html) return <div className={`dim ${facts.prose}`} dangerouslySetInnerHTML={{ __html: project.description_html }} />;
  return project.description ? <span className="dim">{project.description}</span> : null;
}
