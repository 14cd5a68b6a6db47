/** The lines of one log: only what is looked at is fetched; ends grow while the log runs. */

import { atHand, read } from '@/api/client';
import { BEGINNING, CHUNK, contentsPath } from '@/domain/logs';
import { carried, readLine, type LogLine } from '@/domain/terminal';

const KEPT_CHUNKS = 120;

export interface Line extends LogLine {
  /** The colours that earlier lines left on. */
  prefix: string;
}

interface Contents {
  logchunks: { content: string }[];
}

const contentOf = ({ logchunks }: Contents): string => logchunks[0]?.content ?? '';

type Fetch = (offset: number, limit: number, signal: AbortSignal) => Promise<string>;

interface Chunk {
  lines: Line[];
  /** The colours after its last line. */
  after: string;
}

/** Lines by number, from 0. `watch` tells when more are known. */
export class LogLines {
  private readonly chunks = new Map<number, Chunk>();
  private readonly running = new Map<number, AbortController>();
  private readonly watchers = new Set<() => void>();
  private wanted: readonly [number, number] = [0, 0];
  private failed: Error | null = null;
  version = 0;

  constructor(
    private readonly fetch: Fetch,
    private readonly hasStreams: boolean,
    public length: number,
  ) {}

  static of(logid: number, type: string, length: number): LogLines {
    const path = contentsPath(logid);
    const lines = new LogLines(
      async (offset, limit, signal) => contentOf(await read<Contents>(path, { offset, limit }, signal)),
      type === 's',
      length,
    );
    const beginning = atHand<Contents>(path, BEGINNING);
    if (beginning !== undefined) lines.take(0, 0, contentOf(beginning));
    return lines;
  }

  get error(): Error | null {
    return this.failed;
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  snapshot = (): number => this.version;

  /** A line, or undefined while it is not here yet. */
  at(number: number): Line | undefined {
    return this.chunks.get(Math.floor(number / CHUNK))?.lines[number % CHUNK];
  }

  /** How many lines at the beginning are the master's own (command, environment …). */
  get heading(): number {
    const known = this.chunks.get(0)?.lines ?? [];
    const end = known.findIndex((line) => line.stream !== 'h');
    return end < 0 ? 0 : end;
  }

  /** Fetch these lines (whole chunks); what nobody waits for now is given up. */
  want(from: number, to: number): void {
    this.wanted = [from, to];
    const first = Math.floor(Math.max(0, from) / CHUNK);
    const last = Math.floor(Math.max(0, Math.min(to, this.length - 1)) / CHUNK);
    for (const [index, request] of this.running) {
      if (index !== 0 && (index < first - 1 || index > last + 1)) {
        request.abort();
        this.running.delete(index);
      }
    }
    if (this.length === 0) return;
    this.load(0);
    for (let index = Math.max(1, first); index <= last; index += 1) this.load(index);
  }

  /** The log has grown to this many lines. */
  grow(length: number): void {
    if (length <= this.length) return;
    this.length = length;
    this.changed();
    this.want(...this.wanted);
  }

  retry(): void {
    this.failed = null;
    this.want(...this.wanted);
  }

  close(): void {
    for (const request of this.running.values()) request.abort();
    this.running.clear();
  }

  private expected(index: number): number {
    return Math.min(CHUNK, this.length - index * CHUNK);
  }

  private load(index: number): void {
    const have = this.chunks.get(index)?.lines.length ?? 0;
    if (have >= this.expected(index) || this.running.has(index) || this.failed) return;
    const request = new AbortController();
    this.running.set(index, request);
    this.fetch(index * CHUNK + have, CHUNK - have, request.signal).then(
      (content) => {
        if (this.running.get(index) !== request) return;
        this.running.delete(index);
        this.take(index, have, content);
      },
      (error: unknown) => {
        if (this.running.get(index) !== request) return;
        this.running.delete(index);
        if (error instanceof DOMException && error.name === 'AbortError') return;
        this.failed = error instanceof Error ? error : new Error(String(error));
        this.changed();
      },
    );
  }

  private take(index: number, have: number, content: string): void {
    const known = this.chunks.get(index)?.lines.slice(0, have) ?? [];
    let prefix = this.chunks.get(have > 0 ? index : index - 1)?.after ?? '';
    if (content !== '') {
      const texts = content.endsWith('\n') ? content.slice(0, -1).split('\n') : content.split('\n');
      for (const raw of texts) {
        const line = { ...readLine(raw, this.hasStreams), prefix };
        prefix = carried(prefix, line.text);
        known.push(line);
      }
    }
    this.chunks.delete(index);
    this.chunks.set(index, { lines: known, after: prefix });
    // What came is more than what was announced: the log has grown in the meantime.
    this.length = Math.max(this.length, index * CHUNK + known.length);
    this.forget();
    this.changed();
    if (content !== '') this.want(...this.wanted);
  }

  private forget(): void {
    for (const index of this.chunks.keys()) {
      if (this.chunks.size <= KEPT_CHUNKS) return;
      const [from, to] = this.wanted;
      if (index === 0) continue;
      if (index * CHUNK > to + CHUNK || (index + 1) * CHUNK < from - CHUNK) this.chunks.delete(index);
    }
  }

  private changed(): void {
    this.version += 1;
    for (const watcher of this.watchers) watcher();
  }
}
