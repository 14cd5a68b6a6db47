import { describe, expect, it } from 'vitest';
import { isLanguage, mendLanguage } from './language';

describe('the language of a browser', () => {
  it.each(['en', 'de-AT', 'zh-Hant-TW', 'en-US-u-va-posix'])('is used as it is: %s', (tag) => {
    expect(isLanguage(tag)).toBe(true);
  });

  it.each(['C', 'c', 'POSIX ', 'en_US', ''])('is none: %j', (tag) => {
    expect(isLanguage(tag)).toBe(false);
  });

  it('is English where the browser names none', () => {
    const browser = { language: 'C' };

    mendLanguage(browser);

    expect(browser.language).toBe('en');
    expect(new Intl.NumberFormat(browser.language).format(1_204)).toBe('1,204');
  });

  it('stays what it is otherwise', () => {
    const browser = Object.freeze({ language: 'pl' });

    mendLanguage(browser);

    expect(browser.language).toBe('pl');
  });
});
