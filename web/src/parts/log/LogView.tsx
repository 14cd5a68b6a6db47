import { ActionIcon, Button, Menu, TextInput, Tooltip } from '@mantine/core';
import {
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconBug,
  IconChevronDown,
  IconChevronUp,
  IconDownload,
  IconSearch,
  IconTextWrap,
} from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type CSSProperties,
  type MouseEvent,
} from 'react';
import { siteUrl } from '@/api/client';
import { live, useLive } from '@/api/hooks';
import type { Log } from '@/api/types';
import { change, useSettings } from '@/app/settings';
import { useKeys } from '@/app/shortcuts';
import { count } from '@/domain/durations';
import { plain } from '@/domain/terminal';
import { Failed } from '@/parts/Answered';
import { LineText } from './LineText';
import { LogLines } from './lines';
import { Marks, Whereabouts, WINDOW } from './Overview';
import { useFirstError, useLogSearch, type FirstError } from './questions';
import classes from './LogView.module.css';

const LINE_HEIGHT = 20;

export interface Position {
  line?: number;
  to?: number;
  find?: string;
}

interface Props {
  log: Log;
  position: Position;
  /** The reader has chosen a line, a range, or a search: keep it in the address. */
  onPosition: (position: Position) => void;
  /** Opened because something failed: at its first error. */
  opensAtError: boolean;
  isFull: boolean;
  onFull: () => void;
}

/** A log: what is visible is fetched; it follows, finds, and links to lines. */
export function LogView({ log, position, onPosition, opensAtError, isFull, onFull }: Props) {
  if (log.type === 'h') return <HtmlLog log={log} />;
  if (log.type === 'd') {
    return <p className={classes.note}>This log has been deleted.</p>;
  }
  return (
    <TextLog
      key={log.logid}
      {...{ log, position, onPosition, opensAtError, isFull, onFull }}
    />
  );
}

/** HTML from a build is somebody else's: shown in a frame that may do nothing. */
function HtmlLog({ log }: { log: Log }) {
  return (
    <iframe
      className={classes.html}
      sandbox=""
      title={log.name}
      src={siteUrl(`api/v2/logs/${log.logid}/raw_inline`)}
    />
  );
}

