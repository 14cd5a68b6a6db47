import { Button, Checkbox, Menu, SegmentedControl, TextInput } from '@mantine/core';
import { IconChevronDown, IconFilter } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useDeferredValue, useMemo, useState } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Builder } from '@/api/types';
import { change, useSettings } from '@/app/settings';
import { RECENT_BUILDERS, builderFacts, grouped, sorted, tallied, type SortKey } from '@/domain/builderList';
import { count } from '@/domain/durations';
import { matches, parseFilter } from '@/domain/filter';
import { Answered, Empty } from '@/parts/Answered';
import { FilterBox } from '@/parts/FilterBox';
import { Page } from '@/parts/Page';
import { BuilderTable } from './BuilderTable';
import { ForSelected } from './ForSelected';
import classes from './Builders.module.css';

const route = getRouteApi('/builders');

interface Project {
  projectid: number;
  name: string;
}

/** All builders in one table: filtered, sorted, grouped; thousands without a stutter. */
export function Builders() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const settings = useSettings();
  useLive('builders/*/*', 'builds/*/*');
  const answer = useRest<{ builders: Builder[] }>('builders', RECENT_BUILDERS);
  const projects = useRest<{ projects: Project[] }>('projects');
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [showsOld, setShowsOld] = useState(false);
  const filter = search.q ?? '';
  const sort = (search.sort ?? settings.builderOrder) as SortKey;
  const deferred = useDeferredValue(filter);
  const all = useMemo(
    () => (answer.data?.builders ?? []).filter((builder) => showsOld || builder.masterids.length > 0),
    [answer.data, showsOld],
  );
  const names = useMemo(
    () => new Map((projects.data?.projects ?? []).map((one) => [one.projectid, one.name])),
    [projects.data],
  );
  const tags = useMemo(() => [...new Set(all.flatMap((builder) => builder.tags))].sort(), [all]);
  // Sorted and described once, not for each letter of the filter.
  const ordered = useMemo(
    () =>
      sorted(all, sort).map((builder) => ({ builder, facts: builderFacts(builder, names) })),
    [all, names, sort],
  );
  const shown = useMemo(() => {
    const conditions = parseFilter(deferred);
    return ordered.filter(({ facts }) => matches(conditions, facts)).map(({ builder }) => builder);
  }, [ordered, deferred]);
  const tally = useMemo(() => tallied(all), [all]);
  const groups = useMemo(() => grouped(shown, search.group, names, sort === 'state'), [shown, search.group, names, sort]);
  const hasOld = (answer.data?.builders ?? []).some((builder) => builder.masterids.length === 0);
  const ask = (changed: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true, resetScroll: false });
  const sortBy = (next: SortKey) => {
    change({ builderOrder: next });
    ask({ sort: next });
  };
  const addTag = useCallback(
    (tag: string) =>
      void navigate({
        search: (before) => ({ ...before, q: `${before.q ?? ''} tag:${tag}`.trim() }),
        replace: true,
        resetScroll: false,
      }),
    [navigate],
  );
  return (
    <Page
      title="Builders"
      heading={
        <>
          Builders{' '}
          <span className="dim" style={{ fontWeight: 400, marginRight: 10 }}>
            {!answer.data ? '' : shown.length === all.length ? count(all.length) : `${count(shown.length)} of ${count(all.length)}`}
          </span>
          {TALLIES.map(([of, q]) => (
            <Tally key={of} word={of} number={tally[of]} isChosen={filter === q} onChoose={() => ask({ q: filter === q ? undefined : q })} />
          ))}
        </>
      }
      actions={
        <>
          <SegmentedControl
            size="xs"
            value={search.group ?? ''}
            onChange={(value) => ask({ group: (value || undefined) as typeof search.group })}
            data={[
              { value: '', label: 'List' },
              ...(names.size > 0 ? [{ value: 'project', label: 'By project' }] : []),
              ...(tags.length > 0 ? [{ value: 'tag', label: 'By tag' }] : []),
              { value: 'prefix', label: 'By name' },
            ]}
          />
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" rightSection={<IconChevronDown size={14} />} leftSection={<IconFilter size={14} />}>
                Filters
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Label>Common</Menu.Label>
              {COMMON.map(([name, text]) => (
                <Menu.Item key={text} onClick={() => ask({ q: text })}>
                  {name}
                </Menu.Item>
              ))}
              {settings.savedFilters.length > 0 && <Menu.Label>Saved</Menu.Label>}
              {settings.savedFilters.map((saved) => (
                <Menu.Item key={saved.name} onClick={() => ask({ q: saved.filter })}>
                  {saved.name}
                </Menu.Item>
              ))}
              <Menu.Divider />
              <SaveFilter filter={filter} />
            </Menu.Dropdown>
          </Menu>
        </>
      }
    >
      <div className={classes.tools}>
        <FilterBox
          value={filter}
          onChange={(q) => ask({ q: q || undefined })}
          placeholder="Filter: tag:linux state:failed -tag:nightly name~arm"
          completions={{
            tag: tags,
            state: ['passed', 'warnings', 'failed', 'exception', 'running', 'waiting', 'cancelled', 'unknown'],
            project: [...names.values()],
            name: [],
          }}
        />
        <Checkbox
          label="Needs attention first"
          checked={sort === 'state'}
          onChange={(event) => sortBy(event.currentTarget.checked ? 'state' : 'name')}
        />
        {hasOld && (
          <Checkbox
            label="also those that no master configures"
            checked={showsOld}
            onChange={(event) => setShowsOld(event.currentTarget.checked)}
          />
        )}
        {chosen.size > 0 && <ForSelected builders={all.filter((one) => chosen.has(one.builderid))} onClear={() => setChosen(new Set())} />}
      </div>
      <Answered query={answer} what="the builders">
        {() =>
          all.length === 0 ? (
            <Empty title="No builder is configured">
              Add one to <code>c['builders']</code> in <code>master.cfg</code>, then run{' '}
              <code>chargehand reconfig</code>.
            </Empty>
          ) : shown.length === 0 ? (
            <Empty title="No builder fits the filter">
              <Button variant="default" onClick={() => ask({ q: undefined })}>
                Remove the filter
              </Button>
            </Empty>
          ) : (
            <BuilderTable
              groups={groups}
              sort={sort}
              onSort={sortBy}
              chosen={chosen}
              onChoose={setChosen}
              onTag={addTag}
            />
          )
        }
      </Answered>
    </Page>
  );
}

