import type { State } from '@/domain/states';

const COLOURS: Partial<Record<State, string>> = {
  success: '#2b8a3e',
  warnings: '#e0a100',
  failure: '#e03131',
  exception: '#9c36b5',
  running: '#1971c2',
  waiting: '#e8590c',
  cancelled: '#868e96',
  retry: '#4263eb',
};

const SIGNS: Partial<Record<State, string>> = {
  success: '<path d="m9 16.5 4.6 4.6L23 11.5"/>',
  failure: '<path d="m10.5 10.5 11 11m0-11-11 11"/>',
  exception: '<path d="m18 7-6 10h4l-2 8 6-10h-4z"/>',
  warnings: '<path d="M16 8v10m0 5v.3"/>',
};

/** The window's icon shows the state of the open build. */
export function showState(state: State | undefined): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (!link) return;
  const colour = (state && COLOURS[state]) ?? '#4263eb';
  const sign = (state && SIGNS[state]) ?? '<circle cx="16" cy="16" r="5.5"/>';
  const corner = state === 'failure' ? 6 : 16;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="${corner}" fill="${colour}"/><g fill="none" stroke="#fff" stroke-width="3.6" stroke-linecap="round" stroke-linejoin="round">${sign}</g></svg>`;
  link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
