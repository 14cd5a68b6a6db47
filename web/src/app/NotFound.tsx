import { Button, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Empty } from '@/parts/Answered';
import { Page } from '@/parts/Page';
import { openPalette } from './palette';

/** What is shown at an address that belongs to no page. */
export function NotFound() {
  return (
    <Page title="Page not found">
      <Empty title="There is no page at this address">
        <p>The address may have a typing error, or the page may have moved.</p>
        <Group justify="center" gap="xs">
          <Button variant="default" component={Link} to="/">
            Home
          </Button>
          <Button variant="default" onClick={openPalette}>
            Search
          </Button>
        </Group>
      </Empty>
    </Page>
  );
}
