/** Cancelling many requests that wait, one after the other. */

import { ApiError, order, read } from './client';
import type { BuildRequest, WhyGroup } from './types';

/** Told how many are cancelled after each; says whether to go on. */
type GoesOn = (done: number) => boolean;

/**
 * Cancel all requests of a group and return how many. The API names a hundred requests of a group at a time: it is
 * asked again until nothing more waits for this reason.
 */
export function cancelGroup(group: WhyGroup, reason: string, goesOn: GoesOn): Promise<number> {
  const more = async () => {
    const { why } = await read<{ why: WhyGroup[] }>('buildrequests/why', { limit: 200 });
    return why.find((one) => one.group === group.group)?.buildrequestids ?? [];
  };
  return cancelAll(group.buildrequestids, more, reason, goesOn);
}

/** So many requests are asked for at a time. */
const AT_ONCE = 100;

/** Cancel all that waits for these builders, and return how many requests. */
export function cancelOfBuilders(builders: readonly number[], reason: string, goesOn: GoesOn): Promise<number> {
  const more = async () => {
    const { buildrequests } = await read<{ buildrequests: BuildRequest[] }>('buildrequests', {
      complete: false,
      claimed: false,
      builderid: builders,
      order: 'buildrequestid',
      limit: AT_ONCE,
    });
    return buildrequests.map((one) => one.buildrequestid);
  };
  return cancelAll(undefined, more, reason, goesOn);
}

/** What has got a build or has ended meanwhile is left alone; a refusal ends it, as an ApiError. */
async function cancelAll(
  first: readonly number[] | undefined,
  more: () => Promise<readonly number[]>,
  reason: string,
  goesOn: GoesOn,
): Promise<number> {
  const seen = new Set<number>();
  let done = 0;
  let ids = first ?? (await more());
  while (ids.length > 0) {
    for (const id of ids) {
      seen.add(id);
      // One after the other: the master is not flooded, and a refusal is told once.
      // oxlint-disable-next-line no-await-in-loop
      if (await cancelled(id, reason)) done += 1;
      if (!goesOn(done)) return done;
    }
    // oxlint-disable-next-line no-await-in-loop
    ids = (await more()).filter((id) => !seen.has(id));
  }
  return done;
}

const PATIENCE = 30;

/** Whether it waited still. */
async function cancelled(id: number, reason: string): Promise<boolean> {
  for (let turn = 0; ; turn += 1) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      await order(`buildrequests/${id}`, 'cancel', { reason });
      return true;
    } catch (error) {
      const status = error instanceof ApiError ? error.status : undefined;
      if (status === 404 || status === 409) return false;
      // The master answers so many orders of one person at a time; a moment later it goes on.
      if ((status !== 429 && status !== 503) || turn === PATIENCE) throw error;
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
  }
}
