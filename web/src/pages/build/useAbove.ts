import { useCallback } from 'react';

/** Tell the styles of an element, as `--above`, how far from the top of the page it begins. */
export function useAbove(isWanted: boolean | undefined): (element: HTMLElement | null) => (() => void) | undefined {
  return useCallback(
    (element) => {
      if (!element || !isWanted) return undefined;
      const measure = () => {
        const top = Math.round(element.getBoundingClientRect().top + window.scrollY);
        element.style.setProperty('--above', `${top}px`);
      };
      // What is above it grows when its answers come.
      const sizes = new ResizeObserver(measure);
      for (const other of element.parentElement?.children ?? []) if (other !== element) sizes.observe(other);
      sizes.observe(document.body);
      measure();
      return () => {
        sizes.disconnect();
        element.style.removeProperty('--above');
      };
    },
    [isWanted],
  );
}
