import { Avatar, Button } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconExternalLink } from '@tabler/icons-react';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useLive, useRest } from '@/api/hooks';
import type { Build, Builder, Change, Why } from '@/api/types';
import { asSentence, firstLine, personName, shortRevision } from '@/domain/builds';
import { count, counted } from '@/domain/durations';
import { stateOf, type State } from '@/domain/states';
import { Answered, Empty, SkeletonRows } from '@/parts/Answered';
import { BuildTable } from '@/parts/BuildTable';
import { Copyable } from '@/parts/Copyable';
import { Ago } from '@/parts/Moment';
import { Card, Page } from '@/parts/Page';
import { StateMark } from '@/parts/StateMark';
import { Totals } from '@/parts/Totals';
import { Trust } from '@/parts/Trust';
import { linked } from '@/domain/links';
import classes from './Changes.module.css';

const route = getRouteApi('/changes/$changeid');
const BUILDS = 500;
const FILES = 30;

/** A change: what it says, what it touches, what schedulers did with it, and its builds. */
export function ChangePage() {
  const { changeid } = route.useParams();
  const answer = useRest<{ changes: Change[] }>(`changes/${changeid}`, {}, { keep: false });
  const found = answer.data?.changes[0];
  if (found) return <Shown key={found.changeid} change={found} />;
  return (
    <Page title={`Change ${changeid}`}>
      <Answered query={answer} what="this change" skeleton={<SkeletonRows />}>
        {() => <Empty title="This change does not exist" />}
      </Answered>
    </Page>
  );
}

function Shown({ change }: { change: Change }) {
  const id = change.changeid;
  useLive('builds/*/*');
  const builds = useRest<{ builds: Build[]; meta: { total: number } }>(`changes/${id}/builds`, {
    order: '-buildid',
    limit: BUILDS,
    property: ['branch', 'revision', 'got_revision'],
  });
  const builders = useRest<{ builders: Builder[] }>('builders', { field: ['builderid', 'name'] });
  const names = useMemo(
    () => new Map((builders.data?.builders ?? []).map((one) => [one.builderid, one.name])),
    [builders.data],
  );
  const subject = firstLine(change.comments) || 'No comment';
  return (
    <Page
      title={subject}
      mark={<Avatar size={28} radius="xl" name={personName(change.author)} color="initials" aria-hidden />}
      actions={<Neighbours id={id} />}
      meta={
        <>
          <b title={change.author}>{personName(change.author)}</b>
          {change.committer && change.committer !== change.author && (
            <span>committed by {personName(change.committer)}</span>
          )}
          <Trust of={change} />
          <Ago at={change.when_timestamp} />
          {change.branch && <Copyable value={change.branch} />}
          {change.revision && <Copyable value={change.revision}>{shortRevision(change.revision)}</Copyable>}
          {change.repository && <span className="mono">{change.repository}</span>}
          {change.project && <span>project {change.project}</span>}
          {change.codebase && <span>codebase {change.codebase}</span>}
          {change.category && <span>category {change.category}</span>}
          {change.revlink && /^https?:/.test(change.revlink) && (
            <a href={change.revlink} rel="noreferrer">
              View the commit <IconExternalLink size={13} aria-hidden />
            </a>
          )}
        </>
      }
    >
      <div className={classes.body}>
        <div className={classes.wide}>
          <Card title="Builds of this change" aside={<Totals states={(builds.data?.builds ?? []).map(stateOf)} />}>
            <Answered query={builds} what="the builds" skeleton={<SkeletonRows rows={4} />}>
              {({ builds: rows, meta }) =>
                rows.length === 0 ? (
                  <p className={classes.quiet}>Nothing has built it yet.</p>
                ) : (
                  <>
                    <BuildTable builds={failuresFirst(rows)} names={names} />
                    {meta.total > rows.length && (
                      <p className={classes.quiet}>
                        These are the newest {count(rows.length)} of {count(meta.total)} builds.
                      </p>
                    )}
                  </>
                )
              }
            </Answered>
          </Card>
        </div>
        <div>
          <Card title="Message" aside={`change ${id}`}>
            <p className={classes.message}>
              {linked(change.comments.trim()).map((part, index) =>
                part.url ? (
                  <a key={index} href={part.url} rel="noreferrer">
                    {part.text}
                  </a>
                ) : (
                  part.text
                ),
              )}
            </p>
          </Card>
          <Files files={change.files} />
        </div>
        <div>
          <Schedulers id={id} />
          <Properties change={change} />
        </div>
      </div>
    </Page>
  );
}

