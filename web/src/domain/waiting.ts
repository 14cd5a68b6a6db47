/** How many requests wait, which each page shows: the question. */

export const WAITING = { complete: false, claimed: false, limit: 1, field: ['buildrequestid', 'complete', 'claimed'] };
