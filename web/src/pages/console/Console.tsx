import { Button, Checkbox, Select } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useMemo } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Builder, Change } from '@/api/types';
import { byTags, cellOf, outcomeOf } from '@/domain/built';
import { firstLine, personName, shortRevision } from '@/domain/builds';
import { useZone } from '@/app/settings';
import { dayKey, dayName } from '@/domain/days';
import { BAD } from '@/domain/states';
import { Answered, Empty, Failed } from '@/parts/Answered';
import { FilterBox } from '@/parts/FilterBox';
import { Matrix, type MatrixRow } from '@/parts/Matrix';
import { TimeOfDay } from '@/parts/Moment';
import { Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { useBuilders } from '@/parts/useBuilders';
import { useBuilt } from '@/parts/useBuilt';
import classes from './Console.module.css';

const route = getRouteApi('/console');
const CHANGES = 40;

/** Change × builder: what each of the newest changes did to each builder. */
export function Console() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  useLive('changes/*/*');
  const changes = useRest<{ changes: Change[] }>('changes', {
    order: '-changeid',
    limit: CHANGES,
    ...(search.branch === undefined ? {} : { branch: search.branch }),
    ...(search.before === undefined ? {} : { changeid__lt: search.before }),
  });
  const filter = useDeferredValue(search.q ?? '');
  const builders = useBuilders(filter);
  const rows = changes.data?.changes;
  const times = rows?.map((change) => change.when_timestamp) ?? [];
  const oldest = times.length > 0 ? Math.min(...times) : undefined;
  // A page of older changes ends at its newest; the first page is open to what comes.
  const newest = search.before === undefined || times.length === 0 ? undefined : Math.max(...times);
  const what = useBuilt(oldest, newest);
  const branches = useMemo(
    () => [...new Set([...(search.branch ? [search.branch] : []), ...(rows ?? []).flatMap((one) => one.branch ?? [])])].toSorted(),
    [rows, search.branch],
  );
  const ask = (changed: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true, resetScroll: false });
  return (
    <Page title="Console" meta="What each change did to each builder. Newest changes first.">
      <div className={classes.tools}>
        <FilterBox
          value={search.q ?? ''}
          onChange={(q) => ask({ q: q || undefined })}
          placeholder="Builders: tag:linux state:failed -tag:nightly name~arm"
          completions={builders.completions}
        />
        <Select
          aria-label="Branch"
          placeholder="All branches"
          clearable
          w={180}
          data={branches}
          value={search.branch ?? null}
          onChange={(branch) => ask({ branch: branch ?? undefined, before: undefined })}
        />
        <Checkbox
          className={classes.all}
          label="also builders that built none of these"
          checked={search.all ?? false}
          onChange={(event) => ask({ all: event.currentTarget.checked || undefined })}
        />
      </div>
      <Answered query={changes} what="the changes">
        {({ changes: found }) =>
          found.length === 0 ? (
            <Empty title={search.branch || search.before ? 'No such change' : 'No change yet'}>
              Each change is a row here, and the builders that build it are its columns.
            </Empty>
          ) : (
            <Answered query={builders.answer} what="the builders">
              {() =>
                what.error ? (
                  <Failed error={what.error} what="what was built" retry={what.retry} />
                ) : (
                  <Shown changes={found} builders={builders.shown} what={what} isAll={search.all ?? false} />
                )
              }
            </Answered>
          )
        }
      </Answered>
      <div className={classes.pages}>
        {search.before !== undefined && (
          <Button variant="default" onClick={() => ask({ before: undefined })}>
            Newest changes
          </Button>
        )}
        {rows !== undefined && rows.length === CHANGES && (
          <Button variant="default" onClick={() => ask({ before: rows.at(-1)?.changeid })}>
            Older changes
          </Button>
        )}
        {what.isCut && <span className="dim">There are too many builds to show all: the oldest are left out. A branch has fewer.</span>}
      </div>
    </Page>
  );
}

interface ShownProps {
  changes: readonly Change[];
  builders: readonly Builder[];
  what: ReturnType<typeof useBuilt>;
  isAll: boolean;
}

