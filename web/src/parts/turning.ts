/** The marks of what runs: all turn at the same time, a few times a second. */

const EVERY = 160;
const DEGREES = 30;

const marks = new Set<SVGSVGElement>();
let timer: ReturnType<typeof setInterval> | undefined;
let angle = 0;

/**
 * Turns a mark while it is shown. An animation of the style sheet would make the browser draw sixty times a second
 * for as long as anything runs: 6 % of a processor for one mark, on a screen that somebody looks at all day.
 */
export function turning(mark: SVGSVGElement): () => void {
  marks.add(mark);
  timer ??= setInterval(turn, EVERY);
  return () => {
    marks.delete(mark);
    if (marks.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function turn(): void {
  if (document.hidden || isStill()) return;
  angle = (angle + DEGREES) % 360;
  for (const mark of marks) mark.style.rotate = `${angle}deg`;
}

/** Whether the visitor, or the machine, wants little motion. */
function isStill(): boolean {
  return document.documentElement.dataset.motion === 'reduced' || matchMedia('(prefers-reduced-motion: reduce)').matches;
}
