import { Failed } from '@/parts/Answered';

/** What is shown when a page's own code fails: a fault of ours, with what we need to mend it. */
export function BrokenPage({ error, reset }: { error: Error; reset: () => void }) {
  return <Failed error={error} what="this page" retry={reset} />;
}
