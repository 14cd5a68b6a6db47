/** Live events: one websocket for the window; lost connections are resumed where they ended. A window that nobody sees hears next to nothing. */

import { siteUrl } from './client';

export interface LiveEvent {
  key: string[];
  message: Record<string, unknown>;
}

export interface ConnectionState {
  status: 'connecting' | 'open' | 'lost';
  /** When the last event or answer came, in milliseconds. */
  asOf: number;
}

type Listener = (event: LiveEvent) => void;
type Frame = {
  k?: string;
  m?: Record<string, unknown>;
  id?: string;
  _id?: number;
  msg?: string;
  error?: string;
  last_event_id?: string;
  is_complete?: boolean;
};

/** How many want a path, and how many of them also while nobody sees the window. */
interface Wanted {
  all: number;
  always: number;
}

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
/** Whoever may hear nothing is not let in a moment later either. */
const LONGEST_REFUSED = 300_000;
const PING_EVERY = 20_000;

/**
 * The events of the site. `onGap` is called when events may have been missed, and `onReturn` when a connection
 * was lost for whatever reason: the master ends it as well when what the visitor may do has changed. From
 * `onBegin` on, events of a path are heard: what was asked before may be out of date already.
 */
export class Live {
  private socket: WebSocket | null = null;
  private readonly wanted = new Map<string, Wanted>();
  private readonly listeners = new Set<Listener>();
  private readonly watchers = new Set<() => void>();
  /** What is not answered yet: where it resumes, by the number of the command. */
  private readonly asked = new Map<number, { path: string; since: string; isGap: boolean }>();
  private lastEventId = '';
  /** Something was missed: it is told when all paths are answered, once. */
  private hasGap = false;
  private counter = 0;
  private pause = FIRST_PAUSE;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pinger: ReturnType<typeof setInterval> | undefined;
  private unanswered = 0;
  private hadConnection = false;
  private hasFailed = false;
  private isRefused = false;
  private isResting = false;
  private isBehind = false;
  state: ConnectionState = { status: 'connecting', asOf: Date.now() };

  constructor(
    private readonly onGap: () => void,
    private readonly open: (url: string) => WebSocket = (url) => new WebSocket(url),
    private readonly onReturn: () => void = () => undefined,
    private readonly onBegin: (path: string) => void = () => undefined,
  ) {}

  /**
   * Hear what is announced about a path (one `*` for any segment), until the returned function is called;
   * *always* also while nobody sees the window.
   */
  subscribe(path: string, always = false): () => void {
    this.count(path, 1, always);
    return () => this.count(path, -1, always);
  }

  /** Nobody sees the window: hear only what is wanted always. */
  rest(): void {
    if (this.isResting) return;
    this.isResting = true;
    const kept = [...this.wanted.values()].some(({ always }) => always > 0);
    if (kept) {
      for (const [path, { always }] of this.wanted) if (always === 0) this.stop(path);
      return;
    }
    // The master has a place for somebody else.
    this.isBehind = true;
    this.lastEventId = '';
    this.asked.clear();
    this.close();
    this.timer = undefined;
  }

