import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { Link, useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import type { Builder } from '@/api/types';
import { useZone } from '@/app/settings';
import { useKeys } from '@/app/shortcuts';
import { builderState } from '@/domain/builderList';
import { clock, duration } from '@/domain/durations';
import { WORDS, stateOf } from '@/domain/states';
import { blockAt, endOf, moved, startOf, ticksOf, zoomed, type Block, type View } from '@/domain/waterfall';
import { Failed } from '@/parts/Answered';
import { StateMark } from '@/parts/StateMark';
import { ROW, draw } from './draw';
import { useLanes } from './useLanes';
import classes from './Waterfall.module.css';

interface Props {
  builders: readonly Builder[];
  view: View;
  now: number;
  onView: (view: View) => void;
}

interface Seen {
  row: number;
  block: Block;
  x: number;
  y: number;
}

const NOTHING: readonly never[] = [];
/** The pointer hits blocks that are so many pixels away: narrow ones could not be reached. */
const SLACK = 3;
const AXIS = 30;

/** The lanes: names on the left, time on a canvas; what is in sight is fetched and drawn. */
export function Lanes({ builders, view, now, onView }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ref: measured, width, height: seenHeight } = useElementSize();
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const zone = useZone();
  const navigate = useNavigate();
  const [cursor, setCursor] = useState<{ row: number; buildid?: number } | null>(null);
  const [seen, setSeen] = useState<Seen | null>(null);
  const [top, setTop] = useState(0);
  const from = startOf(view, now);
  const to = endOf(view, now);
  const names = useVirtualizer({
    count: builders.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const height = Math.min(Math.max(seenHeight - AXIS, ROW), builders.length * ROW);
  const first = Math.max(0, Math.floor(top / ROW));
  const last = Math.min(builders.length - 1, Math.floor((top + height) / ROW));
  const ids = useMemo(() => builders.map((one) => one.builderid), [builders]);
  const { lanes, waits, isLoading, isCut, error, retry } = useLanes(ids, first, last, from, to);
  const laneOf = useCallback((row: number) => lanes.get(ids[row] ?? -1) ?? NOTHING, [lanes, ids]);
  const ticks = useMemo(
    () => ticksOf(from, to, Math.max(2, Math.floor(width / 92)), zone),
    [from, to, width, zone],
  );
  const colour = useMemo(() => {
    const known = new Map<string, string>();
    const style = getComputedStyle(document.documentElement);
    return (name: string) => {
      const value = known.get(name) ?? style.getPropertyValue(name).trim();
      known.set(name, value);
      return value;
    };
    // oxlint-disable-next-line exhaustive-deps -- the colours are others in the other scheme
  }, [scheme]);
  useEffect(() => {
    if (!canvas.current || width === 0) return undefined;
    const frame = requestAnimationFrame(() => {
      if (!canvas.current) return;
      draw(canvas.current, {
        from,
        to,
        now,
        width,
        height,
        top,
        lane: laneOf,
        waits: (row) => waits.get(ids[row] ?? -1) ?? NOTHING,
        rows: builders.length,
        ticks,
        cursor,
        colour,
      });
    });
    return () => cancelAnimationFrame(frame);
  });
  const blockUnder = (event: { clientX: number; clientY: number }): Seen | null => {
    const place = canvas.current?.getBoundingClientRect();
    if (!place) return null;
    const x = event.clientX - place.left;
    const y = event.clientY - place.top;
    const row = Math.floor((y + top) / ROW);
    const second = (to - from) / width;
    const block = blockAt(laneOf(row), from + x * second, SLACK * second, now);
    return block ? { row, block, x, y } : null;
  };
  const open = (block: Block) =>
    void navigate({ to: '/builders/$builder/builds/$number', params: { builder: String(block.builderid), number: String(block.number) } });
  const show = (row: number, block: Block | undefined) => {
    setCursor({ row, buildid: block?.buildid });
    names.scrollToIndex(row, { align: 'auto' });
    if (!block) return setSeen(null);
    const shift = block.started_at < from || block.started_at > to ? (block.started_at - from) / view.span - 0.5 : 0;
    if (shift !== 0) onView(moved(view, shift, now));
    setSeen({ row, block, x: Math.min(Math.max(((block.started_at - from) / (to - from)) * width, 0), width), y: row * ROW - top + ROW });
  };
  const step = (direction: 1 | -1) => {
    const row = cursor?.row ?? first;
    const lane = laneOf(row);
    const place = lane.findIndex((block) => block.buildid === cursor?.buildid);
    show(row, place < 0 ? lane.at(-1) : (lane[place + direction] ?? lane[place]));
  };
  const line = (direction: 1 | -1) => {
    const row = Math.min(Math.max((cursor?.row ?? first - 1) + direction, 0), builders.length - 1);
    show(row, laneOf(row).findLast((block) => block.started_at <= to && (block.complete_at ?? now) >= from));
  };
  useKeys({
    j: () => line(1),
    k: () => line(-1),
    h: () => step(-1),
    l: () => step(1),
    '+': () => onView(zoomed(view, 0.5, view.end === null ? 1 : 0.5, now)),
    '-': () => onView(zoomed(view, 2, view.end === null ? 1 : 0.5, now)),
    Enter: (event) => {
      const focused = event.target instanceof HTMLElement ? event.target.closest('a, button') : null;
      const block = cursor && laneOf(cursor.row).find((one) => one.buildid === cursor.buildid);
      if (focused instanceof HTMLElement) focused.click();
      else if (block) open(block);
    },
    Escape: () => setSeen(null),
  });
  const drag = useRef<{ x: number; view: View; hasMoved: boolean } | null>(null);
  useWheel(box, (event) => {
    const place = canvas.current?.getBoundingClientRect();
    if (!place) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const share = Math.min(Math.max((event.clientX - place.left) / width, 0), 1);
      onView(zoomed(view, 1.0015 ** event.deltaY, share, now));
    } else {
      const across = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (Math.abs(across) < Math.abs(event.shiftKey ? 0 : event.deltaY) || across === 0) return;
      event.preventDefault();
      onView(moved(view, across / width, now));
    }
  });
  if (error) return <Failed error={error} what="the builds" retry={retry} />;
  return (
    <div className={classes.frame}>
      <div
        ref={box}
        className={classes.box}
        role="region"
        aria-label="Builds by builder and time"
        tabIndex={0}
        aria-busy={isLoading}
        onScroll={(event) => {
          setTop(event.currentTarget.scrollTop);
          setSeen(null);
        }}
      >
        <div className={classes.axis}>
          <span className={classes.corner}>
            {isLoading ? 'Reading builds…' : isCut ? 'Too many: the oldest are left out' : 'Builder'}
          </span>
          <span className={classes.ticks}>
            {ticks.map((tick) => {
              const x = ((tick.at - from) / (to - from)) * width;
              return (
                x < width - 40 && (
                  <span key={tick.at} data-day={tick.isDay || undefined} style={{ left: x }}>
                    {tick.label}
                  </span>
                )
              );
            })}
          </span>
        </div>
        <div className={classes.body} style={{ height: builders.length * ROW }}>
          <canvas
            ref={canvas}
            className={classes.canvas}
            style={{ width, height }}
            data-grabs={seen === null || undefined}
            aria-hidden
            onPointerDown={(event) => {
              if (event.button !== 0) return;
              drag.current = { x: event.clientX, view, hasMoved: false };
              if (event.pointerType === 'mouse') event.currentTarget.setPointerCapture(event.pointerId);
            }}
            onPointerMove={(event) => {
              const start = drag.current;
              if (start === null) {
                const found = blockUnder(event);
                setSeen(found);
                setCursor(found ? { row: found.row, buildid: found.block.buildid } : null);
              } else if (start.hasMoved || Math.abs(event.clientX - start.x) > 4) {
                start.hasMoved = true;
                setSeen(null);
                onView(moved(start.view, (start.x - event.clientX) / width, now));
              }
            }}
            onPointerUp={(event) => {
              const wasDragged = drag.current?.hasMoved ?? true;
              drag.current = null;
              if (wasDragged) return;
              const found = blockUnder(event);
              if (found) open(found.block);
            }}
            onPointerCancel={() => {
              drag.current = null;
            }}
            onPointerLeave={() => {
              if (drag.current === null) setSeen(null);
            }}
          />
          {names.getVirtualItems().map((item) => {
            const builder = builders[item.index];
            return (
              builder && (
                <div
                  key={builder.builderid}
                  className={classes.name}
                  data-cursor={cursor?.row === item.index || undefined}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <StateMark state={builderState(builder)} size={13} />
                  <Link to="/builders/$builder" params={{ builder: String(builder.builderid) }} className="two-lines" title={builder.name}>
                    {builder.name}
                  </Link>
                </div>
              )
            );
          })}
        </div>
      </div>
      <div ref={measured} className={classes.measure} aria-hidden />
      <div className={classes.told} aria-live="polite">
        {seen && <Summary seen={seen} name={builders[seen.row]?.name ?? ''} width={width} height={height} now={now} zone={zone} />}
      </div>
    </div>
  );
}

interface SummaryProps {
  seen: Seen;
  name: string;
  width: number;
  height: number;
  now: number;
  zone: string | undefined;
}

/** What a build is, beside the pointer. */
function Summary({ seen, name, width, height, now, zone }: SummaryProps) {
  const { block } = seen;
  const state = stateOf(block);
  const isLow = seen.y > height - 110;
  return (
    <div
      className={classes.summary}
      style={{
        left: `clamp(0px, ${seen.x + 12}px, ${Math.max(0, width - 280)}px)`,
        top: seen.y + AXIS + (isLow ? -14 : 14),
        transform: isLow ? 'translateY(-100%)' : undefined,
      }}
    >
      <b>
        <StateMark state={state} size={14} hidden /> {name} #{block.number}
      </b>
      <span>
        {WORDS[state]}
        {block.state_string && state !== 'success' ? `: ${block.state_string}` : ''}
      </span>
      <span className="dim">
        {clock(block.started_at, zone)} – {block.complete_at === null ? 'now' : clock(block.complete_at, zone)} ·{' '}
        {duration((block.complete_at ?? now) - block.started_at)}
      </span>
    </div>
  );
}

/** Wheel events that may be kept from scrolling: React's own may not. */
function useWheel(box: RefObject<HTMLDivElement | null>, action: (event: WheelEvent) => void): void {
  const current = useRef(action);
  current.current = action;
  useEffect(() => {
    const place = box.current;
    const turned = (event: WheelEvent) => current.current(event);
    place?.addEventListener('wheel', turned, { passive: false });
    return () => place?.removeEventListener('wheel', turned);
  }, [box]);
}
