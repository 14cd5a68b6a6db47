import { Link, getRouteApi } from '@tanstack/react-router';
import { useLive, useRest } from '@/api/hooks';
import type { ForceScheduler, Scheduler } from '@/api/types';
import { count, counted } from '@/domain/durations';
import { matches, parseFilter } from '@/domain/filter';
import { ActionButton, useActions } from '@/parts/ActionButton';
import { Answered, Empty } from '@/parts/Answered';
import { FilterBox } from '@/parts/FilterBox';
import { Ago } from '@/parts/Moment';
import { Page } from '@/parts/Page';
import { RowTable, type Column } from '@/parts/RowTable';
import facts from '@/parts/Facts.module.css';

const route = getRouteApi('/schedulers');

interface Row {
  scheduler: Scheduler;
  form: ForceScheduler | undefined;
  refusal: string | null;
}

/** All schedulers, and whether they are on. */
export function Schedulers() {
  const { q = '' } = route.useSearch();
  const navigate = route.useNavigate();
  useLive('schedulers/*/*');
  const answer = useRest<{ schedulers: Scheduler[] }>('schedulers', { order: 'name' });
  const forms = useRest<{ forceschedulers: ForceScheduler[] }>('forceschedulers');
  const all = answer.data?.schedulers ?? [];
  // One question for all: rules about schedulers do not tell one from another by its number.
  const refusal = useActions(all[0] ? `schedulers/${all[0].schedulerid}` : null);
  const masters = new Set(all.flatMap((one) => one.master?.masterid ?? []));
  const conditions = parseFilter(q);
  const rows: Row[] = all
    .filter((one) =>
      matches(conditions, { name: [one.name.toLowerCase()], type: [one.type?.toLowerCase() ?? ''], state: [one.enabled ? 'on' : 'off'], master: [one.master?.name.toLowerCase() ?? ''] }),
    )
    .map((scheduler) => ({
      scheduler,
      form: forms.data?.forceschedulers.find((form) => form.name === scheduler.name),
      refusal: refusal('enable'),
    }));
  return (
    <Page title="Schedulers" heading={<>Schedulers <span className="dim" style={{ fontWeight: 400 }}>{count(all.length)}</span></>}>
      <div className={facts.tools}>
        <FilterBox
          value={q}
          onChange={(text) => void navigate({ search: { q: text || undefined }, replace: true })}
          placeholder="Filter: state:off type:Nightly"
          completions={{ state: ['on', 'off'], type: [...new Set(all.flatMap((one) => one.type ?? []))].sort(), name: [], master: [] }}
        />
      </div>
      <Answered query={answer} what="the schedulers">
        {() =>
          rows.length === 0 ? (
            <Empty title={all.length === 0 ? 'No scheduler is configured' : 'No scheduler fits the filter'} />
          ) : (
            <RowTable label="Schedulers" rows={rows} columns={COLUMNS.filter(({ name }) => name !== 'Master' || masters.size > 1)} keyOf={(row) => row.scheduler.schedulerid} />
          )
        }
      </Answered>
    </Page>
  );
}

/** When it submits a buildset next, or what it waits for. */
function Next({ of }: { of: Scheduler }) {
  if (!of.master) return <span className="dim">none: no master runs it</span>;
  if (!of.enabled)
    return (
      <>
        <b>none</b>: switched off
      </>
    );
  if (of.next_at === null) return <span className="dim">{of.waits_for && `waits for ${of.waits_for}`}</span>;
  return (
    <>
      <Ago at={of.next_at} />
      {of.waits_for?.includes(',') && <span className="dim"> ({of.waits_for})</span>}
    </>
  );
}

const COLUMNS: readonly Column<Row>[] = [
  { name: 'Name', width: 'minmax(160px, 1.2fr)', phone: 'line', cell: ({ scheduler }) => <b style={{ fontWeight: 550 }}>{scheduler.name}</b> },
  { name: 'Type', width: 'minmax(110px, 0.9fr)', cell: ({ scheduler }) => <span className="dim">{scheduler.type}</span> },
  { name: 'Next', width: 'minmax(150px, 1.2fr)', phone: 'line', cell: ({ scheduler }) => <Next of={scheduler} /> },
  {
    name: 'By hand',
    width: 'minmax(160px, 1.4fr)',
    phone: 'line',
    cell: ({ form }) =>
      form && (
        <span className="dim">
          form “{form.button_name || form.label || form.name}” for{' '}
          {form.builder_names.length === 1 ? form.builder_names[0] : counted(form.builder_names.length, 'builder')}
        </span>
      ),
  },
  {
    name: 'Master',
    width: 'minmax(140px, 1fr)',
    phone: 'hidden',
    cell: ({ scheduler }) => scheduler.master && <Link to="/masters" className="dim">{scheduler.master.name}</Link>,
  },
  {
    name: 'Switch',
    width: '110px',
    cell: ({ scheduler, refusal }) =>
      scheduler.master && (
        <ActionButton
          path={`schedulers/${scheduler.schedulerid}`}
          method="enable"
          params={{ enabled: !scheduler.enabled }}
          refusal={refusal}
          variant="default"
          done={`${scheduler.name} is ${scheduler.enabled ? 'off' : 'on'}`}
        >
          {scheduler.enabled ? 'Switch off' : 'Switch on'}
        </ActionButton>
      ),
  },
];
