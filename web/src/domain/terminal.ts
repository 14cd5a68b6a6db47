/** Lines of a log as a terminal would show them: colours, and progress lines that overwrite themselves. */

import Anser from 'anser';

export type Stream = 'o' | 'e' | 'h';

export interface Span {
  text: string;
  className: string;
  colour?: string;
  background?: string;
}

export interface LogLine {
  /** Which output: standard output, standard error, or a line of the master (header). */
  stream: Stream;
  /** The last state of the line, with its escape sequences. */
  text: string;
  /** Earlier states of a line that overwrote itself with `\r`; empty for most. */
  earlier: string[];
}

/** Sequences that move the cursor, erase, or set titles: a log has no cursor. Not colours. */
// oxlint-disable-next-line no-control-regex -- these are control characters
const MOVES = /\u001b(?:\[[0-9;?]*[A-HJKSTfhlnrsu]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9]|[=>78cDEHMNOZ])/g;
// oxlint-disable-next-line no-control-regex -- the escape character begins a sequence
const COLOURS = /\u001b\[([0-9;]*)m/g;

/** Read a line as `contents` has it; in logs of commands its first character is the stream. */
export function readLine(raw: string, hasStreams: boolean): LogLine {
  const stream = hasStreams ? (raw.charAt(0) as Stream) : 'o';
  const text = hasStreams ? raw.slice(1) : raw;
  if (!text.includes('\r')) return { stream, text, earlier: [] };
  const states = text.split('\r').filter((state) => plain(state).trim() !== '');
  return { stream, text: states.at(-1) ?? '', earlier: states.slice(0, -1) };
}

/** The text without any escape sequence. */
export function plain(text: string): string {
  return text.includes('\u001b') ? text.replace(MOVES, '').replace(COLOURS, '') : text;
}

/** The colours that hold after *text*, as sequences: the next line begins with them. */
export function carried(before: string, text: string): string {
  if (!text.includes('\u001b')) return before;
  let held = before;
  for (const match of text.matchAll(COLOURS)) {
    const codes = match[1] ?? '';
    held = codes === '' || codes === '0' ? '' : codes.startsWith('0;') ? match[0] : held + match[0];
  }
  // A program that never resets: what holds stays short.
  return held.length > 200 ? held.slice(held.lastIndexOf('\u001b')) : held;
}

/** The spans of a line, in the theme's colours. */
export function spans(text: string): Span[] {
  if (!text.includes('\u001b')) return [{ text, className: '' }];
  return Anser.ansiToJson(text.replace(MOVES, ''), { use_classes: true, remove_empty: true }).map(
    (part) => {
      const decorations = part.decorations ?? [];
      const isReversed = decorations.includes('reverse');
      const front = colour(isReversed ? part.bg : part.fg, isReversed ? part.bg_truecolor : part.fg_truecolor);
      const back = colour(isReversed ? part.fg : part.bg, isReversed ? part.fg_truecolor : part.bg_truecolor);
      const classes = decorations.filter((one) => one !== 'reverse').map((one) => `ansi-${one}`);
      if (front.name) classes.push(front.name);
      if (back.name) classes.push(`${back.name}-bg`);
      if (isReversed && !front.name && !back.name) classes.push('ansi-reverse');
      return {
        text: part.content,
        className: classes.join(' '),
        colour: front.exact,
        background: back.exact,
      };
    },
  );
}

function colour(name: string | null, exact: string | null): { name?: string; exact?: string } {
  if (!name) return {};
  if (name === 'ansi-truecolor') return { exact: `rgb(${exact})` };
  const palette = /^ansi-palette-(\d+)$/.exec(name);
  return palette ? { exact: paletteColour(Number(palette[1])) } : { name };
}

const LEVELS = [0, 95, 135, 175, 215, 255] as const;

/** A colour of the 256: a cube of 6 × 6 × 6, and greys. The first 16 have names. */
export function paletteColour(index: number): string {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const cube = Math.max(0, index - 16);
  const level = (size: number) => LEVELS[Math.floor(cube / size) % 6] ?? 0;
  return `rgb(${level(36)}, ${level(6)}, ${level(1)})`;
}
