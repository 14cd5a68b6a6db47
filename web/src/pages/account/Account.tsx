import { Alert, Button, Checkbox, Code, Group, NumberInput, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { readSite } from '@/api/client';
import { useRest, useSite } from '@/api/hooks';
import type { Builder, SiteUser } from '@/api/types';
import { tellFailure } from '@/parts/ActionButton';
import { Answered, Empty } from '@/parts/Answered';
import { Copyable } from '@/parts/Copyable';
import { Ago } from '@/parts/Moment';
import { NoLogin } from '@/parts/NoLogin';
import { Card, Page } from '@/parts/Page';
import classes from './Account.module.css';

interface Session {
  sessionid: number;
  method: string;
  origin: string;
  agent: string;
  created_at: number;
  seen_at: number;
  ends_at: number;
}

interface Token {
  tokenid: number;
  label: string;
  actions: string[];
  builders: string[];
  created_at: number;
  ends_at: number;
  used_at: number | null;
  used_from: string;
}

interface AccountAnswer {
  user: SiteUser;
  sessions: Session[];
  tokens: Token[];
}

const ACTIONS: readonly (readonly [string, string])[] = [
  ['force', 'force and rebuild builds'],
  ['stop', 'stop builds, and cancel requests'],
  ['admin', 'everything that I may do'],
];

/** Who one is, where one is logged in, and the tokens of one's scripts. */
export function Account() {
  const account = useQuery({
    queryKey: ['account'],
    queryFn: ({ signal }) => readSite<AccountAnswer>('auth/account', { signal }),
    retry: false,
  });
  const { data: site } = useSite();
  const user = account.data?.user;
  return (
    <Page
      title={user ? (user.full_name ?? user.username ?? 'Account') : 'Account'}
      meta={
        user && (
          <>
            <span>{user.username}</span>
            {user.email && user.email !== user.username && <span>{user.email}</span>}
            {(user.groups?.length ?? 0) > 0 && <span>groups: {user.groups?.join(', ')}</span>}
          </>
        )
      }
    >
      {account.isError && site?.auth.name === 'NoAuth' ? (
        <NoLogin />
      ) : (
        <div className={classes.page}>
          <Answered query={account} what="your account">
            {({ sessions, tokens }) => (
              <>
                <Tokens tokens={tokens} />
                <Sessions sessions={sessions} />
              </>
            )}
          </Answered>
        </div>
      )}
    </Page>
  );
}

/** Send something to `auth/…`, and read the account again. */
function useChange() {
  const queries = useQueryClient();
  return useMutation<unknown, Error, { path: string; method: 'POST' | 'DELETE'; body?: object }>({
    mutationFn: ({ path, method, body }) =>
      readSite(`auth/${path}`, {
        method,
        ...(body ? { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } } : {}),
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['account'] }),
    onError: tellFailure,
  });
}

function Tokens({ tokens }: { tokens: readonly Token[] }) {
  const change = useChange();
  const [secret, setSecret] = useState<string | null>(null);
  const [isOpen, setOpen] = useState(false);
  const now = Date.now() / 1_000;
  return (
    <Card
      title="API tokens"
      aside={
        <Button variant="default" size="compact-sm" onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
          New token
        </Button>
      }
    >
      {secret && (
        <Alert color="green" m="sm" title="Copy your new token now: it is not shown again">
          <Stack gap={6}>
            <Copyable value={secret} />
            <Text size="sm">
              Programs send it as the header <Code>Authorization: Bearer {secret.slice(0, 8)}…</Code>
            </Text>
          </Stack>
        </Alert>
      )}
      {isOpen && (
        <NewToken
          onMade={(made) => {
            setSecret(made);
            setOpen(false);
          }}
        />
      )}
      {tokens.length === 0 && !isOpen && (
        <Empty title="You have no token">Scripts use tokens instead of your password.</Empty>
      )}
      {tokens.map((token) => (
        <div key={token.tokenid} className={classes.row}>
          <span className={classes.text}>
            <b>{token.label}</b>
            <small>
              {token.actions.length > 0 ? token.actions.join(', ') : 'reads only'}
              {token.builders.length > 0 && ` · only ${token.builders.join(', ')}`}
            </small>
          </span>
          <span className={classes.when}>
            {token.ends_at <= now ? 'expired ' : 'expires '}
            <Ago at={token.ends_at} />
            <br />
            {token.used_at ? <Ago at={token.used_at} prefix="last used " /> : 'never used'}
            {token.used_at && token.used_from ? ` from ${token.used_from}` : ''}
          </span>
          <Button
            variant="light"
            color="red"
            size="compact-sm"
            loading={change.isPending && change.variables?.path === `tokens/${token.tokenid}`}
            onClick={() =>
              change.mutate(
                { path: `tokens/${token.tokenid}`, method: 'DELETE' },
                { onSuccess: () => notifications.show({ message: `“${token.label}” is revoked.` }) },
              )
            }
          >
            Revoke
          </Button>
        </div>
      ))}
    </Card>
  );
}

