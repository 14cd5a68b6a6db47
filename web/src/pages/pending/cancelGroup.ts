import { ApiError, order, read } from '@/api/client';
import type { WhyGroup } from '@/api/types';

/**
 * Cancel all requests of a group and return how many. The API names a hundred requests of a group at a time: it is
 * asked again until nothing more waits for this reason. What has got a build or has ended meanwhile is left alone; a
 * refusal ends it, as an ApiError.
 *
 * *goesOn* is told how many are cancelled after each, and says whether to go on.
 */
export async function cancelGroup(group: WhyGroup, reason: string, goesOn: (done: number) => boolean): Promise<number> {
  const seen = new Set<number>();
  let done = 0;
  let ids: readonly number[] = group.buildrequestids;
  while (ids.length > 0) {
    for (const id of ids) {
      seen.add(id);
      // One after the other: the master is not flooded, and a refusal is told once.
      // oxlint-disable-next-line no-await-in-loop
      if (await cancelled(id, reason)) done += 1;
      if (!goesOn(done)) return done;
    }
    // oxlint-disable-next-line no-await-in-loop
    const { why } = await read<{ why: WhyGroup[] }>('buildrequests/why', { limit: 200 });
    ids = (why.find((one) => isSame(one, group))?.buildrequestids ?? []).filter((id) => !seen.has(id));
  }
  return done;
}

const isSame = (one: WhyGroup, other: WhyGroup): boolean =>
  one.kind === other.kind && one.sentence === other.sentence;

/** Whether it waited still. */
async function cancelled(id: number, reason: string): Promise<boolean> {
  try {
    await order(`buildrequests/${id}`, 'cancel', { reason });
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return false;
    throw error;
  }
}
