import { Button, Group } from '@mantine/core';
import { Link, Navigate, getRouteApi } from '@tanstack/react-router';
import { Fragment } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Build, Builder, BuildRequest, Buildset, Why } from '@/api/types';
import { asSentence, propertyText, reasonText, shortRevision } from '@/domain/builds';
import { counted, duration } from '@/domain/durations';
import { resultOf, stateOf, WORDS } from '@/domain/states';
import { ActionButton, useActions } from '@/parts/ActionButton';
import { Answered, Empty } from '@/parts/Answered';
import { Copyable } from '@/parts/Copyable';
import { Ago, useNow } from '@/parts/Moment';
import { Card, Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { Queue } from './Queue';
import classes from './Request.module.css';

const route = getRouteApi('/buildrequests/$requestid');

/** One request: why it waits, or which builds came of it. */
export function RequestPage() {
  const { requestid } = route.useParams();
  const { redirect_to_build: follows } = route.useSearch();
  useLive('buildrequests/*/*', 'builds/*/*');
  const request = useRest<{ buildrequests: BuildRequest[] }>(`buildrequests/${requestid}`, { property: '*' }, { keep: false });
  const builds = useRest<{ builds: Build[] }>(`buildrequests/${requestid}/builds`, {}, { keep: false });
  const found = request.data?.buildrequests[0];
  const builder = useRest<{ builders: Builder[] }>(found ? `builders/${found.builderid}` : null);
  const newest = builds.data?.builds.at(-1);
  if (follows && newest) {
    return (
      <Navigate
        to="/builders/$builder/builds/$number"
        params={{ builder: String(newest.builderid), number: String(newest.number) }}
        replace
      />
    );
  }
  const name = builder.data?.builders[0]?.name ?? '';
  return (
    <Page title={name ? `${name} · request ${requestid}` : `Request ${requestid}`}>
      <Answered query={request} what="this request">
        {({ buildrequests: [row] }) =>
          row ? <Shown request={row} name={name} builds={builds.data?.builds ?? []} /> : <Empty title="It has been deleted" />
        }
      </Answered>
    </Page>
  );
}

function Shown({ request, name, builds }: { request: BuildRequest; name: string; builds: readonly Build[] }) {
  const now = useNow(request.complete ? null : 5);
  const isWaiting = !request.complete && !request.claimed;
  const path = `buildrequests/${request.buildrequestid}`;
  const why = useRest<{ why: Why[] }>(isWaiting ? `${path}/why` : null, {}, { staleTime: 2_000 });
  const buildset = useRest<{ buildsets: Buildset[] }>(`buildsets/${request.buildsetid}`);
  const refusal = useActions(path);
  const reason = buildset.data?.buildsets[0]?.reason;
  const stamps = (buildset.data?.buildsets[0]?.sourcestamps ?? []).filter(
    (stamp) => stamp.branch || stamp.revision || stamp.repository,
  );
  const set = Object.entries(request.properties ?? {}).filter(([, [value]]) => value !== null && value !== '');
  const state = isWaiting ? 'waiting' : request.complete ? resultOf(request.results) : 'running';
  return (
    <div className={classes.box}>
      <Card title="State">
        <div className={classes.row}>
          <StateMark state={state} size={20} />
          <div>
            <b>{WORDS[state]}</b>
            {isWaiting && <> for {duration(now - request.submitted_at)}</>}
            {isWaiting && why.data?.why[0] && <div>{asSentence(why.data.why[0].sentence)}</div>}
            {request.complete && builds.length === 0 && (
              <div>{request.end_reason ?? 'It ended without a build.'}</div>
            )}
          </div>
          {!request.complete && (
            <Group ml="auto">
              <ActionButton
                path={path}
                method="cancel"
                refusal={refusal('cancel')}
                asksReason
                color="red"
                variant="light"
                done="The request is being cancelled"
              >
                Cancel
              </ActionButton>
            </Group>
          )}
        </div>
      </Card>
      {isWaiting && <Queue request={request} builder={name} />}
      <Card title="Request">
        <dl className={classes.facts}>
          <dt>Builder</dt>
          <dd>
            <Link to="/builders/$builder" params={{ builder: String(request.builderid) }}>
              <b>{name}</b>
            </Link>
          </dd>
          <dt>Submitted</dt>
          <dd>
            <Ago at={request.submitted_at} />
          </dd>
          {reason && (
            <>
              <dt>Reason</dt>
              <dd>{reasonText(reason)}</dd>
            </>
          )}
          {stamps.map((stamp) => (
            <Fragment key={stamp.ssid}>
              <dt>{stamp.codebase || 'Source'}</dt>
              <dd className="mono">
                {[stamp.repository, stamp.branch].filter(Boolean).join(' · ')}{' '}
                {stamp.revision && <Copyable value={stamp.revision}>{shortRevision(stamp.revision)}</Copyable>}
              </dd>
            </Fragment>
          ))}
          {set.map(([property, [value]]) => (
            <Fragment key={property}>
              <dt className="mono">{property}</dt>
              <dd className="mono">{propertyText(value)}</dd>
            </Fragment>
          ))}
          <dt>Priority</dt>
          <dd>{request.priority}</dd>
        </dl>
      </Card>
      {builds.length > 0 && (
        <Card title={counted(builds.length, 'build')}>
          {builds.map((build) => (
            <div key={build.buildid} className={classes.row}>
              <StateMark state={stateOf(build)} />
              <Button
                variant="subtle"
                component={Link}
                to={`/builders/${build.builderid}/builds/${build.number}` as string}
              >
                {name} #{build.number}
              </Button>
              <span className="dim">{build.state_string}</span>
            </div>
          ))}
        </Card>
      )}
    </div>
  );
}
