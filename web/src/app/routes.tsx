/** Every page by its address; each but the frame is loaded when it is first opened. */

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { siteRoot } from '@/api/client';
import { ahead } from '@/api/hooks';
import type { Grouping } from '@/domain/builderList';
import type { PendingOrder } from '@/domain/pending';
import { BrokenPage } from './BrokenPage';
import { Frame } from './Frame';
import { NotFound } from './NotFound';
import { PAGES, type PageOf } from './pages';

const root = createRootRoute({
  component: Frame,
  notFoundComponent: NotFound,
});

type Search = Record<string, unknown>;
const text = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
const number = (value: unknown): number | undefined => {
  const found = Number(value);
  return value !== undefined && value !== '' && Number.isFinite(found) ? found : undefined;
};

const flag = (value: unknown): true | undefined => (value === true || value === 'true' ? true : undefined);

interface Entry {
  cause: string;
  params: object;
  location: { search: object };
}

/**
 * Ask for a page's data while its code is fetched. Not when a link is only pointed at, nor when the
 * search changes on the same page.
 */
function ask(path: keyof typeof PAGES, { cause, params, location }: Entry): void {
  const page: PageOf = PAGES[path];
  if (cause === 'enter') void page.ask?.(ahead, params as Record<string, string>, location.search);
}

export interface BuildersSearch {
  /** The filter. */
  q?: string;
  group?: Grouping;
  sort?: string;
}

export interface BuilderSearch {
  tab?: 'builds' | 'pending' | 'workers' | 'configuration';
  /** The name of the force scheduler whose form is open; empty: the first. */
  force?: string;
  before?: number;
}

export interface AuditSearch {
  kind?: string;
  user?: string;
  action?: string;
  refused?: true;
  before?: number;
}

export interface BuildSearch {
  step?: number;
  log?: string;
  line?: number;
  to?: number;
  tab?: string;
  find?: string;
}

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  loader: (entry) => ask('/', entry),
  component: lazyRouteComponent(PAGES['/'].load, 'Home'),
});

const builders = createRoute({
  getParentRoute: () => root,
  path: '/builders',
  validateSearch: (search: Search): BuildersSearch => ({
    q: text(search.q),
    group: text(search.group) as BuildersSearch['group'],
    sort: text(search.sort),
  }),
  loader: (entry) => ask('/builders', entry),
  component: lazyRouteComponent(PAGES['/builders'].load, 'Builders'),
});

const builder = createRoute({
  getParentRoute: () => root,
  path: '/builders/$builder',
  validateSearch: (search: Search): BuilderSearch => ({
    tab: text(search.tab) as BuilderSearch['tab'],
    force: text(search.force),
    before: number(search.before),
  }),
  loader: (entry) => ask('/builders/$builder', entry),
  component: lazyRouteComponent(PAGES['/builders/$builder'].load, 'BuilderPage'),
});

const build = createRoute({
  getParentRoute: () => root,
  path: '/builders/$builder/builds/$number',
  validateSearch: (search: Search): BuildSearch => ({
    step: number(search.step),
    log: text(search.log),
    line: number(search.line),
    to: number(search.to),
    tab: text(search.tab),
    find: text(search.find),
  }),
  loader: (entry) => ask('/builders/$builder/builds/$number', entry),
  component: lazyRouteComponent(PAGES['/builders/$builder/builds/$number'].load, 'BuildPage'),
});

const buildById = createRoute({
  getParentRoute: () => root,
  path: '/builds/$buildid',
  component: lazyRouteComponent(PAGES['/builds/$buildid'].load, 'BuildById'),
});

const request = createRoute({
  getParentRoute: () => root,
  path: '/buildrequests/$requestid',
  validateSearch: (search: Search): { redirect_to_build?: true } => ({
    redirect_to_build: flag(search.redirect_to_build),
  }),
  component: lazyRouteComponent(PAGES['/buildrequests/$requestid'].load, 'RequestPage'),
});

export interface PendingSearch {
  /** The reason whose requests are shown. */
  open?: string;
  /** The filter. */
  q?: string;
  view?: 'list';
  /** The order of the list. */
  sort?: PendingOrder;
}

const pending = createRoute({
  getParentRoute: () => root,
  path: '/pending',
  validateSearch: (search: Search): PendingSearch => ({
    open: text(search.open),
    q: text(search.q),
    view: search.view === 'list' ? 'list' : undefined,
    sort: text(search.sort) as PendingSearch['sort'],
  }),
  component: lazyRouteComponent(PAGES['/pending'].load, 'Pending'),
});

const workers = createRoute({
  getParentRoute: () => root,
  path: '/workers',
  validateSearch: (search: Search): { q?: string; sort?: string } => ({ q: text(search.q), sort: text(search.sort) }),
  loader: (entry) => ask('/workers', entry),
  component: lazyRouteComponent(PAGES['/workers'].load, 'Workers'),
});

const worker = createRoute({
  getParentRoute: () => root,
  path: '/workers/$worker',
  component: lazyRouteComponent(PAGES['/workers/$worker'].load, 'WorkerPage'),
});