  /** Somebody sees the window again: what was not heard is a gap. */
  wake(): void {
    if (!this.isResting) return;
    this.isResting = false;
    if (this.socket === null) {
      if (this.timer === undefined && this.wanted.size > 0) this.connect();
      return;
    }
    for (const [path, { always }] of this.wanted) if (always === 0) this.start(path, '', true);
    if (this.isOpen()) this.onGap();
    else this.isBehind = true;
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Try now, without waiting for the pause to end. */
  retry = (): void => {
    if (this.state.status !== 'lost' || this.socket !== null) return;
    clearTimeout(this.timer);
    this.connect();
  };

  /** Whether the visitor may hear nothing: then it is tried rarely, and at once when that has changed. */
  refuse(isRefused: boolean): void {
    const isLetIn = this.isRefused && !isRefused;
    this.isRefused = isRefused;
    if (isLetIn) this.retry();
  }

  close(): void {
    clearTimeout(this.timer);
    clearInterval(this.pinger);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private count(path: string, by: 1 | -1, always: boolean): void {
    const before = this.wanted.get(path) ?? { all: 0, always: 0 };
    const wanted = { all: before.all + by, always: before.always + (always ? by : 0) };
    const was = this.isHeard(before);
    const is = this.isHeard(wanted);
    if (wanted.all > 0) this.wanted.set(path, wanted);
    else this.wanted.delete(path);
    // Nothing of it was shown so far, so nothing of it can have been missed.
    if (is && !was) this.start(path, '');
    if (was && !is) this.stop(path);
    if (is && this.socket === null && this.timer === undefined) this.connect();
  }

  private isHeard({ all, always }: Wanted): boolean {
    return this.isResting ? always > 0 : all > 0;
  }

  private isOpen(): boolean {
    return this.socket !== null && this.socket.readyState === WebSocket.OPEN;
  }

  private connect(): void {
    this.timer = undefined;
    // Lists of events: a browser works on each message by itself.
    const url = new URL(siteUrl('ws?together'));
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = this.open(url.href);
    this.socket = socket;
    socket.onopen = () => this.opened();
    socket.onmessage = (event) => {
      const said = JSON.parse(event.data as string) as Frame | Frame[];
      for (const frame of Array.isArray(said) ? said : [said]) this.heard(frame);
    };
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  private opened(): void {
    this.pause = FIRST_PAUSE;
    this.unanswered = 0;
    // Without a place to resume at, the answer says of nothing that it was missed.
    const missed = this.isBehind || (this.hasFailed && this.lastEventId === '');
    if (this.hadConnection) this.onReturn();
    this.hadConnection = true;
    for (const [path, wanted] of this.wanted) if (this.isHeard(wanted)) this.start(path, this.lastEventId, missed);
    this.isBehind = false;
    this.hasFailed = false;
    if (missed) this.onGap();
    this.pinger = setInterval(() => this.ping(), PING_EVERY);
    this.become('open');
  }

  private ping(): void {
    // A connection that is half open answers nothing, and the browser does not notice for minutes.
    if (this.unanswered > 1) {
      this.socket?.close();
      this.lost();
      return;
    }
    this.unanswered += 1;
    this.send({ cmd: 'ping' });
  }

  /** *isGap* where everything is asked for anyway. */
  private start(path: string, since: string, isGap = false): void {
    if (!this.isOpen()) return;
    this.asked.set(this.counter + 1, { path, since, isGap });
    this.send({ cmd: 'startConsuming', path, last_event_id: since });
  }

  private stop(path: string): void {
    if (this.isOpen()) this.send({ cmd: 'stopConsuming', path });
  }

  private send(command: object): void {
    this.counter += 1;
    this.socket?.send(JSON.stringify({ ...command, _id: this.counter }));
  }

  private heard(frame: Frame): void {
    this.unanswered = 0;
    this.state = { ...this.state, asOf: Date.now() };
    if (frame.k !== undefined && frame.m !== undefined) {
      this.arrivedAt(frame.id);
      const event = { key: frame.k.split('/'), message: frame.m };
      for (const listener of this.listeners) listener(event);
      return;
    }
    if (frame._id === undefined) return;
    const asked = this.asked.get(frame._id);
    if (asked === undefined) return;
    this.asked.delete(frame._id);
    if (asked.since === '' && !asked.isGap) this.onBegin(asked.path);
    if (frame.last_event_id === undefined) return;
    if (asked.since !== '' && frame.is_complete === false) this.hasGap = true;
    if (this.hasGap && this.asked.size === 0) {
      this.hasGap = false;
      this.onGap();
    }
    this.arrivedAt(frame.last_event_id);
  }

  /** Remember where the connection is, unless what was missed of another path is still to come. */
  private arrivedAt(id: string | undefined): void {
    if (id && this.asked.size === 0) this.lastEventId = id;
  }

  private lost(): void {
    clearInterval(this.pinger);
    this.socket = null;
    this.hasFailed = true;
    this.asked.clear();
    this.become('lost');
    // Jitter: a thousand windows do not all come back at once.
    this.timer = setTimeout(() => this.connect(), this.pause * (0.5 + Math.random()));
    this.pause = Math.min(this.pause * 2, this.isRefused ? LONGEST_REFUSED : LONGEST_PAUSE);
  }

  private become(status: ConnectionState['status']): void {
    this.state = { ...this.state, status };
    for (const watcher of this.watchers) watcher();
  }
}
