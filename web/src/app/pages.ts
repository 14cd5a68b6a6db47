/** Each page by its address: its code, which is loaded when it is first opened, and what it asks first. */

import type { Ask } from '@/api/client';
import { askForBuild } from '@/pages/build/questions';
import { askForBuilder } from '@/pages/builder/questions';
import { askForBuilders } from '@/pages/builders/questions';
import { askForHome } from '@/pages/home/questions';
import { askForWorkers } from '@/pages/workers/questions';

export interface PageOf {
  load: () => Promise<unknown>;
  /**
   * Ask while the code is on the way; the promise is kept when all is answered. `search` is as the address has it:
   * nothing in it is checked.
   */
  ask?: (ask: Ask, params: Record<string, string>, search: object) => Promise<unknown>;
}

export const PAGES = {
  '/': { load: () => import('@/pages/home/Home'), ask: askForHome },
  '/builders': { load: () => import('@/pages/builders/Builders'), ask: askForBuilders },
  '/builders/$builder': { load: () => import('@/pages/builder/Builder'), ask: askForBuilder },
  '/builders/$builder/builds/$number': { load: () => import('@/pages/build/Build'), ask: askForBuild },
  '/builds/$buildid': { load: () => import('@/pages/build/ById') },
  '/buildrequests/$requestid': { load: () => import('@/pages/pending/Request') },
  '/pending': { load: () => import('@/pages/pending/Pending') },
  '/workers': { load: () => import('@/pages/workers/Workers'), ask: askForWorkers },
  '/workers/$worker': { load: () => import('@/pages/workers/Worker') },
  '/account': { load: () => import('@/pages/account/Account') },
  '/audit': { load: () => import('@/pages/audit/Audit') },
  '/changes': { load: () => import('@/pages/changes/Changes') },
  '/changes/$changeid': { load: () => import('@/pages/changes/Change') },
  '/console': { load: () => import('@/pages/console/Console') },
  '/grid': { load: () => import('@/pages/grid/Grid') },
  '/waterfall': { load: () => import('@/pages/waterfall/Waterfall') },
  '/settings': { load: () => import('@/pages/settings/Settings') },
  '/about': { load: () => import('@/pages/about/About') },
  '/schedulers': { load: () => import('@/pages/schedulers/Schedulers') },
  '/masters': { load: () => import('@/pages/masters/Masters') },
  '/projects': { load: () => import('@/pages/projects/Projects') },
  '/projects/$projectid': { load: () => import('@/pages/projects/Project') },
  '/login': { load: () => import('@/pages/login/Login') },
  '/dashboards/$dashboard': { load: () => import('@/pages/dashboards/Dashboard') },
  '/trends': { load: () => import('@/pages/trends/Trends') },
} satisfies Record<string, PageOf>;

export interface Opened {
  page: PageOf;
  params: Record<string, string>;
}

/** The page of an address below the site's root; undefined where there is none. */
export function pageAt(path: string): Opened | undefined {
  const given = path.replace(/\/+$/, '').split('/');
  for (const [pattern, page] of Object.entries<PageOf>(PAGES)) {
    const params = paramsOf(pattern === '/' ? [''] : pattern.split('/'), given);
    if (params) return { page, params };
  }
  return undefined;
}

function paramsOf(pattern: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [place, segment] of pattern.entries()) {
    const value = given[place] ?? '';
    if (segment.startsWith('$') && value !== '') params[segment.slice(1)] = decoded(value);
    else if (segment !== value) return undefined;
  }
  return params;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
