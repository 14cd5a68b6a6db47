import { Empty, WaysOn } from '@/parts/Answered';
import { Page } from '@/parts/Page';

/** What is shown at an address that belongs to no page. */
export function NotFound() {
  return (
    <Page title="Page not found">
      <Empty title="There is no page at this address">
        <p>The address may have a typing error, or the page may have moved.</p>
        <WaysOn justify="center" />
      </Empty>
    </Page>
  );
}
