import { Button, Code, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Link, getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { query, siteUrl, type Params } from '@/api/client';
import { useRest } from '@/api/hooks';
import type { AuditSearch } from '@/app/routes';
import { counted } from '@/domain/durations';
import { Answered, Empty } from '@/parts/Answered';
import { Ago } from '@/parts/Moment';
import { Page } from '@/parts/Page';
import classes from './Audit.module.css';

interface Entry {
  auditid: number;
  happened_at: number;
  kind: string;
  action: string;
  path: string;
  user: string;
  origin: string;
  is_allowed: boolean;
  details: Record<string, unknown>;
  reason: string;
}

const route = getRouteApi('/audit');
const PAGE = 100;
const KINDS = ['order', 'login', 'token', 'configuration', 'secret'];

/** Who did what, from where, and what was refused. */
export function Audit() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const ask = (changed: Partial<AuditSearch>) =>
    void navigate({ search: (before) => ({ ...before, before: undefined, ...changed }), replace: true });
  const filters: Params = {
    ...(search.kind ? { kind: search.kind } : {}),
    ...(search.user ? { user: search.user } : {}),
    ...(search.action ? { action__contains: search.action } : {}),
    ...(search.refused ? { is_allowed: false } : {}),
  };
  const entries = useRest<{ audit: Entry[]; meta: { total: number } }>('audit', {
    ...filters,
    ...(search.before ? { auditid__lt: search.before } : {}),
    order: '-auditid',
    limit: PAGE,
  });
  // What filters nothing is not shown.
  const isRefused = entries.isError && entries.data === undefined;
  return (
    <Page
      title="Audit log"
      meta={entries.data && <span>{counted(entries.data.meta.total, 'entry', 'entries')}</span>}
      actions={
        !isRefused && (
          <Button
            component="a"
            variant="default"
            href={siteUrl(`api/v2/audit`) + query({ ...filters, order: '-auditid' })}
            download="audit.json"
          >
            Download as JSON
          </Button>
        )
      }
    >
      <div className={classes.tools} hidden={isRefused}>
        <Select
          aria-label="Kind"
          placeholder="Every kind"
          data={KINDS}
          value={search.kind ?? null}
          onChange={(kind) => ask({ kind: kind ?? undefined })}
          clearable
          w={150}
        />
        <Narrow name="User" value={search.user} onChange={(user) => ask({ user })} />
        <Narrow name="Action" value={search.action} onChange={(action) => ask({ action })} />
        <Button
          variant={search.refused ? 'filled' : 'default'}
          aria-pressed={search.refused === true}
          onClick={() => ask({ refused: search.refused ? undefined : true })}
        >
          Only what was refused
        </Button>
      </div>
      <Answered query={entries} what="the audit log">
        {({ audit: rows }) => {
          if (rows.length === 0) return <Empty title="No entry fits" />;
          return (
            <>
              <ul className={classes.list}>
                {rows.map((row) => (
                  <Row key={row.auditid} entry={row} />
                ))}
              </ul>
              <div className={classes.pages}>
                {search.before !== undefined && (
                  <Button variant="default" onClick={() => ask({})}>
                    Newest
                  </Button>
                )}
                {rows.length === PAGE && (
                  <Button variant="default" onClick={() => ask({ before: rows.at(-1)?.auditid })}>
                    Older
                  </Button>
                )}
              </div>
            </>
          );
        }}
      </Answered>
    </Page>
  );
}

interface NarrowProps {
  name: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

function Narrow({ name, value, onChange }: NarrowProps) {
  const [text, setText] = useState(value ?? '');
  const later = useDebouncedCallback((next: string) => onChange(next || undefined), 300);
  return (
    <TextInput
      placeholder={name}
      aria-label={name}
      value={text}
      w={150}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
    />
  );
}

function Row({ entry }: { entry: Entry }) {
  const details = Object.entries(entry.details);
  return (
    <li className={classes.row} data-refused={!entry.is_allowed || undefined}>
      <span className={classes.when}>
        <Ago at={entry.happened_at} />
      </span>
      <span className={classes.what}>
        <b>{entry.action}</b> {entry.path && <Target path={entry.path} />}
        {!entry.is_allowed && <span className={classes.refused}>refused</span>}
        {entry.reason && <small>{entry.reason}</small>}
        {details.length > 0 && (
          <details>
            <summary>details</summary>
            <Code block>{JSON.stringify(entry.details, null, 2)}</Code>
          </details>
        )}
      </span>
      <span className={classes.who}>
        {entry.user || 'not logged in'}
        <small>{entry.origin}</small>
      </span>
      <span className="dim">{entry.kind}</span>
    </li>
  );
}

/** What it was done to, as a link where there is a page of it. */
function Target({ path }: { path: string }) {
  return /^(builds|builders|workers|buildrequests|changes)\/\d+$/.test(path) ? (
    <Link to={`/${path}` as string} className="mono">
      {path}
    </Link>
  ) : (
    <span className="mono">{path}</span>
  );
}
