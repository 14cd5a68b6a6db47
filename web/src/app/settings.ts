/** What a person has chosen for this browser: kept in its local storage. */

import { useSyncExternalStore } from 'react';

export interface Settings {
  /** An IANA name; empty: the browser's. */
  zone: string;
  density: 'compact' | 'comfortable';
  motion: 'system' | 'reduced';
  railCollapsed: boolean;
  wrapLogs: boolean;
  notifyMine: boolean;
  /** How the list of builders was sorted last. */
  builderOrder: string;
  savedFilters: { name: string; filter: string }[];
}

const KEY = 'chargehand-settings';
const DEFAULTS: Settings = {
  zone: '',
  density: 'compact',
  motion: 'system',
  railCollapsed: false,
  // Narrow windows have room for 36 letters: what does not fit goes on below.
  wrapLogs: window.innerWidth <= 700,
  notifyMine: false,
  builderOrder: 'name',
  savedFilters: [],
};

let current: Settings = stored();
const watchers = new Set<() => void>();

function stored(): Settings {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>) };
  } catch {
    return DEFAULTS;
  }
}

function changed(): void {
  for (const watcher of watchers) watcher();
}

// Another window of the same browser has changed them.
window.addEventListener('storage', (event) => {
  if (event.key !== KEY) return;
  current = stored();
  changed();
});

export function change(some: Partial<Settings>): void {
  current = { ...current, ...some };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // A browser without storage: they hold until the window is closed.
  }
  changed();
}

const watch = (watcher: () => void): (() => void) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

export const useSettings = (): Settings => useSyncExternalStore(watch, () => current);

export const useZone = (): string | undefined => useSettings().zone || undefined;
