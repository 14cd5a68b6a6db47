import { Button, Group, SegmentedControl } from '@mantine/core';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useMemo } from 'react';
import { useAgain, useLive, useRest } from '@/api/hooks';
import type { Builder, BuildRequest, WhyGroup } from '@/api/types';
import type { PendingSearch } from '@/app/routes';
import { useZone } from '@/app/settings';
import { asSentence } from '@/domain/builds';
import { count, counted, duration, exact } from '@/domain/durations';
import { explained, filtered, inOrder, narrowed, needsRequests, workersOf, type PendingOrder, type WaitingRequest } from '@/domain/pending';
import { useActions } from '@/parts/ActionButton';
import { Answered, Empty, SkeletonRows } from '@/parts/Answered';
import { CancelRequest } from '@/parts/CancelRequest';
import { FilterBox } from '@/parts/FilterBox';
import { Ago, useNow } from '@/parts/Moment';
import { Page } from '@/parts/Page';
import { Priority } from '@/parts/Priority';
import { SortChoice } from '@/parts/SortHead';
import { StateMark } from '@/parts/StateMark';
import { CancelAll } from './CancelAll';
import { ORDERS, RequestList } from './RequestList';
import classes from './Pending.module.css';

const route = getRouteApi('/pending');
const LONG = 600;
const REASONS = { limit: 200 };

/** All that waits, by reason, longest first: what somebody opens at 3 a.m.; or request by request. */
export function Pending() {
  const { q = '', view, sort = 'age' } = route.useSearch();
  const navigate = route.useNavigate();
  const now = useNow(10);
  useLive('buildrequests/*/*', 'builds/*/*', 'workers/*/*');
  const answer = useRest<{ why: WhyGroup[]; meta: { total: number } }>('buildrequests/why', REASONS);
  useAgain(['buildrequests', 'builds', 'workers'], 2, 'buildrequests/why', REASONS);
  const filter = useDeferredValue(q);
  const isFiltered = needsRequests(filter);
  const single = useRequests(view === 'list' || isFiltered);
  const groups = (answer.data?.why ?? []).toSorted((one, other) => one.oldest_submitted_at - other.oldest_submitted_at);
  const explainedOnes = explained(single.requests, groups, single.names);
  const waiting = filtered(explainedOnes, filter, now);
  const shown = isFiltered ? narrowed(groups, waiting) : groups;
  const requests = groups.reduce((sum, group) => sum + group.count, 0);
  const ask = (changed: Partial<PendingSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true, resetScroll: false });
  return (
    <Page
      title="Pending"
      heading={
        <>
          Pending{' '}
          {answer.data && (
            <span className="dim" style={{ fontWeight: 400 }}>
              {isFiltered && `${count(waiting.length)} of `}
              {counted(requests, 'request')}, {counted(shown.length, 'reason')}
            </span>
          )}
        </>
      }
      actions={
        <SegmentedControl
          size="xs"
          value={view ?? ''}
          onChange={(value) => ask({ view: value === 'list' ? 'list' : undefined })}
          data={[
            { value: '', label: 'By reason' },
            { value: 'list', label: 'List' },
          ]}
        />
      }
    >
      <div className={classes.tools}>
        <FilterBox
          value={q}
          onChange={(text) => ask({ q: text || undefined })}
          placeholder="Filter: builder:linux-* worker:arm-7 age:>10m"
          completions={{
            builder: [...new Set(groups.flatMap((group) => group.builders.map(({ name }) => name)))].toSorted(),
            worker: [...new Set(groups.flatMap(workersOf))].toSorted(),
            reason: [...new Set(groups.map(({ kind }) => kind))].toSorted(),
            age: ['>10m', '>1h', '>1d'],
            priority: ['>0', '<0'],
          }}
        />
        {view === 'list' && <SortChoice orders={ORDERS} sort={sort} onSort={(next) => ask({ sort: next as PendingOrder })} />}
      </div>
      <Answered query={answer} what="what waits" skeleton={<SkeletonRows />}>
        {() =>
          groups.length === 0 ? (
            <Empty title="Nothing waits">Every request has a build.</Empty>
          ) : single.isLoading ? (
            <SkeletonRows />
          ) : (view === 'list' ? waiting : shown).length === 0 ? (
            <Empty title="No waiting request fits the filter" />
          ) : view === 'list' ? (
            <RequestList waiting={inOrder(waiting, sort)} sort={sort} onSort={(next) => ask({ sort: next })} />
          ) : (
            <div className={classes.groups}>
              {shown.map((group) => (
                <ReasonGroup key={group.group} group={group} isNarrowed={isFiltered} />
              ))}
              {(answer.data?.meta.total ?? 0) > groups.length && (
                <p className="dim">{counted((answer.data?.meta.total ?? 0) - groups.length, 'more reason')}</p>
              )}
            </div>
          )
        }
      </Answered>
      {single.more > 0 && <p className={classes.more}>The newest {counted(single.more, 'request')} of these builders are left out.</p>}
    </Page>
  );
}

