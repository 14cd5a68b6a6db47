/** Every page by its address; each but the frame is loaded when it is first opened. */

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { siteRoot } from '@/api/client';
import { ahead } from '@/api/hooks';
import { RECENT_BUILDERS } from '@/domain/builderList';
import { askForBuild } from '@/pages/build/questions';
import { BrokenPage } from './BrokenPage';
import { Frame } from './Frame';
import { NotFound } from './NotFound';

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

/**
 * Ask for a page's data while its code is fetched. Not when a link is only pointed at, nor when the
 * search changes on the same page.
 */
const atEntry =
  <Context,>(ask: (context: Context) => void) =>
  (context: Context & { cause: string }): void => {
    if (context.cause === 'enter') ask(context);
  };

export interface BuildersSearch {
  /** The filter. */
  q?: string;
  group?: 'project' | 'tag';
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
  component: lazyRouteComponent(() => import('@/pages/home/Home'), 'Home'),
});

const builders = createRoute({
  getParentRoute: () => root,
  path: '/builders',
  validateSearch: (search: Search): BuildersSearch => ({
    q: text(search.q),
    group: text(search.group) as BuildersSearch['group'],
    sort: text(search.sort),
  }),
  loader: atEntry(() => {
    void ahead('builders', RECENT_BUILDERS);
    void ahead('projects');
  }),
  component: lazyRouteComponent(() => import('@/pages/builders/Builders'), 'Builders'),
});

const builder = createRoute({
  getParentRoute: () => root,
  path: '/builders/$builder',
  validateSearch: (search: Search): BuilderSearch => ({
    tab: text(search.tab) as BuilderSearch['tab'],
    force: text(search.force),
    before: number(search.before),
  }),
  component: lazyRouteComponent(() => import('@/pages/builder/Builder'), 'BuilderPage'),
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
  loader: atEntry<{ params: { builder: string; number: string }; location: { search: BuildSearch } }>(({ params, location }) =>
    askForBuild(params.builder, params.number, location.search),
  ),
  component: lazyRouteComponent(() => import('@/pages/build/Build'), 'BuildPage'),
});

const buildById = createRoute({
  getParentRoute: () => root,
  path: '/builds/$buildid',
  component: lazyRouteComponent(() => import('@/pages/build/ById'), 'BuildById'),
});

const request = createRoute({
  getParentRoute: () => root,
  path: '/buildrequests/$requestid',
  validateSearch: (search: Search): { redirect_to_build?: true } => ({
    redirect_to_build: flag(search.redirect_to_build),
  }),
  component: lazyRouteComponent(() => import('@/pages/pending/Request'), 'RequestPage'),
});

const pending = createRoute({
  getParentRoute: () => root,
  path: '/pending',
  validateSearch: (search: Search): { open?: string } => ({ open: text(search.open) }),
  component: lazyRouteComponent(() => import('@/pages/pending/Pending'), 'Pending'),
});

const workers = createRoute({
  getParentRoute: () => root,
  path: '/workers',
  validateSearch: (search: Search): { q?: string } => ({ q: text(search.q) }),
  component: lazyRouteComponent(() => import('@/pages/workers/Workers'), 'Workers'),
});

const worker = createRoute({
  getParentRoute: () => root,
  path: '/workers/$worker',
  component: lazyRouteComponent(() => import('@/pages/workers/Worker'), 'WorkerPage'),
});

const account = createRoute({
  getParentRoute: () => root,
  path: '/account',
  component: lazyRouteComponent(() => import('@/pages/account/Account'), 'Account'),
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
  component: lazyRouteComponent(() => import('@/pages/audit/Audit'), 'Audit'),
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
  component: lazyRouteComponent(() => import('@/pages/changes/Changes'), 'Changes'),
});

const change = createRoute({
  getParentRoute: () => root,
  path: '/changes/$changeid',
  component: lazyRouteComponent(() => import('@/pages/changes/Change'), 'ChangePage'),
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
  component: lazyRouteComponent(() => import('@/pages/console/Console'), 'Console'),
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
  component: lazyRouteComponent(() => import('@/pages/grid/Grid'), 'Grid'),
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
  component: lazyRouteComponent(() => import('@/pages/waterfall/Waterfall'), 'Waterfall'),
});

const filtered = (search: Search): { q?: string } => ({ q: text(search.q) });

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('@/pages/settings/Settings'), 'Settings'),
});

const about = createRoute({
  getParentRoute: () => root,
  path: '/about',
  component: lazyRouteComponent(() => import('@/pages/about/About'), 'About'),
});

const schedulers = createRoute({
  getParentRoute: () => root,
  path: '/schedulers',
  validateSearch: filtered,
  component: lazyRouteComponent(() => import('@/pages/schedulers/Schedulers'), 'Schedulers'),
});

const masters = createRoute({
  getParentRoute: () => root,
  path: '/masters',
  component: lazyRouteComponent(() => import('@/pages/masters/Masters'), 'Masters'),
});

const projects = createRoute({
  getParentRoute: () => root,
  path: '/projects',
  component: lazyRouteComponent(() => import('@/pages/projects/Projects'), 'Projects'),
});

const project = createRoute({
  getParentRoute: () => root,
  path: '/projects/$projectid',
  validateSearch: (search: Search): { sort?: string } => ({ sort: text(search.sort) }),
  component: lazyRouteComponent(() => import('@/pages/projects/Project'), 'ProjectPage'),
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Search): { redirect?: string } => ({ redirect: text(search.redirect) }),
  component: lazyRouteComponent(() => import('@/pages/login/Login'), 'Login'),
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
  component: lazyRouteComponent(() => import('@/pages/trends/Trends'), 'Trends'),
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