const account = createRoute({
  getParentRoute: () => root,
  path: '/account',
  component: lazyRouteComponent(PAGES['/account'].load, 'Account'),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (search: Search): AuditSearch => ({
    kind: text(search.kind),
    user: text(search.user),
    action: text(search.action),
    refused: flag(search.refused),
    before: number(search.before),
  }),
  component: lazyRouteComponent(PAGES['/audit'].load, 'Audit'),
});

export interface ChangesSearch {
  /** The filter. */
  q?: string;
  /** Only changes with smaller numbers: a page of the list. */
  before?: number;
}

const changes = createRoute({
  getParentRoute: () => root,
  path: '/changes',
  validateSearch: (search: Search): ChangesSearch => ({ q: text(search.q), before: number(search.before) }),
  component: lazyRouteComponent(PAGES['/changes'].load, 'Changes'),
});

const change = createRoute({
  getParentRoute: () => root,
  path: '/changes/$changeid',
  component: lazyRouteComponent(PAGES['/changes/$changeid'].load, 'ChangePage'),
});



export interface ConsoleSearch {
  /** The filter of builders. */
  q?: string;
  branch?: string;
  before?: number;
  /** Also builders that have built none of these changes. */
  all?: true;
}

const consoleView = createRoute({
  getParentRoute: () => root,
  path: '/console',
  validateSearch: (search: Search): ConsoleSearch => ({
    q: text(search.q),
    branch: text(search.branch),
    before: number(search.before),
    all: flag(search.all),
  }),
  component: lazyRouteComponent(PAGES['/console'].load, 'Console'),
});

export interface GridSearch {
  /** The filter of builders. */
  q?: string;
  branch?: string;
  /** How many revisions of each branch. */
  revisions?: number;
}

const grid = createRoute({
  getParentRoute: () => root,
  path: '/grid',
  validateSearch: (search: Search): GridSearch => ({
    q: text(search.q),
    branch: text(search.branch),
    revisions: number(search.revisions),
  }),
  component: lazyRouteComponent(PAGES['/grid'].load, 'Grid'),
});

export interface WaterfallSearch {
  /** The filter of builders. */
  q?: string;
  /** The end of the part of time that is seen, in seconds since 1970; without it, now. */
  to?: number;
  /** How much time is seen, in seconds. */
  span?: number;
  /** Also builders that built nothing then. */
  all?: true;
}

const waterfall = createRoute({
  getParentRoute: () => root,
  path: '/waterfall',
  validateSearch: (search: Search): WaterfallSearch => ({
    q: text(search.q),
    to: number(search.to),
    span: number(search.span),
    all: flag(search.all),
  }),
  component: lazyRouteComponent(PAGES['/waterfall'].load, 'Waterfall'),
});

const filtered = (search: Search): { q?: string } => ({ q: text(search.q) });

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(PAGES['/settings'].load, 'Settings'),
});

const about = createRoute({
  getParentRoute: () => root,
  path: '/about',
  component: lazyRouteComponent(PAGES['/about'].load, 'About'),
});

const schedulers = createRoute({
  getParentRoute: () => root,
  path: '/schedulers',
  validateSearch: filtered,
  component: lazyRouteComponent(PAGES['/schedulers'].load, 'Schedulers'),
});

const masters = createRoute({
  getParentRoute: () => root,
  path: '/masters',
  component: lazyRouteComponent(PAGES['/masters'].load, 'Masters'),
});

const projects = createRoute({
  getParentRoute: () => root,
  path: '/projects',
  component: lazyRouteComponent(PAGES['/projects'].load, 'Projects'),
});

const project = createRoute({
  getParentRoute: () => root,
  path: '/projects/$projectid',
  validateSearch: (search: Search): { sort?: string } => ({ sort: text(search.sort) }),
  component: lazyRouteComponent(PAGES['/projects/$projectid'].load, 'ProjectPage'),
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Search): { redirect?: string } => ({ redirect: text(search.redirect) }),
  component: lazyRouteComponent(PAGES['/login'].load, 'Login'),
});

export interface TrendsSearch {
  /** The id of the one builder that is looked at. */
  builder?: number;
  days?: number;
}

const trends = createRoute({
  getParentRoute: () => root,
  path: '/trends',
  validateSearch: (search: Search): TrendsSearch => ({ builder: number(search.builder), days: number(search.days) }),
  component: lazyRouteComponent(PAGES['/trends'].load, 'Trends'),
});

const dashboard = createRoute({
  getParentRoute: () => root,
  path: '/dashboards/$dashboard',
  component: lazyRouteComponent(PAGES['/dashboards/$dashboard'].load, 'DashboardPage'),
});

const routeTree = root.addChildren([
  home,
  builders,
  builder,
  build,
  buildById,
  request,
  pending,
  workers,
  worker,
  account,
  audit,
  changes,
  change,
  consoleView,
  grid,
  waterfall,
  trends,
  settings,
  about,
  schedulers,
  masters,
  projects,
  project,
  dashboard,
  login,
]);

export const router = createRouter({
  routeTree,
  basepath: new URL(siteRoot()).pathname.replace(/\/$/, '') || '/',
  defaultPreload: 'intent',
  // What a page asks is asked when it is entered, also if its code came when a link was pointed at.
  defaultPreloadStaleTime: 0,
  defaultErrorComponent: ({ error, reset }) => <BrokenPage error={error as Error} reset={reset} />,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
