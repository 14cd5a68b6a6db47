/** Whose builds are whose. */

import type { Build, SiteUser } from '@/api/types';

/** By which names owners of builds may call this person, in lower case. */
export const namesOf = (user: SiteUser): string[] =>
  user.anonymous ? [] : [user.username, user.email].filter((name) => !!name).map((name) => String(name).toLowerCase());

/** Whether an owner of the build is one of *names*: `ada`, `ada@example.org`, `Ada <ada@example.org>`. */
export function isMine(build: Build, names: readonly string[]): boolean {
  const owners = [build.properties.owner?.[0], build.properties.owners?.[0]].flat();
  return owners.some((owner) => {
    if (typeof owner !== 'string') return false;
    const text = owner.trim().toLowerCase();
    const address = /<([^>]+)>$/.exec(text)?.[1];
    return names.includes(text) || (address !== undefined && names.includes(address));
  });
}
