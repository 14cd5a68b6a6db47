import { Alert, Button, Stack, Text, TextInput } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { siteRoot, siteUrl } from '@/api/client';
import { useSite } from '@/api/hooks';
import { afterLogin, refusalOf } from '@/domain/login';
import { Answered, Empty } from '@/parts/Answered';
import { NoLogin } from '@/parts/NoLogin';
import { Page } from '@/parts/Page';
import facts from '@/parts/Facts.module.css';

const route = getRouteApi('/login');

/** Where people log in: by name and password, or at the site that knows them. */
export function Login() {
  const { redirect } = route.useSearch();
  const site = useSite();
  const target = afterLogin(redirect, siteRoot());
  const elsewhere = `${siteUrl('auth/login')}?redirect=${encodeURIComponent(`/${target.slice(siteRoot().length)}`)}`;
  return (
    <Page title="Log in">
      <div className={facts.page} style={{ maxWidth: site.data?.auth.name === 'NoAuth' ? undefined : 400 }}>
        <Answered query={site} what="how to log in">
          {({ auth, user }) =>
            auth.name === 'NoAuth' ? (
              <NoLogin />
            ) : !user.anonymous ? (
              <Empty title={`You are logged in as ${user.full_name ?? user.username ?? user.email}`}>
                <a href={target}>Go on</a>, or <a href={siteUrl('auth/logout?redirect=/')}>log out</a>.
              </Empty>
            ) : auth.oauth2 || auth.name === 'RemoteUserAuth' ? (
              <Stack align="flex-start">
                <Button component="a" href={elsewhere} size="sm">
                  Log in with {auth.oauth2 ? auth.name : 'the proxy'}
                </Button>
                <a className="dim" href={`${elsewhere}&form=1`}>
                  Other ways to log in
                </a>
              </Stack>
            ) : (
              <ByPassword target={target} />
            )
          }
        </Answered>
      </div>
    </Page>
  );
}

/** The seconds that are left until another attempt makes sense. */
function useWait(): [number, (seconds: number) => void] {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  return [left, setLeft];
}

const leave = (url: string): void => location.assign(url);

export function ByPassword({ target, go = leave }: { target: string; go?: (url: string) => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<{ status: number; text: string } | null>(null);
  const [wait, setWait] = useWait();
  const field = useRef<HTMLInputElement>(null);
  const first = useRef<HTMLInputElement>(null);
  // The page is for nothing else: typing can begin at once.
  useEffect(() => first.current?.focus(), []);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setRefusal(null);
    try {
      const answer = await fetch(siteUrl('auth/login'), {
        method: 'POST',
        headers: { Accept: 'text/plain', 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ username: name, password, redirect: '/' }),
        // Where the answer leads is for the browser's own form; the cookie is set all the same.
        redirect: 'manual',
      });
      if (answer.type === 'opaqueredirect' || answer.ok || answer.status === 303) {
        go(target);
        return;
      }
      const retryAfter = answer.headers.get('Retry-After');
      setRefusal({ status: answer.status, text: refusalOf(answer.status, await answer.text(), retryAfter) });
      setWait(Number(retryAfter) || 0);
      setPassword('');
      field.current?.focus();
    } catch {
      setRefusal({ status: 0, text: 'The master cannot be reached.' });
    } finally {
      setBusy(false);
    }
  };
  const isWrong = refusal?.status === 401;
  return (
    <form onSubmit={(event) => void send(event)}>
      <Stack>
        {refusal !== null && !isWrong && (
          <Alert color="red" icon={<IconAlertTriangle />} role="alert">
            {refusal.text}
          </Alert>
        )}
        <TextInput
          label="Name"
          name="username"
          size="sm"
          required
          withAsterisk={false}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          ref={first}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          ref={field}
          label="Password"
          name="password"
          type="password"
          size="sm"
          required
          withAsterisk={false}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          error={isWrong ? refusal.text : undefined}
        />
        <Button type="submit" size="sm" loading={isBusy} disabled={wait > 0}>
          {wait > 0 ? `Wait ${wait} s` : 'Log in'}
        </Button>
        <Text size="sm" c="var(--dim)">
          <a href={siteUrl('auth/login')}>The page without JavaScript</a>
        </Text>
      </Stack>
    </form>
  );
}
