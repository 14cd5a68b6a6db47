import { Button } from '@mantine/core';
import { useSite } from '@/api/hooks';
import { siteRoot, siteUrl } from '@/api/client';
import type { Site } from '@/api/types';

/** Where people log in, and come back from to this page; nothing where nobody can log in. */
export function LoginLink({ variant = 'default' }: { variant?: 'default' | 'subtle' }) {
  const { data: site } = useSite();
  if (!site || site.auth.name === 'NoAuth' || site.user.anonymous !== true) return null;
  return (
    <Button component="a" href={loginUrl(site.auth)} variant={variant}>
      Log in
    </Button>
  );
}

/** Another site, or a proxy, is asked at once; names and passwords are asked for on a page of ours. */
export function loginUrl(auth: Site['auth']): string {
  const here = location.href.startsWith(siteRoot())
    ? `/${location.href.slice(siteRoot().length)}`
    : '/';
  // From the page for logging in itself, nobody wants to come back to it.
  const target = /^\/login\b/.test(here) ? '/' : here;
  const page = auth.oauth2 || auth.name === 'RemoteUserAuth' ? 'auth/login' : 'login';
  return `${siteUrl(page)}?redirect=${encodeURIComponent(target)}`;
}
