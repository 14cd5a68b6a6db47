import { memo, useState, type ReactNode } from 'react';
import { plain, spans, type Span } from '@/domain/terminal';
import type { Line } from './lines';
import classes from './LogView.module.css';

/** A line of more characters is cut: a browser lays megabytes in one line out for seconds. */
const LONGEST = 4_000;

interface Props {
  line: Line;
  find: string;
}

/** The text of a line: its colours, hits marked, earlier states of a progress line on request. */
export const LineText = memo(function LineText({ line, find }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [isWhole, setWhole] = useState(false);
  const cut = line.text.length > LONGEST && !isWhole;
  const text = cut ? line.text.slice(0, LONGEST) : line.text;
  const parts = spans(line.prefix + text);
  return (
    <span className={classes.text}>
      {line.earlier.length > 0 && (
        <>
          <button type="button" className={classes.earlier} onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
            {isOpen ? '▾' : '▸'} {line.earlier.length}
          </button>
          {isOpen && line.earlier.map((state, index) => (
            <span key={index} className={classes.state}>
              {plain(state)}
              {'\n'}
            </span>
          ))}
        </>
      )}
      {parts.map((part, index) => (
        <span
          key={index}
          className={part.className || undefined}
          style={
            part.colour || part.background
              ? { color: part.colour, backgroundColor: part.background }
              : undefined
          }
        >
          {find ? marked(part, find) : part.text}
        </span>
      ))}
      {cut && (
        <button type="button" className={classes.earlier} onClick={() => setWhole(true)}>
          … {Math.round((line.text.length - LONGEST) / 1_000)} kB more
        </button>
      )}
    </span>
  );
});

function marked(part: Span, find: string): ReactNode {
  const pattern = patternOf(find);
  if (!pattern) return part.text;
  const found: ReactNode[] = [];
  let end = 0;
  for (const match of part.text.matchAll(pattern)) {
    if (match[0] === '' || found.length > 200) break;
    found.push(part.text.slice(end, match.index), <mark key={match.index}>{match[0]}</mark>);
    end = match.index + match[0].length;
  }
  found.push(part.text.slice(end));
  return found;
}

let last: { find: string; pattern: RegExp | null } = { find: '', pattern: null };

/** The server finds; the browser only marks. Patterns are re2's, which JavaScript mostly understands. */
function patternOf(find: string): RegExp | null {
  if (last.find === find) return last.pattern;
  const given = /^\/(.+)\/$/.exec(find)?.[1];
  let pattern: RegExp | null;
  try {
    pattern = new RegExp(given ?? find.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
  } catch {
    pattern = null;
  }
  last = { find, pattern };
  return pattern;
}