function TextLog({ log, position, onPosition, opensAtError, isFull, onFull }: Props) {
  const settings = useSettings();
  const scroller = useRef<HTMLDivElement>(null);
  const lines = useMemo(
    () => LogLines.of(log.logid, log.type, log.num_lines),
    // The number of lines grows by events; it makes no other log.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
    [log.logid, log.type],
  );
  useEffect(() => () => lines.close(), [lines]);
  useSyncExternalStore(lines.watch, lines.snapshot);
  useGrowth(lines, log);
  const [first, setFirst] = useState(() => windowOf(position.line ?? 0));
  const [isUnfolded, setUnfolded] = useState(false);
  // The command and its environment are one line until somebody wants them.
  const isFolded = lines.heading > 2 && !isUnfolded && (position.line ?? lines.heading + 1) > lines.heading;
  const folded = isFolded && first === 0 ? lines.heading - 1 : 0;
  const [follows, setFollows] = useState(!log.complete && position.line === undefined && !opensAtError);
  const shown = Math.min(WINDOW, lines.length - first - folded);
  const virtual = useVirtualizer({
    count: Math.max(0, shown),
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 30,
  });
  const items = virtual.getVirtualItems();
  const from = first + folded + (items[0]?.index ?? 0);
  const to = first + folded + (items.at(-1)?.index ?? 60);
  useEffect(() => lines.want(from, to), [lines, from, to]);

  const jump = useCallback(
    (line: number, align: 'start' | 'center' | 'end' = 'center') => {
      const wanted = windowOf(line);
      setFirst(wanted);
      const above = wanted === 0 && line >= folded ? folded : 0;
      requestAnimationFrame(() => virtual.scrollToIndex(line - wanted - above, { align }));
    },
    [virtual, folded],
  );

  const [text, setText] = useState(position.find ?? '');
  const search = useLogSearch(log, text, lines.length);
  const [hit, setHit] = useState(-1);
  const goToHit = (step: 1 | -1) => {
    const all = search.numbers;
    if (all.length === 0) return;
    const here = hit < 0 ? nearest(all, from) - (step > 0 ? 1 : 0) : hit;
    const next = (here + step + all.length) % all.length;
    setHit(next);
    setFollows(false);
    jump(all[next] ?? 0);
  };
  const firstError = useFirstError(log, opensAtError);
  const goToError = () => {
    if (!firstError) return;
    setFollows(false);
    jump(firstError.line);
    onPosition({ ...position, line: firstError.line + 1, to: undefined });
  };

  useOpening({ lines, position, opensAtError, firstError, jump });
  useEffect(() => {
    if (follows && lines.length > 0) jump(lines.length - 1, 'end');
  }, [follows, lines.length, jump]);

  const searchBox = useRef<HTMLInputElement>(null);
  useKeys({
    f: () => searchBox.current?.focus(),
    e: goToError,
    w: () => change({ wrapLogs: !settings.wrapLogs }),
    G: () => setFollows(true),
    ...(search.numbers.length > 0 ? { n: () => goToHit(1), N: () => goToHit(-1) } : {}),
  });

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

  return (
    <div
      className={classes.log}
      data-full={isFull || undefined}
      data-grows={!log.complete || undefined}
      style={{ '--digits': Math.max(4, count(lines.length).length) } as CSSProperties}
    >
      <div className={classes.bar}>
        <TextInput
          ref={searchBox}
          className={classes.search}
          leftSection={<IconSearch size={14} />}
          placeholder="Search this log"
          aria-label="Search this log"
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setHit(-1);
          }}
          onBlur={() => onPosition({ ...position, find: text || undefined })}
          onKeyDown={(event) => {
            if (event.key === 'Enter') goToHit(event.shiftKey ? -1 : 1);
            if (event.key === 'Escape') {
              setText('');
              event.currentTarget.blur();
            }
          }}
          error={search.error}
        />
        <span className={classes.hits} aria-live="polite" hidden={text === ''}>
          {search.summary(hit)}
        </span>
        <ActionIcon.Group hidden={search.numbers.length === 0}>
          <ActionIcon variant="default" aria-label="Previous hit" onClick={() => goToHit(-1)}>
            <IconChevronUp size={15} />
          </ActionIcon>
          <ActionIcon variant="default" aria-label="Next hit" onClick={() => goToHit(1)}>
            <IconChevronDown size={15} />
          </ActionIcon>
        </ActionIcon.Group>
        {firstError && (
          <Tooltip label={`Line ${count(firstError.line + 1)}: ${firstError.rule}`}>
            <Button
              variant="light"
              color="red"
              aria-label="First error"
              className={classes.firstError}
              bg="var(--bg-failure)"
              c="var(--state-failure)"
              size="compact-sm"
              leftSection={<IconBug size={14} />}
              onClick={goToError}
            >
              First error
            </Button>
          </Tooltip>
        )}
        <span className={classes.space} />
        {!log.complete && (
          <Button
            variant={follows ? 'filled' : 'default'}
            size="compact-sm"
            aria-pressed={follows}
            onClick={() => setFollows(!follows)}
          >
            Follow
          </Button>
        )}
        <Tooltip label="Wrap long lines">
          <ActionIcon
            variant={settings.wrapLogs ? 'filled' : 'default'}
            aria-pressed={settings.wrapLogs}
            aria-label="Wrap long lines"
            onClick={() => change({ wrapLogs: !settings.wrapLogs })}
          >
            <IconTextWrap size={15} />
          </ActionIcon>
        </Tooltip>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="default" aria-label="Download">
              <IconDownload size={15} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component="a" href={siteUrl(`api/v2/logs/${log.logid}/raw`)} download>
              Download
            </Menu.Item>
            <Menu.Item component="a" href={siteUrl(`api/v2/logs/${log.logid}/raw_inline`)} target="_blank">
              Show as text
            </Menu.Item>
            <Menu.Item
              disabled={position.line === undefined}
              onClick={() => void copyChosen(lines, position)}
            >
              Copy the chosen lines
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Tooltip label={isFull ? 'Back to the build' : 'Fill the window'}>
          <ActionIcon variant="default" aria-label={isFull ? 'Back to the build' : 'Fill the window'} onClick={onFull}>
            {isFull ? <IconArrowsMinimize size={15} /> : <IconArrowsMaximize size={15} />}
          </ActionIcon>
        </Tooltip>
      </div>
      {lines.error && (
        <Failed error={lines.error} what="this log" retry={() => lines.retry()} />
      )}
      {lines.length > WINDOW && (
        <Whereabouts
          from={first + folded + (virtual.range?.startIndex ?? 0)}
          to={first + folded + (virtual.range?.endIndex ?? 0)}
          length={lines.length}
          onGo={(line) => {
            setFollows(false);
            jump(line, 'start');
          }}
        />
      )}
      <div
        className={classes.body}
        // What has ended takes as much room as it needs, and no more than there is.
        style={log.complete && !isFull ? { flexGrow: 0, flexBasis: virtual.getTotalSize() + 14 } : undefined}
      >
        <div
          ref={scroller}
          className={classes.scroller}
          data-wrap={settings.wrapLogs || undefined}
          tabIndex={0}
          role="region"
          aria-label={`Log ${log.name}`}
          onWheel={(event) => {
            if (event.deltaY < 0) setFollows(false);
          }}
          onScroll={(event) => {
            const box = event.currentTarget;
            const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 4;
            if (isAtEnd && first + WINDOW < lines.length) jump(first + WINDOW - 1, 'end');
            else if (isAtEnd && !log.complete) setFollows(true);
            else if (box.scrollTop === 0 && first > 0) jump(first, 'start');
          }}
        >
          {lines.length === 0 && (
            <p className={classes.note}>
              {log.complete ? 'The log is empty.' : 'Nothing has been written yet.'}
            </p>
          )}
          <div className={classes.sized} style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const index = first + item.index + (item.index > 0 ? folded : 0);
              if (folded > 0 && item.index === 0) {
                return (
                  <button
                    key={item.key}
                    type="button"
                    className={classes.fold}
                    style={{ transform: `translateY(${item.start}px)` }}
                    onClick={() => setUnfolded(true)}
                  >
                    ▸ {plain(lines.at(0)?.text ?? '')} <span>· {count(lines.heading)} lines about the command</span>
                  </button>
                );
              }
              const line = lines.at(index);
              return (
                <div
                  key={item.key}
                  data-index={item.index}
                  ref={settings.wrapLogs ? virtual.measureElement : undefined}
                  className={classes.line}
                  data-stream={line?.stream}
                  data-chosen={isChosen(index + 1) || undefined}
                  data-error={firstError?.line === index || undefined}
                  style={{ transform: `translateY(${item.start}px)` }}
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
                    <LineText line={line} find={text} />
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
        <Marks
          length={lines.length}
          from={from}
          to={to}
          hits={search.numbers}
          error={firstError?.line}
          onChoose={(line) => {
            setFollows(false);
            jump(line);
          }}
        />
      </div>
    </div>
  );
}

