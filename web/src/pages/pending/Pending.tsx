import { Button, Group } from '@mantine/core';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useAgain, useLive, useRest } from '@/api/hooks';
import type { BuildRequest, WhyGroup } from '@/api/types';
import { useZone } from '@/app/settings';
import { asSentence } from '@/domain/builds';
import { count, counted, duration, exact } from '@/domain/durations';
import { ActionButton, useActions } from '@/parts/ActionButton';
import { Answered, Empty, SkeletonRows } from '@/parts/Answered';
import { Ago, useNow } from '@/parts/Moment';
import { Page } from '@/parts/Page';
import { Priority } from '@/parts/Priority';
import { StateMark } from '@/parts/StateMark';
import { CancelAll } from './CancelAll';
import classes from './Pending.module.css';

const route = getRouteApi('/pending');
const LONG = 600;
const REASONS = { limit: 200 };

/** All that waits, by reason, longest first: what somebody opens at 3 a.m. */
export function Pending() {
  useLive('buildrequests/*/*', 'builds/*/*', 'workers/*/*');
  const answer = useRest<{ why: WhyGroup[]; meta: { total: number } }>('buildrequests/why', REASONS);
  useAgain(['buildrequests', 'builds', 'workers'], 2, 'buildrequests/why', REASONS);
  const groups = (answer.data?.why ?? []).toSorted((one, other) => one.oldest_submitted_at - other.oldest_submitted_at);
  const requests = groups.reduce((sum, group) => sum + group.count, 0);
  return (
    <Page
      title="Pending"
      heading={
        <>
          Pending{' '}
          {answer.data && (
            <span className="dim" style={{ fontWeight: 400 }}>
              {counted(requests, 'request')}, {counted(groups.length, 'reason')}
            </span>
          )}
        </>
      }
    >
      <Answered query={answer} what="what waits" skeleton={<SkeletonRows />}>
        {() =>
          groups.length === 0 ? (
            <Empty title="Nothing waits">Every request has a build.</Empty>
          ) : (
            <div className={classes.groups}>
              {groups.map((group) => (
                <ReasonGroup key={group.group} group={group} />
              ))}
              {(answer.data?.meta.total ?? 0) > groups.length && (
                <p className="dim">{counted((answer.data?.meta.total ?? 0) - groups.length, 'more reason')}</p>
              )}
            </div>
          )
        }
      </Answered>
    </Page>
  );
}

const SHOWN = 12;

function ReasonGroup({ group }: { group: WhyGroup }) {
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
            onClick={() => void navigate({ search: { open: isOpen ? undefined : key }, replace: true, resetScroll: false })}
          >
            {isOpen ? 'Close' : 'Show'}
          </Button>
          <CancelAll group={group} />
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
  const path = `buildrequests/${request.buildrequestid}`;
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
      <ActionButton
        path={path}
        method="cancel"
        refusal={refusal('cancel')}
        asksReason
        variant="default"
        size="compact-xs"
        done="The request is being cancelled"
      >
        Cancel
      </ActionButton>
    </li>
  );
}
