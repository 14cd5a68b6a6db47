import { Navigate, getRouteApi } from '@tanstack/react-router';
import { useRest } from '@/api/hooks';
import type { Build } from '@/api/types';
import { Answered } from '@/parts/Answered';
import { Page } from '@/parts/Page';

const route = getRouteApi('/builds/$buildid');

/** `/builds/17` leads to the build's page. */
export function BuildById() {
  const { buildid } = route.useParams();
  const build = useRest<{ builds: Build[] }>(`builds/${buildid}`, {}, { keep: false });
  return (
    <Page title={`Build ${buildid}`}>
      <Answered query={build} what="this build">
        {({ builds: [found] }) =>
          found && (
            <Navigate
              to="/builders/$builder/builds/$number"
              params={{ builder: String(found.builderid), number: String(found.number) }}
              replace
            />
          )
        }
      </Answered>
    </Page>
  );
}
