/** What the page of a builder asks first. */

import type { Ask, Params } from '@/api/client';
import type { Builder } from '@/api/types';

export const STRIP = { recent: 50 };
export const PAGE = 50;

export const builderPath = (builder: string): string => `builders/${encodeURIComponent(builder)}`;

/** A page of a builder's builds: the newest, or those before a number. */
export const buildsBefore = (before: number | undefined): Params => ({
  order: '-number',
  limit: PAGE,
  property: ['branch', 'revision', 'got_revision'],
  cause: true,
  ...(before === undefined ? {} : { number__lt: before }),
});

export const ITS_WAITING = { complete: false, claimed: false, order: ['-priority', 'buildrequestid'], limit: 100 };

interface Search {
  tab?: unknown;
  before?: unknown;
}

export function askForBuilder(ask: Ask, { builder = '' }: Record<string, string>, search: Search): Promise<unknown> {
  const showsBuilds = (search.tab ?? 'builds') === 'builds';
  const questions = (id: string | number) =>
    Promise.all([
      showsBuilds &&
        ask(`builders/${id}/builds`, buildsBefore(search.before === undefined ? undefined : Number(search.before))),
      ask(`builders/${id}/buildrequests`, ITS_WAITING),
      ask(`builders/${id}/forceschedulers`),
      ask(`builders/${id}/workers`),
    ]);
  const found = ask<{ builders: Builder[] }>(builderPath(builder), STRIP);
  // By its number all is asked at once; its name says the number only with the answer.
  if (/^\d+$/.test(builder)) return Promise.all([found, questions(builder)]);
  return found.then((answer) => answer?.builders[0] && questions(answer.builders[0].builderid));
}
