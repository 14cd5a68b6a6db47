/** Which part of a log is asked for at once. */

/** So many lines. */
export const CHUNK = 500;

export const contentsPath = (logid: number): string => `logs/${logid}/contents`;

/** The part that a log's page asks for first. */
export const BEGINNING = { offset: 0, limit: CHUNK };
