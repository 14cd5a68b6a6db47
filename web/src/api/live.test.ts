import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live } from './live';

type Command = { cmd: string; path?: string; last_event_id?: string; _id: number };

class Socket {
  static all: Socket[] = [];
  readyState: number = WebSocket.CONNECTING;
  sent: Command[] = [];
  onopen: () => void = () => {};
  onclose: () => void = () => {};
  onmessage: (event: { data: string }) => void = () => {};

  constructor() {
    Socket.all.push(this);
  }

  static get last(): Socket {
    return Socket.all[Socket.all.length - 1]!;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Command);
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
    this.onclose();
  }

  opens(): void {
    this.readyState = WebSocket.OPEN;
    this.onopen();
  }

  says(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  answers(path: string, last_event_id: string, is_complete = true): void {
    const _id = this.sent.findLast((one) => one.path === path)!._id;
    this.says({ msg: 'OK', code: 200, _id, last_event_id, is_complete });
  }

  get starts(): [string | undefined, string | undefined][] {
    return this.sent.filter((one) => one.cmd === 'startConsuming').map((one) => [one.path, one.last_event_id]);
  }
}

const interrupt = (): void => {
  Socket.last.close();
  vi.advanceTimersByTime(1_000);
  Socket.last.opens();
};

const attemptsWithin = (minutes: number): number => {
  const before = Socket.all.length;
  for (let second = 0; second < minutes * 60; second += 1) {
    if (Socket.last.readyState !== WebSocket.CLOSED) Socket.last.close();
    vi.advanceTimersByTime(1_000);
  }
  return Socket.all.length - before;
};

