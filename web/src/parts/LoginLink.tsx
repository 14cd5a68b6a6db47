import { Button } from '@mantine/core';
import { useSite } from '@/api/hooks';
import { siteRoot, siteUrl } from '@/api/client';

/** Where people log in, and come back from to this page; nothing where nobody can log in. */
export function LoginLink({ variant = 'default' }: { variant?: 'default' | 'subtle' }) {
  const { data: site } = useSite();
  if (!site || site.auth.name === 'NoAuth' || site.user.anonymous !== true) return null;
  return (
    <Button component="a" href={loginUrl()} variant={variant}>
      Log in
    </Button>
  );
}

export function loginUrl(): string {
  const here = location.href.startsWith(siteRoot())
    ? `/${location.href.slice(siteRoot().length)}`
    : '/';
  return `${siteUrl('auth/login')}?redirect=${encodeURIComponent(here)}`;
}
