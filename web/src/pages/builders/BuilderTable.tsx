import { Link, useNavigate } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useLayoutEffect, useMemo, useRef, useState, type Dispatch, type SetStateAction } from 'react';
import type { Builder } from '@/api/types';
import { useKeys } from '@/app/shortcuts';
import { FALLING, builderState, lastBuild, markedBuild, tallied, type BuilderGroup, type SortKey } from '@/domain/builderList';
import { count, duration } from '@/domain/durations';
import { BAD, WORDS, stateOf } from '@/domain/states';
import { BuildStrip } from '@/parts/BuildStrip';
import { CauseText } from '@/parts/CauseText';
import { Ago } from '@/parts/Moment';
import { SortHead } from '@/parts/SortHead';
import { StateMark } from '@/parts/StateMark';
import { FailureLine } from '@/parts/FailureLine';
import classes from './Builders.module.css';

interface Props {
  groups: readonly BuilderGroup[];
  sort: SortKey;
  onSort: (sort: SortKey) => void;
  chosen: ReadonlySet<number>;
  onChoose: Dispatch<SetStateAction<ReadonlySet<number>>>;
  onTag: (tag: string) => void;
}

type Row = { kind: 'group'; name: string; builders: readonly Builder[] } | { kind: 'builder'; builder: Builder };

/** About how high a row is: the lists' bar is as long as it will be. */
function heightOf(row: Row | undefined): number {
  if (row?.kind === 'group') return 42;
  return row && BAD.has(builderState(row.builder)) ? 66 : 44;
}

const COLUMNS: readonly (readonly [SortKey | null, string, string?])[] = [
  ['state', 'State', 'short'],
  ['name', 'Name'],
  ['last', 'Last build'],
  [null, 'Builds'],
  ['rate', 'Passed, 30 d', 'number'],
  ['median', 'Median', 'number'],
  ['waiting', 'Waiting', 'number'],
];