/** Links to the change before and the one after. */
function Neighbours({ id }: { id: number }) {
  const field = 'changeid';
  const older = useRest<{ changes: { changeid: number }[] }>('changes', { changeid__lt: id, order: '-changeid', limit: 1, field });
  const newer = useRest<{ changes: { changeid: number }[] }>('changes', { changeid__gt: id, order: 'changeid', limit: 1, field });
  return (
    <>
      <Neighbour id={older.data?.changes[0]?.changeid} text="Older" />
      <Neighbour id={newer.data?.changes[0]?.changeid} text="Newer" />
    </>
  );
}

function Neighbour({ id, text }: { id: number | undefined; text: 'Older' | 'Newer' }) {
  if (id === undefined) return null;
  return (
    <Button
      variant="default"
      component={Link}
      to={`/changes/${id}` as string}
      leftSection={text === 'Older' && <IconChevronLeft size={14} />}
      rightSection={text === 'Newer' && <IconChevronRight size={14} />}
    >
      {text}
    </Button>
  );
}

const WORST: readonly State[] = ['exception', 'failure'];
const rank = (build: Build): number => WORST.indexOf(stateOf(build));

/** What somebody has to look at comes first, failures before exceptions; else the newest. */
function failuresFirst(builds: readonly Build[]): Build[] {
  return builds.toSorted((one, other) => rank(other) - rank(one));
}

function Files({ files }: { files: readonly string[] }) {
  const [isAll, setAll] = useState(files.length <= FILES);
  if (files.length === 0) return null;
  return (
    <Card title="Files" aside={counted(files.length, 'file')}>
      <ul className={classes.rows}>
        {(isAll ? files : files.slice(0, FILES)).map((file) => (
          <li key={file}>
            <Copyable value={file} />
          </li>
        ))}
      </ul>
      {!isAll && (
        <Button variant="subtle" m={6} onClick={() => setAll(true)}>
          Show all {counted(files.length, 'file')}
        </Button>
      )}
    </Card>
  );
}

const MARKS: Record<string, State> = {
  built: 'success',
  not_wanted: 'skipped',
  unimportant: 'skipped',
  no_scheduler: 'skipped',
  not_seen: 'exception',
  is_retried: 'retry',
};

/** What each scheduler did with the change, and why. */
function Schedulers({ id }: { id: number }) {
  const answer = useRest<{ why: Why[] }>(`changes/${id}/why`);
  return (
    <Card title="What schedulers did with it">
      <Answered query={answer} what="what schedulers did" skeleton={<SkeletonRows rows={2} />}>
        {({ why }) => (
          <ul className={classes.rows}>
            {why.map((row, index) => (
              <li key={`${row.kind} ${index}`}>
                <StateMark state={MARKS[row.kind] ?? 'waiting'} size={14} hidden />
                {asSentence(row.sentence)}
              </li>
            ))}
            {why.length === 0 && <li className="dim">No scheduler has looked at it.</li>}
          </ul>
        )}
      </Answered>
    </Card>
  );
}

function Properties({ change }: { change: Change }) {
  const rows = Object.entries(change.properties);
  if (rows.length === 0) return null;
  return (
    <Card title="Properties" aside={count(rows.length)}>
      <ul className={classes.rows}>
        {rows.map(([name, [value]]) => (
          <li key={name}>
            <span className="mono dim">{name}</span>
            <span className="mono">{typeof value === 'string' ? value : JSON.stringify(value)}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
