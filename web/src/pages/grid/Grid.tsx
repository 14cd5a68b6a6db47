import { SegmentedControl, Select } from '@mantine/core';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useMemo } from 'react';
import { useGrowing } from '@/api/growing';
import type { Builder } from '@/api/types';
import { attemptsAt, cellOf, newestSources, type BuiltSet, type SourceColumn } from '@/domain/built';
import { shortRevision } from '@/domain/builds';
import { Answered, Empty, Failed } from '@/parts/Answered';
import { FilterBox } from '@/parts/FilterBox';
import { Matrix, type MatrixRow } from '@/parts/Matrix';
import { Page } from '@/parts/Page';
import { useBuilders } from '@/parts/useBuilders';
import { useBuilt } from '@/parts/useBuilt';
import classes from '../console/Console.module.css';

const route = getRouteApi('/grid');
/** So many of the newest buildsets are looked at for revisions. */
const SETS = 300;
const REVISIONS = [3, 5, 10, 20];

/** Builder × revision: the newest revisions of each branch. */
export function Grid() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const revisions = Math.min(Math.max(search.revisions ?? 5, 1), 50);
  const filter = useDeferredValue(search.q ?? '');
  const builders = useBuilders(filter);
  const sets = useGrowing<BuiltSet>(
    'buildsets',
    { order: '-bsid', limit: SETS, field: ['bsid', 'sourcestamps', 'submitted_at'] },
    () => true,
  );
  const branches = useMemo(
    () => [...new Set((sets.data?.rows ?? []).flatMap((set) => set.sourcestamps.map((stamp) => stamp.branch ?? '')))],
    [sets.data],
  );
  const sources = useMemo(
    () => newestSources(sets.data?.rows ?? [], revisions, search.branch),
    [sets.data, revisions, search.branch],
  );
  const since = useMemo(() => {
    const ids = new Set(sources.flat().flatMap((column) => [...column.ssids]));
    const times = (sets.data?.rows ?? [])
      .filter((set) => set.sourcestamps.some((stamp) => ids.has(stamp.ssid)))
      .map((set) => set.submitted_at);
    return times.length > 0 ? Math.min(...times) : undefined;
  }, [sets.data, sources]);
  const what = useBuilt(since);
  const ask = (changed: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true, resetScroll: false });
  return (
    <Page title="Grid" meta="The newest revisions of each branch on each builder.">
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
          data={branches.map((branch) => ({ value: branch || ' ', label: branch || 'no branch' }))}
          value={search.branch === undefined ? null : search.branch || ' '}
          onChange={(branch) => ask({ branch: branch === null ? undefined : branch.trim() })}
        />
        <SegmentedControl
          size="xs"
          aria-label="Revisions of each branch"
          value={String(revisions)}
          onChange={(value) => ask({ revisions: value === '5' ? undefined : Number(value) })}
          data={[...new Set([...REVISIONS, revisions])].toSorted((one, other) => one - other).map((one) => ({ value: String(one), label: `${one}` }))}
        />
        <span className="dim">revisions of each branch</span>
      </div>
      <Answered query={sets} what="what was built">
        {() =>
          sources.length === 0 ? (
            <Empty title={search.branch === undefined ? 'Nothing was built yet' : 'Nothing of this branch was built lately'}>
              Each revision that is built is a column here.
            </Empty>
          ) : (
            <Answered query={builders.answer} what="the builders">
              {() =>
                what.error ? (
                  <Failed error={what.error} what="what was built" retry={what.retry} />
                ) : builders.shown.length === 0 ? (
                  <Empty title="No builder fits the filter" />
                ) : (
                  <Shown sources={sources} builders={builders.shown} what={what} />
                )
              }
            </Answered>
          )
        }
      </Answered>
      {what.isCut && <div className={`${classes.pages} dim`}>There are too many builds to show all: the oldest are left out. A branch has fewer.</div>}
    </Page>
  );
}

interface ShownProps {
  sources: readonly (readonly SourceColumn[])[];
  builders: readonly Builder[];
  what: ReturnType<typeof useBuilt>;
}

function Shown({ sources, builders, what }: ShownProps) {
  const flat = useMemo(() => sources.flat(), [sources]);
  const rows = useMemo<MatrixRow[]>(
    () =>
      builders.map((builder) => ({
        key: String(builder.builderid),
        head: (
          <Link to="/builders/$builder" params={{ builder: String(builder.builderid) }} className="two-lines" title={builder.name}>
            {builder.name}
          </Link>
        ),
      })),
    [builders],
  );
  const groups = useMemo(
    () =>
      sources.map((columns) => ({
        label: columns[0]?.branch || 'no branch',
        columns: columns.map((column) => ({
          key: column.key,
          title: [column.branch, column.codebase, column.revision ?? 'the newest revision at the time'].filter(Boolean).join(' '),
          // One column has no room for its branch above it.
          head: (
            <span className="mono">
              {shortRevision(column.revision) || (columns.length === 1 && (column.branch || 'no branch')) || 'newest'}
            </span>
          ),
        })),
      })),
    [sources],
  );
  return (
    <Matrix
      label="Builders and revisions"
      corner={what.isLoading ? 'Reading what was built…' : 'Builder'}
      rows={rows}
      groups={groups}
      rowHeight={34}
      headHeight={122}
      cell={(row, column) => {
        const builder = builders[row];
        const source = flat[column];
        if (!builder || !source) return null;
        return cellOf(attemptsAt(what.built, source.ssids, builder.builderid), builder.name);
      }}
    />
  );
}
