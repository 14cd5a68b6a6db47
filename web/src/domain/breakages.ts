/** Which red builders are one failure: their builds go back to the same build, or the same change broke them. */

import type { Builder, Cause, Failure } from '@/api/types';
import { redStreak, type RedStreak } from './builderList';

export interface Red {
  builder: Builder;
  streak: RedStreak;
}

/** A failure, with the builders that failed because of it. */
export interface Trouble {
  head: Red;
  /** Their builds triggered the one that failed, or triggered what triggered it. */
  above: readonly Red[];
}

/** Troubles that began with the same change; one trouble otherwise. */
export interface Breakage {
  troubles: readonly Trouble[];
  cause: Cause | null;
}

type Failures = ReadonlyMap<number, Failure>;
/** Why those builds were built with which builders turned red. */
type Causes = ReadonlyMap<number, Cause | null | undefined>;

/** The builders that are red, as they come. */
export const redOnes = (builders: readonly Builder[]): Red[] =>
  builders.flatMap((builder) => {
    const streak = redStreak(builder);
    return streak ? [{ builder, streak }] : [];
  });

/** The red builders as failures; each is where its first builder was. */
export function breakages(red: readonly Red[], failures: Failures, causes: Causes): Breakage[] {
  const found: { troubles: Trouble[]; cause: Cause | null }[] = [];
  const byChange = new Map<number, Trouble[]>();
  for (const trouble of troublesOf(red, failures)) {
    const { isAtLeast } = trouble.head.streak;
    const cause = causeOf(trouble, causes);
    // Nobody knows which change it was where the first red build is out of sight.
    const change = isAtLeast ? null : (cause?.changeid ?? null);
    const same = change === null ? undefined : byChange.get(change);
    if (same) {
      same.push(trouble);
      continue;
    }
    const troubles = [trouble];
    if (change !== null) byChange.set(change, troubles);
    found.push({ troubles, cause });
  }
  return found;
}

/** The change that is blamed; without one, why the first of the tree was built, not which scheduler was triggered. */
function causeOf({ head, above }: Trouble, causes: Causes): Cause | null {
  const all = [head, ...above];
  const top = all.toSorted((one, other) => one.streak.newest.buildid - other.streak.newest.buildid)[0] ?? head;
  const told = [...all, top].map(({ streak }) => causes.get(streak.first.buildid));
  return told.find((cause) => cause?.changeid) ?? told.at(-1) ?? null;
}

function troublesOf(red: readonly Red[], failures: Failures): Trouble[] {
  const groups = new Map<string, Red[]>();
  const byId = new Map(red.map((one) => [one.builder.builderid, one]));
  for (const one of red) {
    const key = rootOf(one, failures, byId);
    const members = groups.get(key);
    if (members) members.push(one);
    else groups.set(key, [one]);
  }
  return [...groups].map(([key, members]) => {
    const head = members.find((one) => key === keyOf(one)) ?? members[0]!;
    return { head, above: members.filter((one) => one !== head) };
  });
}

const keyOf = (red: Red): string => `builder ${red.builder.builderid}`;

/** What a builder's newest failure goes back to: a red builder, if the build is one of those that are why it is red. */
function rootOf(one: Red, failures: Failures, byId: ReadonlyMap<number, Red>): string {
  const failure = failures.get(one.streak.newest.buildid);
  if (!failure || failure.root_buildid === failure.buildid) return keyOf(one);
  const root = byId.get(failure.root_builderid);
  if (root && failure.root_number >= root.streak.first.number) return keyOf(root);
  return `build ${failure.root_buildid}`;
}
