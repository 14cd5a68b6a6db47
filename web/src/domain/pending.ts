/** What waits: requests with their reasons, filtered and sorted. */

import type { BuildRequest, WhyGroup } from '@/api/types';
import { asSentence } from './builds';
import { matches, parseFilter, type Facts } from './filter';

/** What the list asks of each request. */
export type WaitingRequest = Pick<BuildRequest, 'buildrequestid' | 'builderid' | 'priority' | 'submitted_at'>;

/** A waiting request with its reason; undefined while that is not known. */
export interface Waiting {
  request: WaitingRequest;
  builder: string;
  group: WhyGroup | undefined;
}

export type PendingOrder = 'age' | '-age' | 'builder' | '-builder' | 'priority' | '-priority';

/** Whether a group is narrowed by what only its requests say. */
export const needsRequests = (filter: string): boolean => parseFilter(filter).length > 0;

/** Requests with their reasons: a group names its first ones; the others of a builder wait for what its first ones do. */
export function explained(
  requests: readonly WaitingRequest[],
  groups: readonly WhyGroup[],
  names: ReadonlyMap<number, string>,
): Waiting[] {
  const byRequest = new Map<number, WhyGroup>();
  const byBuilder = new Map<number, WhyGroup>();
  for (const group of groups) {
    for (const id of group.buildrequestids) byRequest.set(id, group);
    for (const { builderid } of group.builders) if (!byBuilder.has(builderid)) byBuilder.set(builderid, group);
  }
  return requests.map((request) => {
    const group = byRequest.get(request.buildrequestid) ?? byBuilder.get(request.builderid);
    const builder = group?.builders.find((one) => one.builderid === request.builderid)?.name;
    return { request, group, builder: builder ?? names.get(request.builderid) ?? `builder ${request.builderid}` };
  });
}

/** Those that fit a filter. */
export function filtered(waiting: readonly Waiting[], filter: string, now: number): Waiting[] {
  const conditions = parseFilter(filter);
  if (conditions.length === 0) return [...waiting];
  return waiting.filter((one) => matches(conditions, factsOf(one, now)));
}

function factsOf({ request, builder, group }: Waiting, now: number): Facts {
  const name = builder.toLowerCase();
  return {
    // Words without a key look into these.
    name: [name, group?.reason.toLowerCase() ?? ''],
    builder: [name],
    reason: group ? [group.reason.toLowerCase(), group.kind] : [],
    worker: group ? workersOf(group) : [],
    priority: [String(request.priority)],
    age: [String(Math.max(0, now - request.submitted_at))],
  };
}

/** The workers that a reason is about. */
export function workersOf({ details }: WhyGroup): string[] {
  const { workers } = details as { workers?: unknown };
  if (!Array.isArray(workers)) return [];
  return workers.map((one: unknown) => String(Array.isArray(one) ? one[0] : one).toLowerCase());
}

const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

const ORDERS: Record<string, (one: Waiting, other: Waiting) => number> = {
  age: (one, other) => one.request.submitted_at - other.request.submitted_at,
  builder: (one, other) => names.compare(one.builder, other.builder),
  priority: (one, other) => other.request.priority - one.request.priority,
};

/** A sorted copy: the oldest, or the most urgent first; `-` reverses; equal ones by age. */
export function inOrder(waiting: readonly Waiting[], order: PendingOrder): Waiting[] {
  const reverse = order.startsWith('-');
  const compare = ORDERS[reverse ? order.slice(1) : order] ?? ORDERS.age!;
  return waiting.toSorted(
    (one, other) => (reverse ? -1 : 1) * compare(one, other) || one.request.submitted_at - other.request.submitted_at,
  );
}

/** The groups as far as their requests are among *shown*; what a group says of how many wait is about these. */
export function narrowed(groups: readonly WhyGroup[], shown: readonly Waiting[]): WhyGroup[] {
  const members = new Map<string, Waiting[]>();
  for (const one of shown) {
    if (!one.group) continue;
    const known = members.get(one.group.group);
    if (known) known.push(one);
    else members.set(one.group.group, [one]);
  }
  return groups.flatMap((group) => {
    const waiting = members.get(group.group);
    if (!waiting) return [];
    const counts = new Map<number, number>();
    for (const { request } of waiting) counts.set(request.builderid, (counts.get(request.builderid) ?? 0) + 1);
    return {
      ...group,
      count: waiting.length,
      oldest_submitted_at: Math.min(...waiting.map(({ request }) => request.submitted_at)),
      builders: group.builders.flatMap((one) => {
        const count = counts.get(one.builderid);
        return count === undefined ? [] : { ...one, count };
      }),
      buildrequestids: waiting.map(({ request }) => request.buildrequestid),
    };
  });
}

/** The place of a request in its builder's queue, from 1 on, and what comes before it; place 0 if it is not there. */
export function queueOf(id: number, queue: readonly WaitingRequest[]): { place: number; before: readonly WaitingRequest[] } {
  const index = queue.findIndex((one) => one.buildrequestid === id);
  return { place: index + 1, before: index < 0 ? queue : queue.slice(0, index) };
}

/** What a row says of its reason. */
export const reasonOf = ({ group }: Waiting): string => (group ? asSentence(group.reason) : '');
