import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useState, type ReactNode } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Change } from '@/api/types';
import { useZone } from '@/app/settings';
import { useKeys } from '@/app/shortcuts';
import { cellOf } from '@/domain/built';
import { CHANGE_KEYS, changeQuery } from '@/domain/changeQuery';
import { byDay, dayName } from '@/domain/days';
import { count } from '@/domain/durations';
import { personName } from '@/domain/builds';
import { Answered, Empty } from '@/parts/Answered';
import { Calm } from '@/parts/Calm';
import { ChangeList } from '@/parts/ChangeList';
import { FilterBox } from '@/parts/FilterBox';
import { Page } from '@/parts/Page';
import { Totals } from '@/parts/Totals';
import { useBuilt } from '@/parts/useBuilt';
import classes from './Changes.module.css';

const route = getRouteApi('/changes');
const PAGE = 50;

interface Answer {
  changes: Change[];
  meta: { total: number };
}

/** All changes, newest first; those that come while somebody reads wait above the list. */
export function Changes() {
  const search = route.useSearch();
  const ask = route.useNavigate();
  useLive('changes/*/*');
  const [filter] = useDebouncedValue(search.q ?? '', 250);
  const { params, problem } = useMemo(() => changeQuery(filter), [filter]);
  const answer = useRest<Answer>(problem === '' ? 'changes' : null, {
    order: '-changeid',
    limit: PAGE,
    ...params,
    ...(search.before === undefined ? {} : { changeid__lt: search.before }),
  });
  const outcomes = useOutcomes(answer.data?.changes, search.before !== undefined, filter === '');
  const [cursor, setCursor] = useState(-1);
  const completions = useMemo(() => completionsOf(answer.data?.changes ?? []), [answer.data]);
  const turn = (before: number | undefined) => {
    setCursor(-1);
    void ask({ search: (now) => ({ ...now, before }) });
  };
  return (
    <Page
      title="Changes"
      heading={
        <>
          Changes <span className={classes.total}>{answer.data && count(answer.data.meta.total)}</span>
        </>
      }
    >
      <div className={classes.tools}>
        <FilterBox
          value={search.q ?? ''}
          onChange={(q) => void ask({ search: { q: q || undefined }, replace: true, resetScroll: false })}
          placeholder="Filter: author:ada branch:main repository:frob words"
          completions={completions}
        />
        {problem && <span className={classes.problem}>{problem}</span>}
      </div>
      {problem === '' && (
        <Answered query={answer} what="the changes">
          {({ changes: newest }) => (
            <Calm rows={newest} keyOf={changeId} list={`${filter} ${search.before ?? ''}`} noun="change">
              {(shown) => (
                <>
                  {shown.length === 0 && <Nothing isFiltered={filter !== '' || search.before !== undefined} />}
                  <ByDay changes={shown} cursor={cursor} onCursor={setCursor} outcomes={outcomes} />
                  <div className={classes.pages}>
                    {search.before !== undefined && (
                      <Button variant="default" onClick={() => turn(undefined)}>
                        Newest changes
                      </Button>
                    )}
                    {newest.length >= PAGE && (
                      <Button variant="default" onClick={() => turn(shown.at(-1)?.changeid)}>
                        Older changes
                      </Button>
                    )}
                  </div>
                </>
              )}
            </Calm>
          )}
        </Answered>
      )}
    </Page>
  );
}

type Outcomes = (change: Change) => ReactNode;

/** What builders made of each change, in as many questions as for one. A filter may find changes of years: those have none. */
function useOutcomes(changes: readonly Change[] | undefined, isOlder: boolean, isWanted: boolean): Outcomes {
  const times = isWanted ? (changes ?? []).map((change) => change.when_timestamp) : [];
  const oldest = times.length > 0 ? Math.min(...times) : undefined;
  const { built } = useBuilt(oldest, isOlder && times.length > 0 ? Math.max(...times) : undefined);
  return useCallback(
    (change) => {
      const attempts = [...(built.get(change.sourcestamp.ssid)?.values() ?? [])];
      if (attempts.length === 0) return null;
      return <Totals states={attempts.flatMap((of) => cellOf(of, '')?.state ?? [])} />;
    },
    [built],
  );
}

const changeId = (change: Change): number => change.changeid;

interface DaysProps {
  changes: readonly Change[];
  cursor: number;
  onCursor: (cursor: number) => void;
  outcomes: Outcomes;
}

/** The changes below the days on which they were made; `j` and `k` move, Enter opens. */
function ByDay({ changes, cursor, onCursor, outcomes }: DaysProps) {
  const zone = useZone();
  const navigate = useNavigate();
  useKeys({
    j: () => onCursor(Math.min(cursor + 1, changes.length - 1)),
    k: () => onCursor(Math.max(cursor - 1, 0)),
    Enter: () => {
      const change = changes[cursor];
      if (change) void navigate({ to: '/changes/$changeid', params: { changeid: String(change.changeid) } });
    },
  });
  const now = Date.now() / 1_000;
  return byDay(changes, (change) => change.when_timestamp, zone).map((day) => (
    <section key={`${day.key} ${day.rows[0]?.changeid}`}>
      <h2 className={classes.day}>{dayName(day.rows[0]?.when_timestamp ?? now, now, zone)}</h2>
      <ChangeList changes={day.rows} empty="" cursor={changes[cursor]?.changeid} aside={outcomes} isOfDay />
    </section>
  ));
}

function completionsOf(changes: readonly Change[]): Record<string, string[]> {
  const found: Record<string, Set<string>> = Object.fromEntries(CHANGE_KEYS.map((key) => [key, new Set<string>()]));
  for (const change of changes) {
    found.author?.add(personName(change.author));
    for (const key of ['branch', 'repository', 'project', 'codebase', 'category'] as const) {
      const value = change[key];
      if (value) found[key]?.add(value);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([key, values]) => [key, [...values].toSorted()]));
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No change fits the filter" />
  ) : (
    <Empty title="No change yet">
      A change source in <code>c['change_source']</code> brings them; or send one with <code>chargehand sendchange</code>.
    </Empty>
  );
}