const TALLIES = [
  ['failing', 'state:failed state:exception'],
  ['running', 'state:running'],
  ['waiting', 'is:waiting'],
] as const;

interface TallyProps {
  word: string;
  number: number;
  isChosen: boolean;
  onChoose: () => void;
}

/** How many builders are so; a click shows them, another one all again. */
function Tally({ word, number, isChosen, onChoose }: TallyProps) {
  if (number === 0) return null;
  return (
    <button type="button" className={classes.tally} data-of={word} aria-pressed={isChosen} onClick={onChoose}>
      {count(number)} {word}
    </button>
  );
}

const COMMON: readonly (readonly [string, string])[] = [
  ['Failed', 'state:failed state:exception'],
  ['Running', 'state:running'],
  ['With waiting requests', 'is:waiting'],
  ['Never built', 'state:unknown'],
];

function SaveFilter({ filter }: { filter: string }) {
  const { savedFilters } = useSettings();
  const [name, setName] = useState('');
  if (filter === '') return <Menu.Label>Type a filter to save it</Menu.Label>;
  const isSaved = savedFilters.some((one) => one.filter === filter);
  if (isSaved) {
    return (
      <Menu.Item onClick={() => change({ savedFilters: savedFilters.filter((one) => one.filter !== filter) })}>
        Forget this filter
      </Menu.Item>
    );
  }
  return (
    <form
      style={{ padding: 8 }}
      onSubmit={(event) => {
        event.preventDefault();
        change({ savedFilters: [...savedFilters, { name: name || filter, filter }] });
      }}
    >
      <TextInput
        label="Save this filter as"
        value={name}
        placeholder={filter}
        onChange={(event) => setName(event.currentTarget.value)}
        rightSectionWidth={52}
        rightSection={
          <Button type="submit" size="compact-xs">
            Save
          </Button>
        }
      />
    </form>
  );
}
