/** What the search has found, by kind. */

export interface Hit {
  kind: 'builder' | 'build' | 'change' | 'worker' | 'project';
  id: number;
  title: string;
  subtitle: string;
  path: string;
}

export interface HitGroup {
  kind: Hit['kind'];
  /** As it stands above the hits: `Builders (20)`. */
  head: string;
  hits: readonly Hit[];
  /** The list of all of them; undefined where all are shown, or where no list has this filter. */
  all?: { label: string; path: string };
}

/** So many are asked for, and of each kind so many are shown. */
export const ASKED = 60;
const SHOWN = 7;

const HEADS: Record<Hit['kind'], string> = {
  build: 'Builds',
  builder: 'Builders',
  worker: 'Workers',
  project: 'Projects',
  change: 'Changes',
};
const LISTS: Partial<Record<Hit['kind'], string>> = { builder: '/builders', worker: '/workers' };

/** The hits of each kind, kinds in the order of the answer. */
export function byKind(hits: readonly Hit[], words: string): HitGroup[] {
  const kinds = [...new Set(hits.map((hit) => hit.kind))];
  const isCut = hits.length >= ASKED;
  return kinds.map((kind) => {
    const found = hits.filter((hit) => hit.kind === kind);
    const many = `${found.length}${isCut ? ' or more' : ''}`;
    const list = LISTS[kind];
    const head = HEADS[kind];
    return {
      kind,
      head: found.length > 1 ? `${head} (${many})` : head,
      hits: found.slice(0, SHOWN),
      ...(found.length > SHOWN && list !== undefined
        ? { all: { label: `All ${many} ${head.toLowerCase()} with “${words}”`, path: `${list}?q=${encodeURIComponent(words)}` } }
        : {}),
    };
  });
}
