/** Keys that work on every page. Pages add their own with {@link useKeys}. */

import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { help, isPaletteOpen, openPalette, typing } from './palette';
import { PLACES } from './places';

export type Keys = Record<string, (event: KeyboardEvent) => void>;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** React to single keys while nobody types into a field; `g b` is the key `g b`. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
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
      const now = Date.now();
      const key = modified ? `mod+${event.key}` : event.key;
      const pair = !modified && now - at < 1_200 ? `${before} ${key}` : '';
      before = modified ? '' : key;
      at = now;
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
