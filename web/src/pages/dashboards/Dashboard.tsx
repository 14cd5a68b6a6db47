import { getRouteApi } from '@tanstack/react-router';
import { siteUrl } from '@/api/client';
import { useSite } from '@/api/hooks';
import { dashboardsIn } from '@/domain/dashboards';
import { Answered, Empty } from '@/parts/Answered';
import { Page } from '@/parts/Page';
import classes from './Dashboard.module.css';

const DASHBOARDS = 'plugins/wsgi_dashboards';
const route = getRouteApi('/dashboards/$dashboard');

/** A page that master.cfg adds: an application of its own, in a frame. */
export function DashboardPage() {
  const { dashboard } = route.useParams();
  const site = useSite();
  const found = dashboardsIn(site.data?.plugins).find((one) => one.name === dashboard);
  return (
    <Page title={found?.caption ?? dashboard}>
      <Answered query={site} what="this dashboard">
        {() =>
          found ? (
            // oxlint-disable-next-line react/iframe-missing-sandbox -- what master.cfg adds is the site's own
            <iframe
              className={classes.frame}
              title={found.caption}
              src={siteUrl(`${DASHBOARDS}/${encodeURIComponent(found.name)}/index.html`)}
              onLoad={({ currentTarget }) => currentTarget.contentDocument?.addEventListener('click', followed)}
            />
          ) : (
            <Empty title="There is no such dashboard">
              Dashboards are configured in <code>{"c['www']['plugins']['wsgi_dashboards']"}</code>.
            </Empty>
          )
        }
      </Answered>
    </Page>
  );
}

/** Links to pages of the site lead there, out of the frame: also those written for Buildbot, `#/builders/3`. */
function followed(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest<HTMLAnchorElement>('a[href]');
  const path = link?.getAttribute('href') ?? '';
  if (!link || link.target || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const to = path.startsWith('#/') ? siteUrl('') + path : link.href;
  if (!to.startsWith(siteUrl('')) || to.startsWith(siteUrl(DASHBOARDS)) || (path.startsWith('#') && !path.startsWith('#/'))) return;
  event.preventDefault();
  window.location.assign(to);
}
