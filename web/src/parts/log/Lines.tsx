import type { MouseEvent, RefObject } from 'react';
import type { Log } from '@/api/types';
import { count } from '@/domain/durations';
import { plain } from '@/domain/terminal';
import { LineText } from './LineText';
import type { LogLines } from './lines';
import type { Position } from './LogView';
import type { Rows } from './rows';
import classes from './LogView.module.css';

interface Props {
  box: RefObject<HTMLDivElement | null>;
  rows: Rows;
  lines: LogLines;
  /** The line of the first row, and how many lines after it are folded. */
  first: number;
  folded: number;
  log: Log;
  position: Position;
  onPosition: (position: Position) => void;
  find: string;
  error: number | undefined;
  wraps: boolean;
  onUnfold: () => void;
  /** Somebody scrolls away from the end. */
  onLeave: () => void;
  onEdge: (edge: 'start' | 'end') => void;
}

/** The lines of a log that are in sight. */
export function Lines({
  box,
  rows,
  lines,
  first,
  folded,
  log,
  position,
  onPosition,
  find,
  error,
  wraps,
  onUnfold,
  onLeave,
  onEdge,
}: Props) {
  const choose = (line: number, event: MouseEvent) => {
    const begin = position.line;
    if (event.shiftKey && begin !== undefined) {
      const [low, high] = line < begin ? [line, begin] : [begin, line];
      onPosition({ ...position, line: low, to: high === low ? undefined : high });
    } else {
      onPosition({ ...position, line: begin === line && !position.to ? undefined : line, to: undefined });
    }
  };
  const isChosen = (line: number): boolean =>
    position.line !== undefined && line >= position.line && line <= (position.to ?? position.line);
  const drawn = Array.from({ length: Math.max(0, rows.last - rows.first + 1) }, (_, place) => rows.first + place);
  return (
    <div
      ref={box}
      className={classes.scroller}
      data-wrap={wraps || undefined}
      tabIndex={0}
      role="region"
      aria-label={`Log ${log.name}`}
      onWheel={(event) => {
        if (event.deltaY < 0) onLeave();
      }}
      onScroll={(event) => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        if (scrollHeight - scrollTop - clientHeight < 4) onEdge('end');
        else if (scrollTop === 0) onEdge('start');
      }}
    >
      {lines.length === 0 && (
        <p className={classes.note}>{log.complete ? 'The log is empty.' : 'Nothing has been written yet.'}</p>
      )}
      <div className={classes.sized} style={{ height: rows.total }}>
        {drawn.map((row) => {
          const style = { transform: `translateY(${rows.start(row)}px)` };
          if (folded > 0 && row === 0) {
            return (
              <button key={row} type="button" className={classes.fold} style={style} onClick={onUnfold}>
                ▸ {plain(lines.at(0)?.text ?? '')} <span>· {count(lines.heading)} lines about the command</span>
              </button>
            );
          }
          const index = first + row + (row > 0 ? folded : 0);
          const line = lines.at(index);
          return (
            <div
              key={row}
              data-index={row}
              ref={rows.row}
              className={classes.line}
              data-stream={line?.stream}
              data-chosen={isChosen(index + 1) || undefined}
              data-error={error === index || undefined}
              style={style}
            >
              <button
                type="button"
                className={classes.number}
                tabIndex={-1}
                aria-label={`Line ${count(index + 1)}`}
                onClick={(event) => choose(index + 1, event)}
              >
                {count(index + 1)}
              </button>
              {line ? (
                <LineText line={line} find={find} />
              ) : (
                <span className={classes.loading} aria-hidden>
                  …
                </span>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
