/** Keys that work on every page. Pages add their own with {@link useKeys}. */

import { useNavigate } from '@tanstack/react-router';
import { useLayoutEffect, useRef } from 'react';
import { help, isPaletteOpen, openPalette, typing } from './palette';
import { PLACES } from './places';

export type Keys = Record<string, (event: KeyboardEvent) => void>;

/** Two keys are one order when the second one follows in so many milliseconds. */
const TOGETHER = 1_200;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** React to single keys while nobody types into a field; `g b` is the key `g b`. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  // For layout: a key counts as soon as what it is for can be seen.
  useLayoutEffect(() => {
    let before = '';
    let at = 0;
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey || isTyping(event.target)) return;
      const modified = event.ctrlKey || event.metaKey;
      if (isPaletteOpen()) {
        // Somebody types faster than the palette opens: no letter is lost, and none is an order.
        if (!modified && typing.early(event.key)) event.preventDefault();
        return;
      }
      const key = modified ? `mod+${event.key}` : event.key;
      // When it was pressed, not when there is time for it: a busy page hears it late.
      const pair = !modified && event.timeStamp - at < TOGETHER ? `${before} ${key}` : '';
      before = modified ? '' : key;
      at = performance.now();
      const action = current.current[pair] ?? current.current[key];
      if (action) {
        before = '';
        event.preventDefault();
        action(event);
      }
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, []);
}

export function useShortcuts(): void {
  const navigate = useNavigate();
  const go = Object.fromEntries(PLACES.flatMap(({ keys, to }) => (keys ? [[keys, () => void navigate({ to })]] : [])));
  useKeys({
    '/': openPalette,
    'mod+k': openPalette,
    '?': () => help.show(true),
    ...go,
  });
}
