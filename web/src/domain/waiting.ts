/** How many requests wait, which each page shows: the question. */

// By builder, as the master has them at hand: by their numbers it would look at all requests there ever were.
export const WAITING = {
  complete: false,
  claimed: false,
  order: 'builderid',
  limit: 1,
  field: ['buildrequestid', 'builderid', 'complete', 'claimed'],
};