export function BuilderTable({ groups, sort, onSort, chosen, onChoose, onTag }: Props) {
  const rows = useMemo<Row[]>(
    () =>
      groups.flatMap((group) => [
        ...(group.name === null
          ? []
          : [{ kind: 'group' as const, name: group.name, builders: group.builders }]),
        ...group.builders.map((builder) => ({ kind: 'builder' as const, builder })),
      ]),
    [groups],
  );
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: (index) => heightOf(rows[index]),
    overscan: 8,
    scrollMargin: top,
  });
  const [cursor, setCursor] = useState(-1);
  const navigate = useNavigate();
  const move = (step: number) => {
    let next = cursor + step;
    while (rows[next]?.kind === 'group') next += step;
    if (next < 0 || next >= rows.length) return;
    setCursor(next);
    virtual.scrollToIndex(next, { align: 'auto' });
  };
  const toggle = useCallback(
    (id: number) =>
      onChoose((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [onChoose],
  );
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    x: () => {
      const row = rows[cursor];
      if (row?.kind === 'builder') toggle(row.builder.builderid);
    },
    Enter: () => {
      const row = rows[cursor];
      if (row?.kind === 'builder')
        void navigate({ to: '/builders/$builder', params: { builder: String(row.builder.builderid) } });
    },
  });
  return (
    <div role="table" aria-label="Builders" aria-rowcount={rows.length} className={classes.table}>
      <div role="row" className={classes.header}>
        <span role="columnheader" aria-label="Selected" />
        {COLUMNS.map(([key, name, kind]) =>
          key === null ? (
            <span key={name} role="columnheader" data-kind={kind}>
              {name}
            </span>
          ) : (
            <SortHead key={name} name={name} by={key} sort={sort} onSort={(next) => onSort(next as SortKey)} isFalling={FALLING.has(key)} kind={kind} />
          ),
        )}
      </div>
      <div ref={list} role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index] as Row;
          return (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              role="presentation"
              className={classes.place}
              style={{ transform: `translateY(${item.start - top}px)` }}
            >
              {row.kind === 'group' ? (
                <div role="row" className={classes.group}>
                  <span role="rowheader">{row.name}</span>
                  <span role="cell" className={classes.counts}>
                    <Counts builders={row.builders} />
                  </span>
                </div>
              ) : (
                <BuilderRow
                  builder={row.builder}
                  isCursor={item.index === cursor}
                  isChosen={chosen.has(row.builder.builderid)}
                  onToggle={toggle}
                  onTag={onTag}
                />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** How many of a group fail, run and wait, and how many there are. */
function Counts({ builders }: { builders: readonly Builder[] }) {
  const tally = tallied(builders);
  return (
    <>
      {(['failing', 'running', 'waiting'] as const).map(
        (word) =>
          tally[word] > 0 && (
            <span key={word} className={classes.counted} data-of={word}>
              {count(tally[word])} {word}
            </span>
          ),
      )}
      <span className="dim">of {count(builders.length)}</span>
    </>
  );
}

interface RowProps {
  builder: Builder;
  isCursor: boolean;
  isChosen: boolean;
  onToggle: (id: number) => void;
  onTag: (tag: string) => void;
}

const BuilderRow = memo(function BuilderRow({ builder, isCursor, isChosen, onToggle, onTag }: RowProps) {
  const state = builderState(builder);
  const marked = markedBuild(builder);
  const last = lastBuild(builder);
  const [newest] = builder.recent_builds ?? [];
  const rate = builder.statistics?.success_rate;
  const median = builder.statistics?.median_seconds;
  const running = builder.running_count ?? 0;
  const waiting = builder.pending_count ?? 0;
  return (
    <div role="row" className={classes.row} data-cursor={isCursor || undefined} data-chosen={isChosen || undefined}>
      <span role="cell" className={classes.check}>
        <input
          type="checkbox"
          checked={isChosen}
          aria-label={`Select ${builder.name}`}
          onChange={() => onToggle(builder.builderid)}
        />
      </span>
      <span role="cell" className={classes.state}>
        <StateMark state={state} />
        {running > 0 && <StateMark state="running" size={14} />}
      </span>
      <span role="cell" className={classes.name}>
        <Link to="/builders/$builder" params={{ builder: String(builder.builderid) }} className={classes.link}>
          {builder.name}
        </Link>
        {builder.tags.length > 0 && (
          <span className={classes.tags}>
            {builder.tags.slice(0, 5).map((tag) => (
              <button key={tag} type="button" className={classes.tag} onClick={() => onTag(tag)} title={`Only builders with the tag ${tag}`}>
                {tag}
              </button>
            ))}
          </span>
        )}
        <span className={classes.cause}>
          {newest !== marked && builder.cause && <span className="faint">#{newest?.number} </span>}
          <CauseText cause={builder.cause} isShort />
        </span>
        {BAD.has(state) && marked && <FailureLine buildid={marked.buildid} />}
      </span>
      <span role="cell" className={classes.last}>
        {marked && last ? (
          <Link
            to="/builders/$builder/builds/$number"
            params={{ builder: String(builder.builderid), number: String(marked.number) }}
          >
            #{marked.number} {WORDS[stateOf(marked)]}
            <small>
              {last !== marked && `then #${last.number} ${WORDS[stateOf(last)]}, `}
              <Ago at={last.complete_at ?? last.started_at} />
            </small>
          </Link>
        ) : (
          <span className="faint">never built</span>
        )}
      </span>
      <span role="cell" className={classes.strip}>
        <BuildStrip builder={builder.builderid} builds={builder.recent_builds ?? []} />
      </span>
      <span role="cell" className={classes.number}>
        {rate !== null && rate !== undefined ? `${Math.round(rate * 100)} %` : ''}
      </span>
      <span role="cell" className={classes.number}>
        {median !== null && median !== undefined ? duration(median) : ''}
      </span>
      <span role="cell" className={classes.number} data-hot={waiting > 0 || undefined}>
        {waiting > 0 ? count(waiting) : ''}
      </span>
    </div>
  );
});
