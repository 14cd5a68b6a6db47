import { startTransition, useEffect, useState, type ReactNode } from 'react';

let hasDrawn = false;

/**
 * What is out of sight when a page is opened: drawn after the first picture of the application, a bit at a time.
 * On pages that come later it is there at once, since somebody may come back to where it was scrolled to.
 */
export function Later({ children }: { children: ReactNode }) {
  const [isTime, setTime] = useState(hasDrawn);
  useEffect(() => {
    if (hasDrawn) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const frame = requestAnimationFrame(() => {
      // A task after the frame: what is in sight is painted before.
      timer = setTimeout(() => {
        hasDrawn = true;
        startTransition(() => setTime(true));
      });
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, []);
  return isTime ? children : null;
}
