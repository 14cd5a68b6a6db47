import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type CSSProperties } from 'react';
import { live, useLive } from '@/api/hooks';
import type { Log } from '@/api/types';
import { change, useSettings } from '@/app/settings';
import { useKeys } from '@/app/shortcuts';
import { count } from '@/domain/durations';
import { Failed } from '@/parts/Answered';
import { Bar } from './Bar';
import { LogLines } from './lines';
import { Lines } from './Lines';
import type { LogViewProps, Position } from './LogView';
import { Marks, Whereabouts, WINDOW } from './Overview';
import { useFirstError } from './questions';
import { useRows, type Align } from './rows';
import { useHits } from './useHits';
import classes from './LogView.module.css';

const LINE_HEIGHT = 20;
/** Below the last line: the bar that scrolls to the side. */
const BELOW = 14;

/** A log of text: its bar, what is in sight of its lines, and where that is in the whole. */
export function TextLog({ log, position, onPosition, opensAtError, isFull, onFull }: LogViewProps) {
  const settings = useSettings();
  const box = useRef<HTMLDivElement>(null);
  const lines = useLines(log);
  const [first, setFirst] = useState(() => windowOf(position.line ?? 0));
  const [isUnfolded, setUnfolded] = useState(false);
  // The command and its environment are one line until somebody wants them.
  const isFolded = lines.heading > 2 && !isUnfolded && (position.line ?? lines.heading + 1) > lines.heading;
  const folded = isFolded && first === 0 ? lines.heading - 1 : 0;
  const [follows, setFollows] = useState(!log.complete && position.line === undefined && !opensAtError);
  const rows = useRows({
    box,
    count: Math.max(0, Math.min(WINDOW, lines.length - first - folded)),
    usual: LINE_HEIGHT,
    list: `${first} ${folded} ${settings.wrapLogs}`,
    opensAt: position.line === undefined ? undefined : { row: position.line - 1 - first, align: 'center' },
  });
  const { scrollTo } = rows;
  const from = first + folded + rows.first;
  const to = first + folded + rows.last;
  useEffect(() => lines.want(from, to), [lines, from, to]);

  const jump = useCallback(
    (line: number, align: Align = 'center') => {
      const wanted = windowOf(line);
      setFirst(wanted);
      scrollTo(line - wanted - (wanted === 0 && line >= folded ? folded : 0), align);
    },
    [scrollTo, folded],
  );
  const go = (line: number, align?: Align) => {
    setFollows(false);
    jump(line, align);
  };

  const hits = useHits(log, position.find ?? '', lines.length, from, go);
  const firstError = useFirstError(log, opensAtError);
  const goToError = () => {
    if (!firstError) return;
    go(firstError.line);
    onPosition({ ...position, line: firstError.line + 1, to: undefined });
  };
  useOpening(position.line, opensAtError ? firstError?.line : undefined, folded, jump);
  useEffect(() => {
    if (follows && lines.length > 0) jump(lines.length - 1, 'end');
  }, [follows, lines.length, jump]);

  const searchBox = useRef<HTMLInputElement>(null);
  useKeys({
    f: () => searchBox.current?.focus(),
    e: goToError,
    w: () => change({ wrapLogs: !settings.wrapLogs }),
    G: () => setFollows(true),
    ...(hits.numbers.length > 0 ? { n: () => hits.go(1), N: () => hits.go(-1) } : {}),
  });

  return (
    <div
      className={classes.log}
      data-full={isFull || undefined}
      data-grows={!log.complete || undefined}
      style={{ '--digits': Math.max(4, count(lines.length).length) } as CSSProperties}
    >
      <Bar
        {...{ log, lines, position, onPosition, hits, firstError, isFull, onFull, follows, searchBox }}
        onError={goToError}
        onFollow={setFollows}
      />
      {lines.error && <Failed error={lines.error} what="this log" retry={() => lines.retry()} />}
      {lines.length > WINDOW && (
        <Whereabouts
          from={first + folded + rows.from}
          to={first + folded + rows.to}
          length={lines.length}
          onGo={(line) => go(line, 'start')}
        />
      )}
      <div
        className={classes.body}
        // What has ended takes as much room as it needs, and no more than there is.
        data-ended={(log.complete && !isFull) || undefined}
        style={{ '--all': `${rows.total + BELOW}px` } as CSSProperties}
      >
        <Lines
          {...{ box, rows, lines, first, folded, log, position, onPosition }}
          find={hits.text}
          error={firstError?.line}
          wraps={settings.wrapLogs}
          onUnfold={() => setUnfolded(true)}
          onLeave={() => setFollows(false)}
          onEdge={(edge) => {
            if (edge === 'end' && first + WINDOW < lines.length) jump(first + WINDOW - 1, 'end');
            else if (edge === 'end' && !log.complete) setFollows(true);
            else if (edge === 'start' && first > 0) jump(first, 'start');
          }}
        />
        <Marks
          length={lines.length}
          start={folded}
          from={first + folded + rows.from}
          to={first + folded + rows.to}
          hits={hits.numbers}
          error={firstError?.line}
          onChoose={go}
        />
      </div>
    </div>
  );
}

/** The window of lines that a line is shown in: browsers draw no boxes of millions of lines. */
const windowOf = (line: number): number =>
  line < WINDOW ? 0 : Math.floor(line / (WINDOW / 2)) * (WINDOW / 2) - WINDOW / 4;

/** The lines of a log, which grows as events say. */
function useLines(log: Log): LogLines {
  const lines = useMemo(
    () => LogLines.of(log.logid, log.type, log.num_lines),
    // The number of lines grows by events; it makes no other log.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
    [log.logid, log.type],
  );
  useEffect(() => () => lines.close(), [lines]);
  useSyncExternalStore(lines.watch, lines.snapshot);
  useLive(log.complete ? null : `logs/${log.logid}/*`);
  useEffect(
    () =>
      live.listen(({ key, message }) => {
        if (key[0] === 'logs' && message.logid === log.logid) lines.grow(Number(message.num_lines));
      }),
    [lines, log.logid],
  );
  useEffect(() => lines.grow(log.num_lines), [lines, log.num_lines]);
  return lines;
}

/** Where the log opens: at the line of the address, at the first error, or at its beginning. */
function useOpening(
  line: Position['line'],
  error: number | undefined,
  folded: number,
  jump: (line: number) => void,
): void {
  const address = useRef(line);
  useEffect(() => {
    // Its row is another one once it is known which lines are folded.
    if (address.current !== undefined && folded > 0) jump(address.current - 1);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- where it opens, not where it is led to later
  }, [folded]);
  useEffect(() => {
    if (address.current === undefined && error !== undefined) jump(error);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- once, when it is known
  }, [error]);
}
