/** The languages that browsers say they speak. */

/** Whether a browser knows a language by this name: some are called "C", after the system's setting. */
export function isLanguage(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

/** Give a browser whose language is no language the one of these pages: libraries hand it to `Intl`, which would throw. */
export function mendLanguage(browser: { readonly language: string }): void {
  if (!isLanguage(browser.language)) Object.defineProperty(browser, 'language', { value: 'en', configurable: true });
}
