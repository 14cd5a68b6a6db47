/**
 * What a browser runs first: it asks for what the page will show, and loads the page's code, while the
 * application itself is on the way. It is small, and needs no other file (`vite.config.ts` sees to that).
 */

import { begin, beginSite, readSite, siteRoot, siteUrl } from '@/api/client';
import { WAITING } from '@/domain/waiting';
import { pathOfHash } from '@/domain/hashLinks';
import { mendLanguage } from '@/domain/language';
import { pageAt } from './pages';

// Before the pages: a library of theirs asks for it when it is loaded.
mendLanguage(navigator);

// The master has been upgraded: files that this page knows are gone. Once, not for ever; and not while it is away.
window.addEventListener('vite:preloadError', () => {
  const key = 'chargehand-reloaded';
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < 30_000) return;
  const reload = () => {
    sessionStorage.setItem(key, String(Date.now()));
    location.reload();
  };
  readSite('config', {}).then(reload, () => undefined);
});

// Buildbot's links: #/builders/3 is /builders/3 here. At the site's root only: elsewhere `#` is ours.
const atRoot = (): boolean => location.href.split('#')[0]?.split('?')[0] === siteRoot();

if (atRoot()) {
  const path = pathOfHash(location.hash);
  if (path !== null) history.replaceState(null, '', siteUrl(path));
}

/** Ask what the page of the address asks, and what every page asks; until all is answered. */
function open(): Promise<unknown> {
  const opened = pageAt(location.pathname.slice(new URL(siteRoot()).pathname.length - 1));
  const answers = [
    opened?.page.ask?.(begin, opened.params, Object.fromEntries(new URLSearchParams(location.search))),
    beginSite('config'),
    begin('buildrequests', WAITING),
  ];
  // Whoever shows the page loads it, too, and tells what went wrong.
  opened?.page.load().catch(() => undefined);
  return Promise.all(answers);
}

/** The document is whole, and its styles are known: sizes can be measured. */
async function whole(): Promise<void> {
  if (document.readyState === 'loading') {
    await new Promise((done) => document.addEventListener('DOMContentLoaded', done, { once: true }));
  }
  const styles = document.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet]');
  const coming = [...styles].filter((one) => one.sheet === null);
  await Promise.all(
    coming.map((one) => new Promise((done) => ['load', 'error'].forEach((event) => one.addEventListener(event, done)))),
  );
}

const answers = open();
// Nothing is awaited here: the application imports this file, too.
void Promise.all([import('./application'), whole()]).then(([{ start }]) => start(atRoot, answers));
