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
import { router } from './routes';
import { theme } from './theme';

const schemes = localStorageColorSchemeManager({ key: 'chargehand-theme' });

/** So many milliseconds a page waits for its code and for what it has asked: then it is drawn with what there is. */
const PATIENCE = 150;

/**
 * Draw the application: once, with its page and what that has asked, where they come soon. `atRoot` says whether
 * the address is the site's root: links of Buildbot's lead from there.
 */
export async function start(atRoot: () => boolean, answers: Promise<unknown>): Promise<void> {
  window.addEventListener('hashchange', () => {
    const path = atRoot() ? pathOfHash(location.hash) : null;
    if (path !== null) void router.navigate({ to: path, replace: true });
  });
  const late = new Promise((done) => setTimeout(done, PATIENCE));
  // What is at hand when the page is entered is not asked for by its loader.
  await Promise.race([answers, late]);
  await Promise.race([router.load(), late]);
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
}