const windowOf = (line: number): number =>
  line < WINDOW ? 0 : Math.floor(line / (WINDOW / 2)) * (WINDOW / 2) - WINDOW / 4;

function nearest(sorted: readonly number[], line: number): number {
  const found = sorted.findIndex((one) => one >= line);
  return found < 0 ? sorted.length : found;
}

async function copyChosen(lines: LogLines, { line, to }: Position): Promise<void> {
  if (line === undefined) return;
  const texts: string[] = [];
  for (let number = line; number <= (to ?? line); number += 1) {
    texts.push(plain(lines.at(number - 1)?.text ?? ''));
  }
  await navigator.clipboard.writeText(`${texts.join('\n')}\n`);
}

/** Let the log grow as events say. */
function useGrowth(lines: LogLines, log: Log): void {
  useLive(log.complete ? null : `logs/${log.logid}/*`);
  useEffect(
    () =>
      live.listen(({ key, message }) => {
        if (key[0] === 'logs' && message.logid === log.logid) lines.grow(Number(message.num_lines));
      }),
    [lines, log.logid],
  );
  useEffect(() => lines.grow(log.num_lines), [lines, log.num_lines]);
}

interface Opening {
  lines: LogLines;
  position: Position;
  opensAtError: boolean;
  firstError: FirstError | undefined;
  jump: (line: number) => void;
}

/** Where the log opens: at the line of the address, at the first error, or at its beginning. */
function useOpening({ lines, position, opensAtError, firstError, jump }: Opening): void {
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current) return;
    if (position.line !== undefined) {
      opened.current = true;
      jump(position.line - 1);
    } else if (opensAtError && firstError && lines.length > firstError.line) {
      opened.current = true;
      jump(firstError.line);
    }
  });
}
