/** The filter of changes: `author:ada branch:main words`, as parameters of `GET changes`. */

import type { Params } from '@/api/client';
import { parseFilter } from './filter';

const FIELDS: Record<string, string> = {
  author: 'author',
  branch: 'branch',
  repository: 'repository',
  project: 'project',
  codebase: 'codebase',
  category: 'category',
  revision: 'revision',
};

export const CHANGE_KEYS: readonly string[] = Object.keys(FIELDS);

/** Keys that somebody can reach by heart: what a person calls a change's parts. */
const PARTLY = new Set(['author', 'repository', 'revision']);

export interface ChangeQuery {
  params: Params;
  /** What the server cannot look for, in words; empty if it can do all of it. */
  problem: string;
}

/**
 * Words without a key are looked for, as one phrase, in comments; a word that can only be (the start
 * of) a hash is a revision. Several values of a key are alternatives.
 */
export function changeQuery(text: string): ChangeQuery {
  const params: Record<string, string[]> = {};
  const words: string[] = [];
  const add = (name: string, value: string) => (params[name] ??= []).push(value);
  for (const condition of parseFilter(text)) {
    const raw = original(text, condition.value);
    if (condition.key === '') {
      if (condition.negated) return { params: {}, problem: 'Words cannot be excluded; keys such as -branch:main can.' };
      words.push(raw);
      continue;
    }
    const field = FIELDS[condition.key];
    if (field === undefined) {
      return { params: {}, problem: `Changes have no “${condition.key}”. There are: ${CHANGE_KEYS.join(', ')}.` };
    }
    if (condition.negated) add(`${field}__ne`, raw);
    else if (condition.operator === '~' || PARTLY.has(field)) add(`${field}__contains`, raw);
    else add(field, raw);
  }
  const [only] = words;
  if (words.length === 1 && only !== undefined && /^(?=.*\d)[0-9a-f]{6,40}$/i.test(only)) add('revision__contains', only);
  else if (words.length > 0) add('comments__contains', words.join(' '));
  return { params, problem: '' };
}

/** The value as it was typed: filters are in lower case, branches need not be. */
function original(text: string, value: string): string {
  const place = text.toLowerCase().indexOf(value);
  return place < 0 ? value : text.slice(place, place + value.length);
}
