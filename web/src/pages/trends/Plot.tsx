import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { useZone } from '@/app/settings';
import { ROUND_SECONDS, exact } from '@/domain/durations';
import { closedOf, tailOf } from '@/domain/trends';
import classes from './Trends.module.css';

export interface Line {
  name: string;
  values: readonly (number | null)[];
  /** A CSS variable. */
  colour: string;
  dash?: number[];
  /** What stands behind each value above the plot. */
  beside?: readonly string[];
}

interface Props {
  label: string;
  /** Seconds since 1970. */
  times: readonly number[];
  lines: readonly Line[];
  /** A value as people read it. */
  text: (value: number) => string;
  /** What the moment of a value is called; by default its date and time. */
  momentOf?: (at: number) => string;
  /** Values are seconds: the axis has marks at minutes and hours. */
  isTime?: boolean;
  /** The last moment has not ended: what leads to it is dotted, since it may still change much. */
  isLastOpen?: boolean;
}

const HEIGHT = 176;

/** How moments are written below the plot, from years down to minutes: the day before the month. */
const DATES: uPlot.Axis.DynamicValues | (string | number | null)[][] = [
  [365 * 86_400, '{YYYY}', null, null, null, null, null, null, 1],
  [28 * 86_400, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [86_400, '{D} {MMM}', null, null, null, null, null, null, 1],
  [3_600, '{HH}:{mm}', '\n{D} {MMM}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{D} {MMM}', null, null, null, null, null, 1],
];

/** Values over time; the exact ones of the moment under the pointer stand above. */
export function Plot({ label, times, lines, text, momentOf, isTime = false, isLastOpen = false }: Props) {
  const { ref, width } = useElementSize<HTMLDivElement>();
  const place = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const zone = useZone();
  useEffect(() => {
    if (!place.current || width === 0) return undefined;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--dim'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px sans-serif',
    };
    // They lie below the lines, whose points cover where they begin.
    const tails = isLastOpen ? lines.map((line) => ({ line, values: tailOf(line.values) })) : [];
    const plot = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false },
        tzDate: (seconds) => (zone ? uPlot.tzDate(new Date(seconds * 1_000), zone) : new Date(seconds * 1_000)),
        padding: [8, 14, 0, 0],
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
        axes: [{ ...axis, space: 60, gap: 10, size: 34, values: DATES }, { ...axis, size: (_, ticks) => Math.max(30, ...(ticks ?? []).map((tick) => tick.length * 6.2 + 14)), ...(isTime ? { incrs: ROUND_SECONDS } : {}), values: (_, ticks) => ticks.map((tick) => text(tick)) }],
        series: [
          {},
          ...tails.map(({ line }) => ({
            stroke: colour(line.colour),
            width: 1.5,
            dash: [1, 4],
            spanGaps: true,
            points: { show: times.length < 60, size: 5, fill: colour('--mantine-color-body') },
          })),
          ...lines.map((line) => ({
            stroke: colour(line.colour),
            width: 2,
            dash: line.dash,
            points: { show: times.length < 60, size: 5, fill: colour(line.colour) },
          })),
        ],
        hooks: { setCursor: [(self) => setAt(self.cursor.idx ?? null)] },
      },
      [times as number[], ...tails.map(({ values }) => values), ...lines.map((line) => closedOf(line.values, isLastOpen))],
      place.current,
    );
    return () => plot.destroy();
  }, [times, lines, width, scheme, zone, text, isTime, isLastOpen]);
  // Of a day that has just begun there is nothing to tell yet.
  const latest = lines[0]?.values.findLastIndex((value) => value !== null) ?? -1;
  const shown = at ?? (latest < 0 ? times.length - 1 : latest);
  const moment = times[shown];
  return (
    <figure className={classes.plot}>
      <figcaption className={classes.values}>
        {moment !== undefined && <span className="dim">{momentOf ? momentOf(moment) : exact(moment, zone).slice(0, 16)}</span>}
        {lines.map((line) => {
          const value = line.values[shown];
          return (
            <span key={line.name}>
              <i style={{ borderTopColor: `var(${line.colour})`, borderTopStyle: line.dash ? 'dashed' : 'solid' }} aria-hidden />
              {line.name} <b>{value === null || value === undefined ? '–' : text(value)}</b>
              {value !== null && value !== undefined && line.beside?.[shown]}
            </span>
          );
        })}
      </figcaption>
      <div ref={ref}>
        <div ref={place} role="img" aria-label={label} style={{ minHeight: HEIGHT }} />
      </div>
    </figure>
  );
}
