import { ActionIcon, Avatar, Button, Kbd, Menu, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconDots, IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand, IconMoon, IconSearch, IconSun } from '@tabler/icons-react';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { Suspense, lazy, useEffect, useMemo, useState, useSyncExternalStore, type ComponentType } from 'react';
import { live, useConnection, useLive, useRest, useSite } from '@/api/hooks';
import { ApiError, siteUrl } from '@/api/client';
import type { Site } from '@/api/types';
import { clock, count } from '@/domain/durations';
import { dashboardsIn } from '@/domain/dashboards';
import { isOtherOrigin } from '@/domain/links';
import { WAITING } from '@/domain/waiting';
import { LoginLink } from '@/parts/LoginLink';
import { Tips } from '@/parts/Tips';
import { help, openPalette, paletteStore } from './palette';
import { groupsWith, type Place } from './places';
import { change, useSettings } from './settings';
import { useShortcuts } from './shortcuts';
import classes from './Frame.module.css';

/** What a page can do without, where its code did not come: the master may be away. */
const extra = <T extends ComponentType<any>>(load: () => Promise<{ default: T }>) =>
  lazy(() => load().catch(() => ({ default: (() => null) as unknown as T })));

const Palette = extra(() => import('./Palette'));
const Help = extra(() => import('./Help'));
const NotifyMine = extra(() => import('./NotifyMine').then(({ NotifyMine: found }) => ({ default: found })));

export function Frame() {
  const settings = useSettings();
  useShortcuts();
  const isQuiet = useQuiet();
  const isHelpShown = useSyncExternalStore(help.watch, help.isShown);
  useEffect(() => {
    document.documentElement.dataset.density = settings.density;
    document.documentElement.dataset.motion = settings.motion;
  }, [settings.density, settings.motion]);
  return (
    <div className={classes.frame} data-collapsed={settings.railCollapsed || undefined}>
      <a className={classes.skip} href={`${location.pathname}${location.search}#main`}>
        Skip to the content
      </a>
      <Top />
      <Rail />
      <main className={classes.main} id="main" tabIndex={-1}>
        <ConnectionBar />
        <Outlet />
      </main>
      <Tips />
      <Suspense>
        {isQuiet && <Palette />}
        {isHelpShown && <Help onClose={() => help.show(false)} />}
        {settings.notifyMine && <NotifyMine />}
      </Suspense>
    </div>
  );
}

/** Whether the page has been drawn once: what nobody sees yet waits for that. */
function useQuiet(): boolean {
  const [isQuiet, setQuiet] = useState(false);
  useEffect(() => {
    const now = () => setQuiet(true);
    const hasIdle = 'requestIdleCallback' in window;
    // Not every browser tells when it has nothing to do. A palette that is asked for comes at once.
    const wait = hasIdle ? requestIdleCallback(now, { timeout: 1_500 }) : setTimeout(now, 300);
    const end = paletteStore.subscribe(now);
    return () => {
      end();
      if (hasIdle) cancelIdleCallback(wait as number);
      else clearTimeout(wait);
    };
  }, []);
  return isQuiet;
}

function Top() {
  const { data: site } = useSite();
  return (
    <header className={classes.top}>
      <Link to="/" className={classes.name}>
        {site?.title ?? 'Chargehand'}
      </Link>
      <UnstyledButton className={classes.search} onClick={() => openPalette()}>
        <IconSearch size={15} aria-hidden />
        <span>
          Search<span className={classes.more}> builders, builds, changes, workers…</span>
        </span>
        <Kbd size="xs" aria-hidden>/</Kbd>
      </UnstyledButton>
      <div className={classes.aside}>
        <ConnectionDot />
        <ThemeSwitch />
        <Person />
      </div>
    </header>
  );
}

function ConnectionDot() {
  const { status } = useConnection();
  if (useIsClosed()) return null;
  const words = { open: 'live', connecting: 'connecting', lost: 'not connected' }[status];
  const tip = () => asOf(status === 'open');
  return (
    <span
      className={classes.dot}
      data-status={status}
      data-tip={tip()}
      onPointerEnter={({ currentTarget }) => {
        currentTarget.dataset.tip = tip();
      }}
      role="status"
    >
      <i aria-hidden />
      <span>{words}</span>
    </span>
  );
}

/** How old what is seen may be, at the moment when somebody points at it. */
function asOf(isOpen: boolean): string {
  const last = clock(live.state.asOf / 1_000);
  return isOpen ? `What you see is up to date; the master was last heard at ${last}` : `What you see may be old: data as of ${last}`;
}

/** Shown while the connection is lost: what is on screen is old. */
function ConnectionBar() {
  const { status, asOf } = useConnection();
  const [isLate, setLate] = useState(false);
  const isClosed = useIsClosed();
  useEffect(() => {
    setLate(false);
    if (status !== 'lost') return undefined;
    // A reconnection within two seconds is nothing to tell anybody.
    const timer = setTimeout(() => setLate(true), 2_000);
    return () => clearTimeout(timer);
  }, [status]);
  const { data: site } = useSite();
  const [wasOpen, setOpen] = useState(false);
  if (status === 'open' && !wasOpen) setOpen(true);
  if (!isLate || isClosed) return null;
  const isElsewhere = !wasOpen && site !== undefined && isOtherOrigin(site.buildbotURL, siteUrl(''));
  return (
    <div className={classes.lost} role="alert">
      {isElsewhere
        ? `No live events: this address is not buildbotURL (${site.buildbotURL}), and the master may refuse them here. Data as of ${clock(asOf / 1_000)}`
        : `Reconnecting; data as of ${clock(asOf / 1_000)}`}
      <Button variant="subtle" size="compact-xs" color="orange" onClick={live.retry}>
        Try now
      </Button>
    </div>
  );
}

function ThemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const current = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const other = current === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={`Use the ${other} theme`}
      data-tip={`Use the ${other} theme`}
      onClick={() => setColorScheme(other)}
      className={classes.wide}
    >
      {current === 'dark' ? <IconSun size={17} /> : <IconMoon size={17} />}
    </ActionIcon>
  );
}

function Person() {
  const { data: site } = useSite();
  if (!site) return null;
  const { user } = site;
  if (user.anonymous) return <LoginLink />;
  const name = user.full_name ?? user.username ?? user.email ?? '?';
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <UnstyledButton aria-label={`${name}: account`}>
          <Avatar size={28} radius="xl" color="indigo" name={name} src={pictureOf(site)} alt="" />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{user.email ? `${name} · ${user.email}` : name}</Menu.Label>
        <Menu.Item component={Link} to={'/account' as string}>
          My sessions and tokens
        </Menu.Item>
        <Menu.Item component="a" href={siteUrl('auth/logout?redirect=/')}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Where the picture of who is logged in is; null where nobody is asked for pictures. */
function pictureOf({ avatar_methods: methods, user }: Site): string | null {
  if (!methods?.length) return null;
  const person = new URLSearchParams({ email: user.email ?? '', username: user.username ?? '', size: '56' });
  return siteUrl(`avatar?${person.toString()}`);
}

/** Whether the visitor may see nothing at all: then there is no connection for events either, and none is lost. */
function useIsClosed(): boolean {
  const { error } = useRest('buildrequests', WAITING);
  const isClosed = error instanceof ApiError && (error.status === 401 || error.status === 403);
  useEffect(() => live.refuse(isClosed), [isClosed]);
  return isClosed;
}

function useCounts(): Record<string, { count: number; hot: boolean }> {
  useLive('buildrequests/*/*');
  const { data } = useRest<{ meta: { total: number } }>('buildrequests', WAITING);
  const pending = data?.meta.total ?? 0;
  return { '/pending': { count: pending, hot: pending > 0 } };
}

function Rail() {
  const settings = useSettings();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const isNowhere = useRouterState({ select: (state) => state.matches.some((match) => match.status === 'notFound' || match._notFound) });
  const counts = useCounts();
  const { data: site } = useSite();
  const groups = useMemo(() => groupsWith(dashboardsIn(site?.plugins)), [site]);
  return (
    <nav className={classes.rail} aria-label="Pages">
      {groups.map((group, index) => (
        <div key={index} className={classes.group} data-more={index > 0 || undefined}>
          {group.name && <span className={classes.groupName}>{group.name}</span>}
          {group.places.map((place) => {
            const shown = counts[place.to];
            const isHere = !isNowhere && (place.to === '/' ? path === '/' : path.startsWith(place.to));
            return (
              <Link
                key={place.to}
                to={place.to}
                className={classes.place}
                data-active={isHere || undefined}
                data-phone={place.phone || undefined}
                aria-current={isHere ? 'page' : undefined}
                title={settings.railCollapsed ? `${place.name}: ${place.about}` : place.about}
              >
                <place.icon size={17} stroke={1.7} />
                <span className={classes.label}>{place.name}</span>
                {shown && shown.count > 0 && (
                  <span className={classes.count} data-hot={shown.hot || undefined}>
                    {count(shown.count)}
                  </span>
                )}
              </Link>
            );
          })}
        </div>
      ))}
      <Further places={groups.flatMap((group) => group.places)} />
      <div className={classes.collapse}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={settings.railCollapsed ? 'Show the names of pages' : 'Make the rail narrow'}
          onClick={() => change({ railCollapsed: !settings.railCollapsed })}
        >
          {settings.railCollapsed ? (
            <IconLayoutSidebarLeftExpand size={17} />
          ) : (
            <IconLayoutSidebarLeftCollapse size={17} />
          )}
        </ActionIcon>
      </div>
    </nav>
  );
}

/** On phones: all that the bar has no room for. */
function Further({ places }: { places: readonly Place[] }) {
  const others = places.filter((place) => !place.phone);
  return (
    <Menu position="top-end" width={200}>
      <Menu.Target>
        <UnstyledButton className={`${classes.place} ${classes.onlyPhone}`} data-phone aria-label="More pages">
          <IconDots size={17} stroke={1.7} />
          <span className={classes.label}>More</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {others.map((place) => (
          <Menu.Item
            key={place.to}
            component={Link}
            to={place.to}
            leftSection={<place.icon size={16} />}
          >
            {place.name}
          </Menu.Item>
        ))}
        <Menu.Item component="a" href={siteUrl('plain/')}>
          Plain pages
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
