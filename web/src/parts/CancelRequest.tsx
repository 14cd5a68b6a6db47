import { ActionButton } from './ActionButton';

interface Props {
  id: number;
  /** Why the visitor may not; null if they may. */
  refusal: string | null;
}

/** Cancels a request that waits, in a row of a list. */
export function CancelRequest({ id, refusal }: Props) {
  return (
    <ActionButton
      path={`buildrequests/${id}`}
      method="cancel"
      refusal={refusal}
      asksReason
      variant="default"
      size="compact-xs"
      done="The request is being cancelled"
    >
      Cancel
    </ActionButton>
  );
}