/** So many waiting requests are listed, and looked through for a filter. */
const LISTED = 2_000;
// By builder, as the master has them at hand.
const EACH = {
  complete: false,
  claimed: false,
  order: ['builderid', 'submitted_at'],
  limit: LISTED,
  field: ['buildrequestid', 'builderid', 'priority', 'submitted_at', 'complete', 'claimed'],
};
const NAMES = { field: ['builderid', 'name'] };

/** The waiting requests one by one, if they are wanted. */
function useRequests(isWanted: boolean) {
  const answer = useRest<{ buildrequests: WaitingRequest[]; meta: { total: number } }>(isWanted ? 'buildrequests' : null, EACH);
  const builders = useRest<{ builders: Builder[] }>(isWanted ? 'builders' : null, NAMES);
  const names = useMemo(
    () => new Map((builders.data?.builders ?? []).map((one) => [one.builderid, one.name])),
    [builders.data],
  );
  const requests = answer.data?.buildrequests ?? [];
  return {
    requests,
    names,
    more: isWanted ? Math.max(0, (answer.data?.meta.total ?? 0) - requests.length) : 0,
    isLoading: isWanted && answer.data === undefined && answer.error === null,
  };
}

const SHOWN = 12;

function ReasonGroup({ group, isNarrowed }: { group: WhyGroup; isNarrowed: boolean }) {
  const { open } = route.useSearch();
  const navigate = route.useNavigate();
  const now = useNow(10);
  const zone = useZone();
  const waited = now - group.oldest_submitted_at;
  const key = group.group;
  const isOpen = open === key;
  return (
    <section className={classes.group} data-long={waited > LONG || undefined}>
      <header className={classes.head}>
        <StateMark state="waiting" size={18} />
        <div className={classes.text}>
          <b>{asSentence(group.reason)}</b>
          <span className={classes.builders}>
            {group.builders.slice(0, SHOWN).map((builder) => (
              <Link
                key={builder.builderid}
                to="/builders/$builder"
                params={{ builder: String(builder.builderid) }}
                search={{ tab: 'pending' }}
                className={classes.builder}
              >
                {builder.name}
                {builder.count > 1 && <small>{count(builder.count)}</small>}
              </Link>
            ))}
            {group.builders.length > SHOWN && <span className="dim">+{count(group.builders.length - SHOWN)}</span>}
          </span>
        </div>
        <span className={classes.count}>
          <b>{counted(group.count, 'request')}</b>
          <small title={exact(group.oldest_submitted_at, zone)}>
            {group.count > 1 && 'oldest '}
            {duration(Math.max(0, waited))}
          </small>
        </span>
        <Group className={classes.buttons}>
          <Button
            variant="default"
            size="compact-sm"
            aria-expanded={isOpen}
            onClick={() => void navigate({ search: (before) => ({ ...before, open: isOpen ? undefined : key }), replace: true, resetScroll: false })}
          >
            {isOpen ? 'Close' : 'Show'}
          </Button>
          {/* It cancels the whole group, of which a filter shows a part. */}
          {!isNarrowed && <CancelAll group={group} />}
        </Group>
      </header>
      {isOpen && <Requests group={group} />}
    </section>
  );
}

function Requests({ group }: { group: WhyGroup }) {
  const ids = group.buildrequestids.slice(0, 50);
  const answer = useRest<{ buildrequests: BuildRequest[] }>('buildrequests', {
    buildrequestid: ids,
    order: 'buildrequestid',
    property: ['owner', 'reason', 'branch'],
  });
  const names = new Map(group.builders.map((one) => [one.builderid, one.name]));
  // One question for all of them, not one for each.
  const refusal = useActions(ids[0] === undefined ? null : `buildrequests/${ids[0]}`);
  return (
    <Answered query={answer} what="these requests">
      {({ buildrequests }) => (
        <ul className={classes.requests}>
          {buildrequests.map((request) => (
            <Request key={request.buildrequestid} request={request} name={names.get(request.builderid)} refusal={refusal} />
          ))}
          {group.count > ids.length && (
            <li className="dim">{counted(group.count - ids.length, 'more request')}</li>
          )}
        </ul>
      )}
    </Answered>
  );
}

interface RequestProps {
  request: BuildRequest;
  name: string | undefined;
  refusal: (action: string) => string | null;
}

function Request({ request, name, refusal }: RequestProps) {
  const owner = request.properties?.owner?.[0];
  return (
    <li className={classes.request}>
      <Link to="/buildrequests/$requestid" params={{ requestid: String(request.buildrequestid) }}>
        {name ?? request.builderid} · request {request.buildrequestid}
      </Link>
      <span className="dim truncate">{typeof owner === 'string' ? owner : ''}</span>
      <span className="dim">
        <Ago at={request.submitted_at} />
      </span>
      <Priority request={request} refusal={refusal('set_priority')} />
      <CancelRequest id={request.buildrequestid} refusal={refusal('cancel')} />
    </li>
  );
}