function Shown({ changes, builders, what, isAll }: ShownProps) {
  const zone = useZone();
  const isNarrow = useMediaQuery('(max-width: 600px)', false, { getInitialValueInEffect: false });
  const { built, isLoading } = what;
  const columns = useMemo(() => {
    const busy = new Set(changes.flatMap((change) => [...(built.get(change.sourcestamp.ssid)?.keys() ?? [])]));
    return byTags(isAll ? builders : builders.filter((builder) => busy.has(builder.builderid)));
  }, [built, builders, changes, isAll]);
  const flat = useMemo(() => columns.flatMap((group) => group.builders), [columns]);
  const outcomes = useMemo(
    () => changes.map((change) => outcomeOf(built.get(change.sourcestamp.ssid), flat)),
    [built, changes, flat],
  );
  const rows = useMemo<MatrixRow[]>(() => {
    const now = Date.now() / 1_000;
    return changes.map((change, index) => {
      const before = changes[index - 1];
      const isNewDay = !before || dayKey(before.when_timestamp, zone) !== dayKey(change.when_timestamp, zone);
      const bad = (outcomes[index]?.cells ?? []).filter(({ cell }) => BAD.has(cell.state)).length;
      return {
        key: String(change.changeid),
        head: <Head change={change} bad={bad} />,
        group: isNewDay ? dayName(change.when_timestamp, now, zone) : undefined,
      };
    });
  }, [changes, outcomes, zone]);
  const groups = useMemo(
    () =>
      columns.map((group) => ({
        label: group.label || (columns.length > 1 ? 'others' : ''),
        columns: group.builders.map((builder) => ({
          key: String(builder.builderid),
          title: builder.name,
          head: (
            <Link to="/builders/$builder" params={{ builder: String(builder.builderid) }} tabIndex={-1}>
              {builder.name}
            </Link>
          ),
        })),
      })),
    [columns],
  );
  if (isNarrow) return <ByChange rows={rows} outcomes={outcomes} isLoading={isLoading} />;
  return (
    <Matrix
      label="Changes and builders"
      corner={isLoading ? 'Reading what was built…' : flat.length === 0 ? 'No builder that fits built these changes' : 'Change'}
      rows={rows}
      groups={groups}
      cell={(row, column) => {
        const builder = flat[column];
        const stamp = changes[row]?.sourcestamp.ssid;
        if (!builder || stamp === undefined) return null;
        return cellOf(built.get(stamp)?.get(builder.builderid), builder.name);
      }}
    />
  );
}

interface ByChangeProps {
  rows: readonly MatrixRow[];
  outcomes: readonly ReturnType<typeof outcomeOf>[];
  isLoading: boolean;
}

/** Where there is no room for a table: of each change the builders that did not pass, and how many did. */
function ByChange({ rows, outcomes, isLoading }: ByChangeProps) {
  return (
    <ul className={classes.list} aria-label="Changes and builders" aria-busy={isLoading}>
      {rows.map((row, index) => {
        const { cells = [], passed = 0 } = outcomes[index] ?? {};
        return (
          <li key={row.key}>
            {row.group !== undefined && <div className={classes.day}>{row.group}</div>}
            {row.head}
            <div className={classes.outcome}>
              {cells.map(({ name, cell }) => (
                <Link key={name} to={cell.to} title={cell.title}>
                  <StateMark state={cell.state} size={14} /> {name}
                </Link>
              ))}
              {passed > 0 && (
                <span className="dim">
                  <StateMark state="success" size={14} hidden /> {passed} passed
                </span>
              )}
              {cells.length === 0 && passed === 0 && !isLoading && <span className="dim">not built</span>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function Head({ change, bad }: { change: Change; bad: number }) {
  return (
    <div className={classes.head}>
      <Link to="/changes/$changeid" params={{ changeid: String(change.changeid) }} className="truncate" title={change.comments}>
        {firstLine(change.comments) || 'No comment'}
      </Link>
      <span className={classes.facts}>
        <span className="mono">{shortRevision(change.revision)}</span>
        <span className="truncate">{personName(change.author)}</span>
        {change.branch && <span className={`mono truncate ${classes.branch}`}>{change.branch}</span>}
        {bad > 0 && (
          <span className={classes.bad} title={`${bad} of its builds failed`}>
            <StateMark state="failure" size={12} /> {bad}
          </span>
        )}
        <span className={classes.when}>
          <TimeOfDay at={change.when_timestamp} />
        </span>
      </span>
    </div>
  );
}
