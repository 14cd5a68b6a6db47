/** Requests to `/api/v2`, and what they answer when they fail. */

export type Params = Record<
  string,
  string | number | boolean | readonly (string | number)[] | undefined
>;

/** An answer that says no, or none at all. `status` is 0 where the master could not be reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly details: Record<string, string>;

  constructor(status: number, message: string, details: Record<string, string> = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.details = details;
  }
}

/** The site's address, whatever path a proxy serves it at; ends with a slash. */
export const siteRoot = (): string => new URL('.', document.baseURI).href;

/** The address of something of the site, from its root: never elsewhere, whatever the path is. */
export const siteUrl = (path: string): string => new URL(`./${path.replace(/^\/+/, '')}`, siteRoot()).href;

export function query(params: Params): string {
  const made = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) made.append(name, String(one));
  }
  const text = made.toString();
  return text === '' ? '' : `?${text}`;
}

async function answered(url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      ...init,
      headers: { Accept: 'application/json', ...init.headers },
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The master cannot be reached.');
  }
  const text = await response.text();
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(response.status, `The answer is not JSON (status ${response.status}).`);
  }
  if (!response.ok) throw failure(response.status, body);
  return body;
}

function failure(status: number, body: unknown): ApiError {
  const error = (body as { error?: unknown }).error;
  if (typeof error === 'string') return new ApiError(status, error);
  const message = (error as { message?: unknown } | undefined)?.message;
  if (typeof message === 'string') return new ApiError(status, message);
  if (typeof message === 'object' && message !== null) {
    const details = message as Record<string, string>;
    return new ApiError(status, Object.values(details).join(' '), details);
  }
  return new ApiError(status, `The master answered with status ${status}.`);
}

interface Begun {
  answer: Promise<unknown>;
  /** The answer, once it is here. */
  here?: unknown;
}

/** Answers that were asked for before anybody needed them, by their addresses. */
const begun = new Map<string, Begun>();
/** What nobody has taken after so many milliseconds is out of date. */
const KEPT = 10_000;

/** An answer to `GET`: one that was asked for ahead, once; else it is asked for now. */
function got(url: string, signal?: AbortSignal): Promise<unknown> {
  const there = begun.get(url);
  if (there === undefined) return answered(url, { signal });
  begun.delete(url);
  return there.answer;
}

function taken<T>(url: string): T | undefined {
  const here = begun.get(url)?.here;
  if (here !== undefined) begun.delete(url);
  return here as T | undefined;
}

/** Ask for something that will be needed in a moment. Undefined where there is none: who needs it asks again, and tells. */
export type Ask = <T>(path: string, params?: Params) => Promise<T | undefined>;

async function begunAt<T>(url: string): Promise<T | undefined> {
  const asked: Begun = begun.get(url) ?? { answer: answered(url, {}) };
  begun.set(url, asked);
  setTimeout(() => begun.get(url) === asked && begun.delete(url), KEPT);
  try {
    asked.here = await asked.answer;
    return asked.here as T;
  } catch {
    return undefined;
  }
}

/** Ask now for what will be {@link read} in a moment: whoever reads it gets this answer. */
export const begin: Ask = (path, params = {}) => begunAt(restUrl(path, params));

/** The same for {@link readSite}. */
export const beginSite = (path: string): Promise<unknown> => begunAt(siteUrl(path));

/** An answer that was asked for ahead and is here already, once: what shows it need not be drawn twice. */
export const atHand = <T>(path: string, params: Params = {}): T | undefined =>
  begun.size === 0 ? undefined : taken<T>(restUrl(path, params));

/** The same for {@link readSite}. */
export const siteAtHand = <T>(path: string): T | undefined => taken<T>(siteUrl(path));

const restUrl = (path: string, params: Params): string => siteUrl(`api/v2/${path}`) + query(params);

/** A whole answer of `GET /api/v2/PATH`, which may be *maxAge* seconds old: the master gives it to many windows. */
export async function read<T>(path: string, params: Params = {}, signal?: AbortSignal, maxAge = 0): Promise<T> {
  const url = restUrl(path, params);
  if (maxAge === 0) return (await got(url, signal)) as T;
  return (await answered(url, { signal, headers: { 'Cache-Control': `max-age=${maxAge}` } })) as T;
}

/** Give an order (JSON-RPC); its result. Raises ApiError, with sentences by parameter in `details`. */
export async function order<T>(path: string, method: string, params: object = {}): Promise<T> {
  const answer = (await answered(siteUrl(`api/v2/${path}`), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })) as { result: T };
  return answer.result;
}

/** JSON from elsewhere on the site: `config`, `auth/account`. */
export async function readSite<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (init ? answered(siteUrl(path), init) : got(siteUrl(path)))) as T;
}
