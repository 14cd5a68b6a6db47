import { Link } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Build, Builder } from '@/api/types';

interface Props {
  builder: string;
  number: string;
}

/** What there is instead of a build that does not exist: its builder, and the newest build of that. */
export function NoSuchBuild({ builder, number }: Props) {
  const path = `builders/${encodeURIComponent(builder)}`;
  const builders = useRest<{ builders: Builder[] }>(path);
  const builds = useRest<{ builds: Build[] }>(`${path}/builds`, { order: '-number', limit: 1, field: ['number', 'builderid'] });
  const found = builders.data?.builders[0];
  const newest = builds.data?.builds[0];
  if (builders.isError) return <>There is no such builder, or you may not see it.</>;
  if (!found) return null;
  return (
    <>
      <Link to="/builders/$builder" params={{ builder }} className="sentence-link">
        {found.name}
      </Link>{' '}
      has no build #{number}
      {newest ? (
        <>
          {newest.number > Number(number) ? '; it may have been deleted' : ''}. Its newest is{' '}
          <Link to="/builders/$builder/builds/$number" params={{ builder, number: String(newest.number) }} className="sentence-link">
            #{newest.number}
          </Link>
          .
        </>
      ) : (
        builds.data && ': it has not built anything yet.'
      )}
    </>
  );
}
