import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Change } from '@/api/types';
import { useZone } from '@/app/settings';
import { useKeys } from '@/app/shortcuts';
import { CHANGE_KEYS, changeQuery } from '@/domain/changeQuery';
import { byDay, dayName } from '@/domain/days';
import { count, counted } from '@/domain/durations';
import { personName } from '@/domain/builds';
import { Answered, Empty } from '@/parts/Answered';
import { ChangeList } from '@/parts/ChangeList';
import { FilterBox } from '@/parts/FilterBox';
import { Page } from '@/parts/Page';
import classes from './Changes.module.css';

const route = getRouteApi('/changes');
const PAGE = 50;
/** Nearer to the top than this, in pixels, a reader has not begun to read. */
const TOP = 80;

interface Answer {
  changes: Change[];
  meta: { total: number };
}

/** All changes, newest first; those that come while somebody reads wait above the list. */
export function Changes() {
  const search = route.useSearch();
  const ask = route.useNavigate();
  const navigate = useNavigate();
  const zone = useZone();
  useLive('changes/*/*');
  const [filter] = useDebouncedValue(search.q ?? '', 250);
  const { params, problem } = useMemo(() => changeQuery(filter), [filter]);
  const answer = useRest<Answer>(problem === '' ? 'changes' : null, {
    order: '-changeid',
    limit: PAGE,
    ...params,
    ...(search.before === undefined ? {} : { changeid__lt: search.before }),
  });
  const { shown, waiting, show } = useCalm(answer.data?.changes, `${filter} ${search.before ?? ''}`);
  const [cursor, setCursor] = useState(-1);
  useKeys({
    j: () => setCursor(Math.min(cursor + 1, shown.length - 1)),
    k: () => setCursor(Math.max(cursor - 1, 0)),
    Enter: () => {
      const change = shown[cursor];
      if (change) void navigate({ to: '/changes/$changeid', params: { changeid: String(change.changeid) } });
    },
  });
  const completions = useMemo(() => completionsOf(answer.data?.changes ?? []), [answer.data]);
  const turn = (before: number | undefined) => {
    setCursor(-1);
    void ask({ search: (now) => ({ ...now, before }) });
  };
  const now = Date.now() / 1_000;
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
      {waiting > 0 && (
        <div className={classes.pill}>
          <Button radius="xl" onClick={show}>
            {counted(waiting, 'new change')}
          </Button>
        </div>
      )}
      {problem === '' && (
        <Answered query={answer} what="the changes">
          {() => (
            <>
              {shown.length === 0 && <Nothing isFiltered={filter !== '' || search.before !== undefined} />}
              {byDay(shown, (change) => change.when_timestamp, zone).map((day) => (
                <section key={`${day.key} ${day.rows[0]?.changeid}`}>
                  <h2 className={classes.day}>{dayName(day.rows[0]?.when_timestamp ?? now, now, zone)}</h2>
                  <ChangeList changes={day.rows} empty="" cursor={shown[cursor]?.changeid} />
                </section>
              ))}
              <div className={classes.pages}>
                {search.before !== undefined && (
                  <Button variant="default" onClick={() => turn(undefined)}>
                    Newest changes
                  </Button>
                )}
                {(answer.data?.changes.length ?? 0) >= PAGE && (
                  <Button variant="default" onClick={() => turn(shown.at(-1)?.changeid)}>
                    Older changes
                  </Button>
                )}
              </div>
            </>
          )}
        </Answered>
      )}
    </Page>
  );
}

/** The rows that are shown: new ones join them at once at the top of the page, else when asked for. */
function useCalm(changes: readonly Change[] | undefined, list: string) {
  const [known, setKnown] = useState({ list, newest: Number.POSITIVE_INFINITY });
  const newest = changes?.[0]?.changeid ?? 0;
  const limit = known.list === list ? known.newest : Number.POSITIVE_INFINITY;
  useEffect(() => {
    if (changes === undefined) return;
    const isReading = known.list === list && known.newest !== Number.POSITIVE_INFINITY && window.scrollY > TOP;
    if (!isReading) setKnown((now) => (now.list === list && now.newest === newest ? now : { list, newest }));
  }, [changes, list, newest, known]);
  const shown = useMemo(() => (changes ?? []).filter((change) => change.changeid <= limit), [changes, limit]);
  const show = () => {
    setKnown({ list, newest });
    window.scrollTo({ top: 0 });
  };
  return { shown, waiting: (changes?.length ?? 0) - shown.length, show };
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
