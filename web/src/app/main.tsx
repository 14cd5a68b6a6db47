import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './theme.css';
import { MantineProvider, localStorageColorSchemeManager } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { client } from '@/api/hooks';
import { pathOfHash } from '@/domain/hashLinks';
import { siteRoot, siteUrl } from '@/api/client';
import { router } from './routes';
import { theme } from './theme';

// Buildbot's links: #/builders/3 is /builders/3 here. At the site's root only: elsewhere `#` is ours.
const atRoot = (): boolean => location.href.split('#')[0]?.split('?')[0] === siteRoot();

if (atRoot()) {
  const path = pathOfHash(location.hash);
  if (path !== null) history.replaceState(null, '', siteUrl(path));
}
window.addEventListener('hashchange', () => {
  const path = atRoot() ? pathOfHash(location.hash) : null;
  if (path !== null) void router.navigate({ to: path, replace: true });
});

// The master has been upgraded: files that this page knows are gone. Once, not for ever.
window.addEventListener('vite:preloadError', (event) => {
  const key = 'chargehand-reloaded';
  if (Date.now() - Number(sessionStorage.getItem(key) ?? 0) < 30_000) return;
  sessionStorage.setItem(key, String(Date.now()));
  event.preventDefault();
  location.reload();
});

const schemes = localStorageColorSchemeManager({ key: 'chargehand-theme' });

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={schemes}>
      <Notifications position="bottom-right" />
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
