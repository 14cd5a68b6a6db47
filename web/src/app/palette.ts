import { createSpotlight } from '@mantine/spotlight';

/** The command palette: opened by `/` or Ctrl-K, or a click into the search box. */
export const [paletteStore, palette] = createSpotlight();

export const openPalette = (): void => palette.open();

export const isPaletteOpen = (): boolean => paletteStore.getState().opened;

/** What has been typed into the palette, and whether Enter was pressed before there was an answer. */
export interface Typed {
  readonly text: string;
  readonly isSent: boolean;
}

const NOTHING: Typed = { text: '', isSent: false };
let typed = NOTHING;
const heard = new Set<() => void>();

/**
 * The text of the palette lives outside of its component: people type faster than it is loaded and drawn, and no
 * letter may be lost on the way from the page to the field.
 */
export const typing = {
  get: (): Typed => typed,
  watch: (listener: () => void): (() => void) => {
    heard.add(listener);
    return () => heard.delete(listener);
  },
  write: (text: string): void => tell({ text, isSent: false }),
  send: (): void => tell({ ...typed, isSent: true }),
  clear: (): void => tell(NOTHING),
  /** A key that was pressed while the field did not have the focus yet; false if it is none for the palette. */
  early: (key: string): boolean => {
    if (key.length === 1) typing.write(typed.text + key);
    else if (key === 'Backspace') typing.write(typed.text.slice(0, -1));
    else if (key !== 'Enter') return false;
    else if (typed.text !== '') typing.send();
    return true;
  },
};

function tell(now: Typed): void {
  if (now.text === typed.text && now.isSent === typed.isSent) return;
  typed = now;
  for (const listener of heard) listener();
}

/** What is searched for: `force linux` or `start linux` is about builders that are called so. */
export function soughtIn(text: string): { words: string; isForce: boolean } {
  const [, order, words] = /^((?:force|start)\b\s*)?(.*)$/is.exec(text.trim()) ?? [];
  return { words: words ?? '', isForce: order !== undefined };
}

let isHelpShown = false;
const helpHeard = new Set<() => void>();

/** Whether the help of keys is shown: known here, for it is asked for before its code is loaded. */
export const help = {
  isShown: (): boolean => isHelpShown,
  watch: (listener: () => void): (() => void) => {
    helpHeard.add(listener);
    return () => helpHeard.delete(listener);
  },
  show: (isShown: boolean): void => {
    isHelpShown = isShown;
    for (const listener of helpHeard) listener();
  },
};
