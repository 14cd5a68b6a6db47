/** The pages that people go to: in the rail, in the palette, and by two keys. */

import {
  IconBuildingFactory2,
  IconCalendarTime,
  IconChartLine,
  IconClockPause,
  IconFolder,
  IconGitCommit,
  IconGridDots,
  IconHistory,
  IconHome,
  IconInfoCircle,
  IconLayoutDashboard,
  IconServer,
  IconServer2,
  IconSettings,
  IconTable,
  IconTimelineEvent,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';
import type { Dashboard } from '@/domain/dashboards';

export interface Place {
  to: string;
  name: string;
  /** What it shows, in a few words. */
  about: string;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  /** The two keys that lead to it, as `g b`. */
  keys?: string;
  /** Also in the bar at the bottom of phones. */
  phone?: boolean;
}

export interface PlaceGroup {
  /** What stands above its pages in the rail. */
  name?: string;
  places: readonly Place[];
}

export const GROUPS: readonly PlaceGroup[] = [
  {
    places: [
      { to: '/', name: 'Home', about: 'What needs attention, and what runs', icon: IconHome, keys: 'g h', phone: true },
      { to: '/builders', name: 'Builders', about: 'All builders and how they are', icon: IconBuildingFactory2, keys: 'g b', phone: true },
      { to: '/pending', name: 'Pending', about: 'What waits, and why', icon: IconClockPause, keys: 'g p', phone: true },
      { to: '/workers', name: 'Workers', about: 'The machines that build', icon: IconServer, keys: 'g w', phone: true },
      { to: '/changes', name: 'Changes', about: 'What has been changed, by whom', icon: IconGitCommit, keys: 'g c' },
    ],
  },
  {
    name: 'Views',
    places: [
      { to: '/waterfall', name: 'Waterfall', about: 'Builder × time', icon: IconTimelineEvent, keys: 'g f' },
      { to: '/console', name: 'Console', about: 'Change × builder', icon: IconTable, keys: 'g o' },
      { to: '/grid', name: 'Grid', about: 'Builder × revision', icon: IconGridDots, keys: 'g r' },
      { to: '/trends', name: 'Trends', about: 'Durations, waits and failures over time', icon: IconChartLine, keys: 'g t' },
    ],
  },
  {
    name: 'Administration',
    places: [
      { to: '/projects', name: 'Projects', about: 'What builders are for', icon: IconFolder },
      { to: '/schedulers', name: 'Schedulers', about: 'What starts builds', icon: IconCalendarTime },
      { to: '/masters', name: 'Masters', about: 'The masters that share the database', icon: IconServer2 },
      { to: '/audit', name: 'Audit log', about: 'Who ordered what, and what was refused', icon: IconHistory },
      { to: '/about', name: 'About', about: 'Versions, licences, and links for scripts', icon: IconInfoCircle },
    ],
  },
  { places: [{ to: '/settings', name: 'Settings', about: 'How these pages look in this browser', icon: IconSettings, keys: 'g s' }] },
];

/** The pages in the rail: also those that master.cfg adds. */
export function groupsWith(dashboards: readonly Dashboard[]): readonly PlaceGroup[] {
  if (dashboards.length === 0) return GROUPS;
  const places = dashboards.map(({ name, caption }) => ({
    to: `/dashboards/${encodeURIComponent(name)}`,
    name: caption,
    about: 'A dashboard of this site',
    icon: IconLayoutDashboard,
  }));
  return [...GROUPS.slice(0, 2), { name: 'Dashboards', places }, ...GROUPS.slice(2)];
}

export const PLACES: readonly Place[] = GROUPS.flatMap((group) => group.places);
