/** The waterfall's arithmetic: which part of time is seen, what is fetched for it, what lies where. */

import type { Build, Builder } from '@/api/types';
import { clock, momentFormat } from './durations';
import { stateOf, type State } from './states';

export type Block = Pick<
  Build,
  'buildid' | 'number' | 'builderid' | 'started_at' | 'complete' | 'complete_at' | 'results' | 'state_string'
>;

/** A part of time, in seconds. `end` null: it ends now, and goes with the time. */
export interface View {
  end: number | null;
  span: number;
}

export const SHORTEST = 600;
export const LONGEST = 92 * 86_400;
/** Builds are fetched by when they began; those that began earlier than this before a tile are not seen in it. */
const SMALLEST_TILE = 21_600;
/** How far a view that ends now reaches beyond it, as a part of its span. */
const AHEAD = 0.02;

export const startOf = (view: View, now: number): number => endOf(view, now) - view.span;
export const endOf = (view: View, now: number): number => view.end ?? now + view.span * AHEAD;

/** The view with another span, in which the moment at *share* (0: left, 1: right) stays where it is. */
export function zoomed(view: View, factor: number, share: number, now: number): View {
  const span = Math.min(Math.max(view.span * factor, SHORTEST), LONGEST);
  if (view.end === null && share > 0.9) return { end: null, span };
  const anchor = startOf(view, now) + view.span * share;
  return settled({ end: anchor + span * (1 - share), span }, now);
}

/** The view moved by a part of its span: positive is later. */
export function moved(view: View, share: number, now: number): View {
  return settled({ end: endOf(view, now) + view.span * share, span: view.span }, now);
}

/** Views that reach into the future go with the time instead. */
function settled(view: View, now: number): View {
  return view.end !== null && view.end >= now ? { ...view, end: null } : view;
}

export interface Tile {
  from: number;
  to: number;
}

/** The parts in which a view is fetched: the same ones while it moves a little, and one before it. */
export function tilesOf(from: number, to: number): Tile[] {
  const size = Math.max(SMALLEST_TILE, 2 ** Math.ceil(Math.log2(to - from)));
  const tiles: Tile[] = [];
  for (let start = (Math.floor(from / size) - 1) * size; start < to; start += size) tiles.push({ from: start, to: start + size });
  return tiles;
}

/** Blocks by builder, oldest first, each build once: what has ended is newer than what runs. */
export function lanesOf(parts: readonly (readonly Block[])[]): Map<number, Block[]> {
  const builds = new Map<number, Block>();
  for (const block of parts.flat()) {
    const known = builds.get(block.buildid);
    if (known === undefined || !known.complete) builds.set(block.buildid, block);
  }
  const lanes = new Map<number, Block[]>();
  for (const block of builds.values()) {
    const lane = lanes.get(block.builderid);
    if (lane) lane.push(block);
    else lanes.set(block.builderid, [block]);
  }
  for (const lane of lanes.values()) lane.sort((one, other) => one.started_at - other.started_at);
  return lanes;
}

/** Whether a builder has certainly built nothing since *from*, and has nothing to build. */
export function isIdle(builder: Builder, from: number, busy: ReadonlySet<number>): boolean {
  if (busy.has(builder.builderid)) return false;
  return (builder.recent_builds ?? []).every((build) => build.complete_at !== null && build.complete_at < from);
}

/** The block at a moment, or the nearest one within *slack* seconds. */
export function blockAt(lane: readonly Block[], moment: number, slack: number, now: number): Block | undefined {
  let found: Block | undefined;
  let nearest = slack;
  for (const block of lane) {
    const end = block.complete_at ?? now;
    const distance = moment < block.started_at ? block.started_at - moment : moment > end ? moment - end : 0;
    // Of two at the same place the later one is on top.
    if (distance <= nearest) {
      found = block;
      nearest = distance;
    }
  }
  return found;
}

const STEPS = [60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600];

export interface Tick {
  at: number;
  label: string;
  /** Midnight: a day begins. */
  isDay: boolean;
}

/** Marks of the time axis, at round times of the zone; at most *count* of them. */
export function ticksOf(from: number, to: number, count: number, zone?: string): Tick[] {
  const step = STEPS.find((one) => (to - from) / one <= count) ?? 2_592_000;
  const shift = zoneOffset(from, zone);
  const ticks: Tick[] = [];
  for (let local = Math.ceil((from + shift) / step) * step; local - shift <= to; local += step) {
    const at = local - shift;
    const isDay = local % 86_400 === 0;
    ticks.push({ at, isDay, label: isDay ? dayLabel(at, zone) : clock(at, zone, false) });
  }
  return ticks;
}

function dayLabel(moment: number, zone?: string): string {
  return momentFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: zone }).format(
    new Date(moment * 1_000),
  );
}

/** Seconds that the zone is ahead of UTC. */
export function zoneOffset(moment: number, zone?: string): number {
  const name = momentFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
    .formatToParts(new Date(moment * 1_000))
    .find((part) => part.type === 'timeZoneName')?.value;
  const [, sign, hours, minutes] = /([+-])(\d+):(\d+)/.exec(name ?? '') ?? [];
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 3_600 + Number(minutes) * 60);
}

/** A span in one short word: `6 h`, `1 d`, `30 d`. */
export function spanName(span: number): string {
  if (span < 3_500) return `${Math.round(span / 60)} min`;
  if (span < 85_000) return `${Math.round(span / 3_600)} h`;
  return `${Math.round(span / 86_400)} d`;
}

export interface Drawn {
  x: number;
  width: number;
  state: State;
  block: Block;
}

const WORSE: Record<State, number> = {
  failure: 9,
  exception: 8,
  running: 7,
  warnings: 6,
  retry: 5,
  cancelled: 4,
  waiting: 3,
  success: 2,
  skipped: 1,
  unknown: 0,
};

/** What is drawn of a lane: of blocks that share a pixel, the worst. */
export function drawnOf(lane: readonly Block[], from: number, to: number, width: number, now: number): Drawn[] {
  const scale = width / (to - from);
  const found: Drawn[] = [];
  for (const block of lane) {
    const end = block.complete_at ?? now;
    if (end < from || block.started_at > to) continue;
    const x = (block.started_at - from) * scale;
    const drawn = { x, width: Math.max(2, (end - block.started_at) * scale), state: stateOf(block), block };
    const last = found.at(-1);
    if (last && x - last.x < 1.5 && last.width <= 3) {
      if (WORSE[drawn.state] >= WORSE[last.state]) found[found.length - 1] = { ...drawn, x: last.x };
    } else found.push(drawn);
  }
  return found;
}
