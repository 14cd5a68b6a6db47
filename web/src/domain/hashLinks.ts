/** Buildbot's links (`#/builders/3/builds/7`) lead to the same pages here. */

const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^\/?$/, '/'],
  [/^\/pendingbuildrequests$/, '/pending'],
  [/^\/builders\/([^/]+)\/builds\/(\d+)\/steps\/([^/]+)\/logs\/([^/]+)$/, '/builders/$1/builds/$2?step=$3&log=$4'],
  [/^\/builders\/([^/]+)\/builds\/(\d+)\/steps\/([^/]+)$/, '/builders/$1/builds/$2?step=$3'],
  [/^\/buildrequests\/(\d+)$/, '/buildrequests/$1'],
  [/^\/changes\/(\d+)$/, '/changes/$1'],
  [/^\/builders\/([^/]+)$/, '/builders/$1'],
  [/^\/(builders|workers|changes|masters|schedulers|waterfall|console|grid|settings|about|projects)$/, '/$1'],
  [/^\/(workers|masters|projects)\/([^/]+)$/, '/$1/$2'],
  [/^\/builders\/([^/]+)\/builds\/(\d+)$/, '/builders/$1/builds/$2'],
];

/** The path for a Buildbot fragment, or null where it is none. `?redirect_to_build=true` is kept. */
export function pathOfHash(hash: string): string | null {
  if (!hash.startsWith('#/')) return null;
  const [given = '', query] = hash.slice(1).split('?', 2);
  // One slash: two would be another site.
  const path = `/${given.replace(/^\/+/, '')}`;
  for (const [pattern, wanted] of RENAMED) {
    if (pattern.test(path)) {
      const found = path.replace(pattern, wanted);
      if (!query) return found;
      return found + (found.includes('?') ? '&' : '?') + query;
    }
  }
  return path;
}
