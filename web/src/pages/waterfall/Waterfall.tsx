import { ActionIcon, Button, SegmentedControl } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconMinus, IconPlus } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useAgain } from '@/api/hooks';
import { useZone } from '@/app/settings';
import { counted, exact } from '@/domain/durations';
import { LONGEST, SHORTEST, endOf, isIdle, moved, spanName, startOf, zoomed, type View } from '@/domain/waterfall';
import { Answered, Empty } from '@/parts/Answered';
import { FilterBox } from '@/parts/FilterBox';
import { useNow } from '@/parts/Moment';
import { Page } from '@/parts/Page';
import { useBuilders } from '@/parts/useBuilders';
import { Lanes } from './Lanes';
import { useBusy } from './useLanes';
import classes from './Waterfall.module.css';

const route = getRouteApi('/waterfall');
const DEFAULT_SPAN = 6 * 3_600;
const SPANS = [3_600, 6 * 3_600, 86_400, 7 * 86_400, 30 * 86_400];
/** The address follows what is seen once it has come to rest. */
const REST = 300;
/** Builds that began and ended are heard of by their builders so often, in seconds. */
const AGAIN = 15;

/** Builder × time: when each builder built, waited, and with what result. */
export function Waterfall() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const zone = useZone();
  const filter = useDeferredValue(search.q ?? '');
  const builders = useBuilders(filter, true);
  const asked: View = {
    end: search.to ?? null,
    span: Math.min(Math.max(search.span ?? DEFAULT_SPAN, SHORTEST), LONGEST),
  };
  const [view, setView] = useState(asked);
  const key = `${asked.end} ${asked.span}`;
  // Back and forward of the browser lead to other addresses: they are what is seen then.
  useEffect(() => setView(asked), [key]); // oxlint-disable-line exhaustive-deps -- `key` says it all
  useEffect(() => {
    if (`${view.end} ${view.span}` === key) return undefined;
    const timer = setTimeout(() => {
      const to = view.end === null ? undefined : Math.round(view.end);
      const span = Math.round(view.span) === DEFAULT_SPAN ? undefined : Math.round(view.span);
      void navigate({ search: (before) => ({ ...before, to, span }), replace: true, resetScroll: false });
    }, REST);
    return () => clearTimeout(timer);
  }, [view, key, navigate]);
  // What ends now moves by a pixel or so each time; what is past does not move.
  const now = useNow(view.end === null ? Math.min(Math.max(view.span / 1_200, 1), 60) : 30);
  // By the address, not by what is seen: rows stay where they are while somebody drags.
  const from = Math.floor(startOf(asked, now));
  const busy = useBusy();
  useAgain(['builds'], AGAIN, 'builders', builders.params);
  const lively = useMemo(() => builders.shown.filter((one) => !isIdle(one, from, busy)), [builders.shown, from, busy]);
  const rows = search.all ? builders.shown : lively;
  const idle = builders.shown.length - lively.length;
  const ask = (changed: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...changed }), replace: true });
  const nearest = SPANS.find((span) => Math.abs(span - view.span) < span / 50);
  return (
    <Page
      title="Waterfall"
      meta={
        <span>
          {exact(startOf(view, now), zone).slice(0, 16)} – {view.end === null ? 'now' : exact(endOf(view, now), zone).slice(0, 16)}
        </span>
      }
      actions={
        <>
          <ActionIcon.Group>
            <Step label="Earlier" onClick={() => setView(moved(view, -0.5, now))} icon={<IconChevronLeft size={15} />} />
            <Step label="Later" onClick={() => setView(moved(view, 0.5, now))} icon={<IconChevronRight size={15} />} />
          </ActionIcon.Group>
          <Button variant="default" className={classes.now} disabled={view.end === null} onClick={() => setView({ ...view, end: null })}>
            Now
          </Button>
          <ActionIcon.Group className={classes.zoom}>
            <Step label="Less time (+)" onClick={() => setView(zoomed(view, 0.5, view.end === null ? 1 : 0.5, now))} icon={<IconPlus size={15} />} />
            <Step label="More time (-)" onClick={() => setView(zoomed(view, 2, view.end === null ? 1 : 0.5, now))} icon={<IconMinus size={15} />} />
          </ActionIcon.Group>
          <SegmentedControl
            size="xs"
            aria-label="How much time is seen"
            value={nearest === undefined ? '' : String(nearest)}
            onChange={(span) => setView({ ...view, span: Number(span) })}
            data={SPANS.map((span) => ({ value: String(span), label: spanName(span) }))}
          />
        </>
      }
    >
      <div className={classes.tools}>
        <FilterBox
          value={search.q ?? ''}
          onChange={(q) => ask({ q: q || undefined })}
          placeholder="Builders: tag:linux state:failed -tag:nightly name~arm"
          completions={builders.completions}
        />
        {idle > 0 && (
          <Button variant="subtle" onClick={() => ask({ all: search.all ? undefined : true })}>
            {search.all ? `Hide ${counted(idle, 'idle builder')}` : `Show ${counted(idle, 'idle builder')}`}
          </Button>
        )}
        <span className={classes.hint}>Drag to move in time; Ctrl and wheel, or + and -, to zoom; h j k l and Enter to open a build</span>
      </div>
      <Answered query={builders.answer} what="the builders">
        {() =>
          builders.shown.length === 0 ? (
            <Empty title={builders.all.length === 0 ? 'No builder is configured' : 'No builder fits the filter'} />
          ) : rows.length === 0 ? (
            <Empty title="Nothing was built in this time">Choose more time, or show the idle builders.</Empty>
          ) : (
            <Lanes builders={rows} view={view} now={now} onView={setView} />
          )
        }
      </Answered>
    </Page>
  );
}

function Step({ label, onClick, icon }: { label: string; onClick: () => void; icon: ReactNode }) {
  return (
    <ActionIcon variant="default" size={30} aria-label={label} data-tip={label} onClick={onClick}>
      {icon}
    </ActionIcon>
  );
}