describe('live events', () => {
  const onGap = vi.fn();
  const onReturn = vi.fn();
  let live: Live;

  beforeEach(() => {
    vi.useFakeTimers();
    Socket.all = [];
    onGap.mockClear();
    onReturn.mockClear();
    live = new Live(onGap, () => new Socket() as unknown as WebSocket, onReturn);
    live.subscribe('builds/*/*');
    Socket.last.opens();
    Socket.last.answers('builds/*/*', 'now');
  });

  it('says that it is back, also where nothing was missed: permissions may have changed', () => {
    expect(onReturn).not.toHaveBeenCalled();
    interrupt();
    Socket.last.answers('builds/*/*', 'later');
    expect(onGap).not.toHaveBeenCalled();
    expect(onReturn).toHaveBeenCalledTimes(1);
  });

  afterEach(() => {
    live.close();
    vi.useRealTimers();
  });

  it('begin anew for a path that was not followed, and see no gap in it', () => {
    Socket.last.says({ k: 'builds/1/new', m: {}, id: 'first' });
    live.subscribe('steps/*/*');
    Socket.last.answers('steps/*/*', 'later');

    expect(Socket.last.starts).toEqual([
      ['builds/*/*', ''],
      ['steps/*/*', ''],
    ]);
    expect(onGap).not.toHaveBeenCalled();
  });

  it('resume after an interruption where they ended', () => {
    Socket.last.says({ k: 'builds/1/new', m: {}, id: 'first' });
    interrupt();

    expect(Socket.last.starts).toEqual([['builds/*/*', 'first']]);
    Socket.last.answers('builds/*/*', 'first');
    expect(onGap).not.toHaveBeenCalled();
  });

  it('know of a gap', () => {
    interrupt();
    Socket.last.answers('builds/*/*', 'now', false);

    expect(onGap).toHaveBeenCalledTimes(1);
  });

  it('go on from where they were until all paths are answered', () => {
    live.subscribe('steps/*/*');
    Socket.last.answers('steps/*/*', 'now');
    interrupt();
    Socket.last.answers('builds/*/*', 'now');
    Socket.last.says({ k: 'builds/1/new', m: {}, id: 'missed' });
    interrupt();

    expect(Socket.last.starts).toEqual([
      ['builds/*/*', 'now'],
      ['steps/*/*', 'now'],
    ]);
  });

  it('tell of a gap when the first connection took more than one attempt: questions may have failed', () => {
    live.close();
    live = new Live(onGap, () => new Socket() as unknown as WebSocket);
    live.subscribe('builds/*/*');
    Socket.last.close();
    vi.advanceTimersByTime(1_000);
    Socket.last.opens();

    expect(onGap).toHaveBeenCalledTimes(1);
  });

  it('tell of a gap when only some paths were answered before the first connection was lost', () => {
    live.close();
    live = new Live(onGap, () => new Socket() as unknown as WebSocket);
    live.subscribe('builds/*/*');
    live.subscribe('steps/*/*');
    Socket.last.opens();
    Socket.last.answers('builds/*/*', 'now');
    interrupt();

    expect(onGap).toHaveBeenCalledTimes(1);
  });

  it('tell of a gap of several paths once', () => {
    live.subscribe('steps/*/*');
    Socket.last.answers('steps/*/*', 'now');
    interrupt();
    Socket.last.answers('builds/*/*', 'later', false);
    expect(onGap).not.toHaveBeenCalled();
    Socket.last.answers('steps/*/*', 'later', false);

    expect(onGap).toHaveBeenCalledTimes(1);
  });

  it('say from when on a path is heard, once', () => {
    const onBegin = vi.fn();
    live.close();
    live = new Live(onGap, () => new Socket() as unknown as WebSocket, undefined, onBegin);
    live.subscribe('builds/*/*');
    Socket.last.opens();
    expect(onBegin).not.toHaveBeenCalled();

    Socket.last.answers('builds/*/*', 'now');
    interrupt();
    Socket.last.answers('builds/*/*', 'later');

    expect(onBegin.mock.calls).toEqual([['builds/*/*']]);
  });

  it('are tried every few seconds while a master is away, and rarely for a visitor who may hear nothing', () => {
    expect(attemptsWithin(10)).toBeGreaterThan(25);

    live.refuse(true);

    attemptsWithin(20);
    expect(attemptsWithin(30)).toBeLessThan(15);
  });

  it('are tried at once when the visitor is let in', () => {
    live.refuse(true);
    attemptsWithin(30);
    Socket.last.close();
    const before = Socket.all.length;

    live.refuse(false);

    expect(Socket.all.length).toBe(before + 1);
  });

  it('take lists of events as they take single ones', () => {
    const heard: string[] = [];
    live.listen(({ key }) => heard.push(key.join('/')));
    Socket.last.says([
      { k: 'builds/1/new', m: {}, id: 'first' },
      { k: 'builds/1/finished', m: {}, id: 'second' },
    ]);
    interrupt();

    expect(heard).toEqual(['builds/1/new', 'builds/1/finished']);
    expect(Socket.last.starts).toEqual([['builds/*/*', 'second']]);
  });

  it('leave the connection to others while nobody sees the window, and ask for everything afterwards', () => {
    live.rest();
    live.subscribe('steps/*/*');
    vi.advanceTimersByTime(60_000);
    expect(Socket.all).toHaveLength(1);
    expect(Socket.last.readyState).toBe(WebSocket.CLOSED);

    live.wake();
    expect(onGap).not.toHaveBeenCalled();
    Socket.last.opens();
    expect(Socket.last.starts).toEqual([
      ['builds/*/*', ''],
      ['steps/*/*', ''],
    ]);
    expect(onGap).toHaveBeenCalledTimes(1);
  });

  it('hear what is wanted always, also while nobody sees the window', () => {
    const end = live.subscribe('builds/7/*', true);
    live.rest();
    const stops = (): (string | undefined)[] =>
      Socket.last.sent.filter((one) => one.cmd === 'stopConsuming').map((one) => one.path);
    expect(stops()).toEqual(['builds/*/*']);

    interrupt();
    expect(Socket.last.starts.map(([path]) => path)).toEqual(['builds/7/*']);
    live.wake();
    expect(Socket.last.starts.at(-1)).toEqual(['builds/*/*', '']);
    expect(onGap).toHaveBeenCalledTimes(1);
    end();
    expect(stops()).toEqual(['builds/7/*']);
  });

  it('are back at once where somebody looks away for a moment', () => {
    live.wake();
    expect(Socket.all).toHaveLength(1);
    expect(onGap).not.toHaveBeenCalled();
  });
});
