import { describe, expect, it } from 'vitest';
import { changeQuery } from './changeQuery';

describe('the filter of changes', () => {
  it('asks for parts of authors, and for whole branches', () => {
    expect(changeQuery('author:Ada branch:main').params).toEqual({
      author__contains: ['Ada'],
      branch: ['main'],
    });
  });

  it('looks for words, as one phrase, in comments', () => {
    expect(changeQuery('Fix the cache').params).toEqual({ comments__contains: ['Fix the cache'] });
  });

  it('takes the start of a hash for a revision, and words that look like one for words', () => {
    expect(changeQuery('3f2a91c').params).toEqual({ revision__contains: ['3f2a91c'] });
    expect(changeQuery('facade').params).toEqual({ comments__contains: ['facade'] });
  });

  it('makes alternatives of several values, and excludes with a minus', () => {
    expect(changeQuery('branch:main branch:"release 2" -author:bot').params).toEqual({
      branch: ['main', 'release 2'],
      author__ne: ['bot'],
    });
  });

  it('says what it cannot do', () => {
    expect(changeQuery('colour:red').problem).toContain('colour');
    expect(changeQuery('-words').problem).not.toBe('');
  });
});
