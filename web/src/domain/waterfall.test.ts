import { describe, expect, it } from 'vitest';
import type { Builder } from '@/api/types';
import { blockAt, drawnOf, endOf, isIdle, lanesOf, moved, startOf, ticksOf, tilesOf, zoomed, type Block } from './waterfall';

const NOW = Date.UTC(2026, 10, 28, 12) / 1_000;
const block = (buildid: number, from: number, to: number | null, results: number | null = 0): Block => ({
  buildid, number: buildid, builderid: 1, started_at: NOW + from, complete: to !== null,
  complete_at: to === null ? null : NOW + to, results: to === null ? null : results, state_string: '',
});

describe('the part of time', () => {
  it('ends a little after now, and goes with the time', () => {
    expect(endOf({ end: null, span: 1_000 }, NOW)).toBe(NOW + 20);
    expect(startOf({ end: null, span: 1_000 }, NOW)).toBe(NOW - 980);
  });

  it('zooms around the pointer, and stays with the present at its right end', () => {
    const view = { end: NOW - 1_000, span: 10_000 };
    const near = zoomed(view, 0.5, 0.25, NOW);
    expect(near.span).toBe(5_000);
    expect(startOf(near, NOW) + 0.25 * near.span).toBe(startOf(view, NOW) + 0.25 * view.span);
    expect(zoomed({ end: null, span: 10_000 }, 2, 1, NOW)).toEqual({ end: null, span: 20_000 });
  });

  it('becomes live when it is moved into the future', () => {
    expect(moved({ end: NOW - 10, span: 100 }, 0.5, NOW).end).toBeNull();
    expect(moved({ end: null, span: 1_000 }, -1, NOW).end).toBe(NOW - 980);
  });

  it('is fetched in the same tiles while it moves a little, with one before', () => {
    const tiles = tilesOf(NOW - 3_600, NOW);
    expect(tilesOf(NOW - 3_500, NOW)).toEqual(tiles);
    expect(tiles[0]!.to).toBeLessThanOrEqual(NOW - 3_600);
    expect(tiles.at(-1)!.to).toBeGreaterThanOrEqual(NOW);
    expect(tilesOf(NOW - 30 * 86_400, NOW).length).toBeLessThanOrEqual(4);
  });
});

describe('lanes', () => {
  it('have each build once, the end of which is known, oldest first', () => {
    const lane = lanesOf([[block(2, -50, null), block(1, -100, -60)], [block(2, -50, -10, 2)], [block(2, -50, null)]]).get(1);
    expect(lane?.map((one) => [one.buildid, one.results])).toEqual([[1, 0], [2, 2]]);
  });

  it('are asked for what is under the pointer', () => {
    const lane = [block(1, -100, -60), block(2, -50, null)];
    expect(blockAt(lane, NOW - 80, 0, NOW)?.buildid).toBe(1);
    expect(blockAt(lane, NOW - 55, 2, NOW)).toBeUndefined();
    expect(blockAt(lane, NOW - 51, 2, NOW)?.buildid).toBe(2);
    expect(blockAt(lane, NOW - 1, 0, NOW)?.buildid).toBe(2);
  });

  it('show the worst of what shares a pixel', () => {
    const lane = [block(1, -1_000, -999), block(2, -998, -997, 2), block(3, -996, -995)];
    const drawn = drawnOf(lane, NOW - 10_000, NOW, 100, NOW);
    expect(drawn.map((one) => one.state)).toEqual(['failure']);
    expect(drawnOf(lane, NOW - 1_000, NOW - 990, 1_000, NOW)).toHaveLength(3);
    expect(drawnOf(lane, NOW - 10, NOW, 100, NOW)).toHaveLength(0);
  });
});

describe('the time axis', () => {
  it('has round times of the zone, and names days', () => {
    const ticks = ticksOf(NOW - 43_200, NOW, 8, 'Asia/Kolkata');
    expect(ticks.length).toBeLessThanOrEqual(8);
    expect(ticks.every((tick) => tick.isDay || tick.label.endsWith(':00'))).toBe(true);
    expect(ticksOf(NOW - 3 * 86_400, NOW, 5, 'UTC').map((tick) => tick.label).join(' ')).toMatch(/Fri,? 27 Nov/);
  });
});

const endedAt = (...ends: (number | null)[]) =>
  ({ builderid: 7, recent_builds: ends.map((complete_at) => ({ complete_at })) }) as unknown as Builder;

it('knows builders that built nothing since a moment', () => {
  expect(isIdle(endedAt(), NOW, new Set())).toBe(true);
  expect(isIdle(endedAt(NOW - 5, NOW - 9), NOW, new Set())).toBe(true);
  expect(isIdle(endedAt(NOW + 5, NOW - 9), NOW, new Set())).toBe(false);
  expect(isIdle(endedAt(null, NOW - 9), NOW, new Set())).toBe(false);
  expect(isIdle(endedAt(NOW - 5), NOW, new Set([7]))).toBe(false);
});