function NewToken({ onMade }: { onMade: (secret: string) => void }) {
  const change = useChange();
  const builders = useRest<{ builders: Builder[] }>('builders', { field: 'name' });
  const form = useForm({
    initialValues: { label: '', actions: [] as string[], builders: [] as string[], days: 90 as number | string },
    validate: {
      label: (value) => (value.trim() ? null : 'Say what it is for.'),
      days: (value) =>
        Number.isInteger(Number(value)) && Number(value) >= 1 && Number(value) <= 366
          ? null
          : 'A whole number of 1 to 366.',
    },
  });
  return (
    <form
      className={classes.form}
      onSubmit={form.onSubmit((values) =>
        change.mutate(
          { path: 'tokens', method: 'POST', body: { ...values, days: Number(values.days) } },
          { onSuccess: (made) => onMade((made as { token: string }).token) },
        ),
      )}
    >
      <TextInput label="What it is for" required maxLength={100} {...form.getInputProps('label')} data-autofocus />
      <Checkbox.Group label="What it may do, besides reading" {...form.getInputProps('actions')}>
        <Stack gap={6} mt={6}>
          {ACTIONS.map(([name, meaning]) => (
            <Checkbox key={name} value={name} label={`${name}: ${meaning}`} />
          ))}
        </Stack>
      </Checkbox.Group>
      <TagsInput
        size="xs"
        label="Only these builders"
        placeholder="all"
        data={(builders.data?.builders ?? []).map((one) => one.name)}
        limit={20}
        {...form.getInputProps('builders')}
      />
      <NumberInput label="Days until it expires" min={1} max={366} w={180} {...form.getInputProps('days')} />
      <Group>
        <Button type="submit" loading={change.isPending}>
          Make a token
        </Button>
      </Group>
    </form>
  );
}

function Sessions({ sessions }: { sessions: readonly Session[] }) {
  const change = useChange();
  return (
    <Card
      title="Where you are logged in"
      aside={
        sessions.length > 1 && (
          <Button
            variant="default"
            size="compact-sm"
            onClick={() =>
              change.mutate({ path: 'sessions/all', method: 'DELETE' }, { onSuccess: () => location.reload() })
            }
          >
            Log out everywhere
          </Button>
        )
      }
    >
      {sessions.map((session) => (
        <div key={session.sessionid} className={classes.row}>
          <span className={classes.text}>
            <b>{session.origin || 'this machine'}</b>
            <small title={session.agent}>{session.agent}</small>
          </span>
          <span className={classes.when}>
            <Ago at={session.created_at} prefix="since " />
            <br />
            <Ago at={session.seen_at} prefix="last used " />
          </span>
          <Button
            variant="light"
            color="red"
            size="compact-sm"
            onClick={() => change.mutate({ path: `sessions/${session.sessionid}`, method: 'DELETE' })}
          >
            Log out
          </Button>
        </div>
      ))}
      {sessions.length === 0 && <Empty title="In no browser" />}
    </Card>
  );
}
