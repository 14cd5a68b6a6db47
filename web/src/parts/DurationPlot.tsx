import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { useRest } from '@/api/hooks';
import type { Build } from '@/api/types';
import { counted, duration, roundAxis } from '@/domain/durations';
import { WORDS, stateOf } from '@/domain/states';

const BUILDS = 200;
const HEIGHT = 96;
const WIDTH = 760;

/** The durations of the last 200 builds as points in the colours of their results. */
export function DurationPlot({ builderid }: { builderid: number }) {
  const box = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const { data } = useRest<{ builds: Build[] }>(`builders/${builderid}/builds`, {
    complete: true,
    order: '-number',
    limit: BUILDS,
    field: ['number', 'results', 'started_at', 'complete_at', 'complete'],
  });
  const builds = data?.builds;
  useEffect(() => {
    const place = box.current;
    if (!place || !builds || builds.length < 3) return undefined;
    const rows = builds.toReversed();
    const took = rows.map((row) => (row.complete_at ?? 0) - row.started_at);
    const { end, step } = roundAxis(Math.max(...took));
    const marks = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step);
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const plot = new uPlot(
      {
        width: Math.min(WIDTH, place.clientWidth || WIDTH),
        height: HEIGHT,
        padding: [8, 8, 6, 0],
        cursor: { y: false, points: { size: 8 } },
        legend: { show: false },
        scales: { x: { time: false, range: (_, min, max) => [min - 1, max + 1] }, y: { range: [0, end] } },
        axes: [
          { show: false },
          {
            stroke: colour('--faint'),
            grid: { stroke: colour('--line'), width: 1 },
            ticks: { show: false },
            size: 58,
            font: '11px sans-serif',
            splits: () => marks,
            values: (_, ticks) => ticks.map((tick) => duration(tick)),
          },
        ],
        series: [
          {},
          {
            points: {
              show: (self, series) => {
                drawPoints(self, series, rows, colour);
                return false;
              },
            },
            paths: () => null,
          },
        ],
        hooks: {
          setCursor: [
            (self) => {
              const row = self.cursor.idx === null || self.cursor.idx === undefined ? undefined : rows[self.cursor.idx];
              place.title = row
                ? `#${row.number} ${WORDS[stateOf(row)]}, ${duration((row.complete_at ?? 0) - row.started_at)}`
                : '';
            },
          ],
        },
      },
      [rows.map((row) => row.number), took],
      place,
    );
    return () => plot.destroy();
  }, [builds, scheme]);
  if (!builds || builds.length < 3) return null;
  return (
    <figure style={{ flex: '1 1 320px', maxWidth: WIDTH }}>
      <figcaption>Duration of the last {counted(builds.length, 'ended build')}</figcaption>
      <div
        ref={box}
        style={{ minHeight: HEIGHT }}
        role="img"
        aria-label={`Durations of the last ${builds.length} builds`}
      />
    </figure>
  );
}

function drawPoints(plot: uPlot, series: number, rows: readonly Build[], colour: (name: string) => string): void {
  const { ctx } = plot;
  const ratio = devicePixelRatio;
  rows.forEach((row, index) => {
    const y = plot.data[series]?.[index];
    if (y === null || y === undefined) return;
    const left = plot.valToPos(row.number, 'x', true);
    const top = plot.valToPos(y, 'y', true);
    const state = stateOf(row);
    ctx.fillStyle = colour(`--state-${state}`);
    ctx.beginPath();
    // Failures are squares, as their marks are.
    if (state === 'failure' || state === 'exception') ctx.rect(left - 2.6 * ratio, top - 2.6 * ratio, 5.2 * ratio, 5.2 * ratio);
    else ctx.arc(left, top, 2.2 * ratio, 0, 2 * Math.PI);
    ctx.fill();
  });
}
