import type { WhyGroup } from '@/api/types';
import { cancelGroup } from '@/api/cancelling';
import { useActions } from '@/parts/ActionButton';
import { CancelMany } from '@/parts/CancelMany';

/** Cancels all requests of a group. */
export function CancelAll({ group }: { group: WhyGroup }) {
  const [first] = group.buildrequestids;
  // As the list does: one question for all of them.
  const refusal = useActions(first === undefined ? null : `buildrequests/${first}`);
  return (
    <CancelMany
      variant="subtle"
      color="red"
      size="compact-sm"
      number={group.count}
      about={`They wait because: ${group.sentence}.`}
      refusal={refusal('cancel')}
      cancel={(reason, goesOn) => cancelGroup(group, reason, goesOn)}
    >
      Cancel all
    </CancelMany>
  );
}
