/** Logging in: where to go afterwards, and what a refusal says. */

/** The address of *path* on the site whose root is *root*; the root for anything that leads elsewhere. */
export function afterLogin(path: string | undefined, root: string): string {
  try {
    const url = new URL((path ?? '').replace(/^\/+/, ''), root).href;
    return url.startsWith(root) ? url : root;
  } catch {
    return root;
  }
}

/** A sentence for people about a login that failed. *retryAfter*: the header, in seconds. */
export function refusalOf(status: number, text: string, retryAfter: string | null): string {
  const seconds = Number(retryAfter);
  if (status === 429 && retryAfter !== null && Number.isFinite(seconds))
    return `Too many wrong passwords. Wait ${seconds} s, then try again.`;
  const said = text.trim().replace(/^not logged in: /, '');
  if (said === '') return `The master answered with status ${status}.`;
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}${/[.!?]$/.test(said) ? '' : '.'}`;
}

/** Why somebody may not see something, as a sentence: what it was is said above it. */
export function reasonOf(message: string): string {
  const why = message.replace(/^you are not allowed to [^:]+: /i, '').trim();
  const sentence = why.charAt(0).toUpperCase() + why.slice(1);
  return /[.!?]$/.test(sentence) || !/\s/.test(sentence) ? sentence : `${sentence}.`;
}
