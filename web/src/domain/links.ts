/** Addresses in texts that people wrote. */

export interface Part {
  text: string;
  url?: string;
}

/** The text in parts; those that are addresses (`http`, `https`) have a `url`. */
export function linked(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"']+/g)) {
    // What ends a sentence or closes a bracket is not part of the address.
    const url = match[0].replace(/[.,;:!?)\]}]+$/, '');
    if (match.index > end) parts.push({ text: text.slice(end, match.index) });
    parts.push({ text: url, url });
    end = match.index + url.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** Addresses come from builds: only those that a browser opens as pages. */
export function safeUrl(url: string): string | undefined {
  return /^(https?:|mailto:|\/|[^:]*$)/i.test(url) ? url : undefined;
}

/** Whether an address of master.cfg is at another host, port or scheme than this one; one that cannot be read is. */
export function isOtherOrigin(configured: string, here: string): boolean {
  try {
    return new URL(configured).origin !== new URL(here).origin;
  } catch {
    return true;
  }
}
