// The connection: tickets, back-off, close codes, the queue, the probe.
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../src/backoff.js';
import { SignalConnection, ZvonokApi, type ConnectionStatus } from '../src/index.js';
import { kQueueCharsMax, kQueueMessagesMax, SendQueue } from '../src/send-queue.js';
import { FakeBrowser, FakeClock, FakeLocks, SharedStorage, settle, type FakeBrowserOptions, type FakeSocket } from './fakes.js';

const kHello = { userId: 'alice', device: 'd', reconnectGraceMs: 10_000, ringTimeoutMs: 45_000, call: null };

interface Setup {
  readonly browser: FakeBrowser;
  readonly clock: FakeClock;
  readonly signal: SignalConnection;
  readonly statuses: ConnectionStatus[];
  tickets: number;
  refuseTickets: boolean;
}

function setup(options: FakeBrowserOptions & { device?: string; auth?: 'token' } = {}): Setup {
  const browser = new FakeBrowser(options);
  const api = new ZvonokApi({ environment: browser.environment, baseUrl: 'https://calls.example.org/', getToken: async () => 'jwt' });
  const signal = new SignalConnection({ api, device: options.device, auth: options.auth, environment: browser.environment });
  const statuses: ConnectionStatus[] = [];
  signal.on('status', (status) => statuses.push(status));
  const made: Setup = { browser, clock: browser.clock, signal, statuses, tickets: 0, refuseTickets: false };
  browser.respond = () => {
    if (made.refuseTickets) return { status: 401, body: { code: 'session_ended' } };
    made.tickets += 1;
    return { status: 200, body: { ticket: `ticket-${made.tickets}`, expires_in: 30 } };
  };
  return made;
}

/** Opens the newest socket as the server would. */
async function welcome(browser: FakeBrowser, hello: object = kHello): Promise<FakeSocket> {
  await settle();
  const socket = browser.socket;
  socket.open();
  expect(socket.events()).toEqual(['client:hello']);
  socket.receive('server:hello', hello);
  await settle();
  return socket;
}

async function online(options: Parameters<typeof setup>[0] = {}): Promise<Setup & { socket: FakeSocket }> {
  const made = setup(options);
  made.signal.connect();
  const socket = await welcome(made.browser);
  expect(made.signal.status).toBe('online');
  return Object.assign(made, { socket });
}

describe('back-off', () => {
  const options = { baseMs: 500, capMs: 30_000 };
  it.each([
    [0, 0, 0],
    [0, 0.999, 499],
    [3, 0.5, 2_000],
    [6, 0.999, 29_970],
    [60, 0.999, 29_970],
  ])('attempt %i with random %f waits %i ms', (attempt, random, expected) => {
    expect(backoffMs(attempt, options, random)).toBe(expected);
  });
});

describe('connecting', () => {
  it('brings a one-time ticket and the name of the device', async () => {
    const { browser, signal } = await online({ device: 'desk-1' });
    expect(browser.socket.url).toBe('wss://calls.example.org/ws?ticket=ticket-1&device=desk-1');
    expect(signal.userId).toBe('alice');
  });

  it('brings the token when asked to', async () => {
    const { browser } = await online({ device: 'd', auth: 'token' });
    expect(browser.socket.url).toBe('wss://calls.example.org/ws?token=jwt&device=d');
  });

  it('goes on without hello where the server does not know it', async () => {
    const { browser, signal, clock } = setup();
    signal.connect();
    await settle();
    browser.socket.open();
    expect(signal.status).toBe('connecting');
    const seen: unknown[] = [];
    signal.on('hello', (hello) => seen.push(hello));
    await clock.advance(2_000);
    expect(signal.status).toBe('online');
    expect(seen).toEqual([null]);
    expect(await signal.sync()).toBeNull();
    await clock.advance(120_000); // and is not probed by what it does not know
    expect(browser.socket.events()).toEqual(['client:hello']);
  });

  it('gives a socket up that does not open in 10 s', async () => {
    const { browser, signal, clock } = setup();
    signal.connect();
    await settle();
    const first = browser.socket;
    await clock.advance(10_000);
    expect(first.closedWith).toBe(1000);
    expect(signal.status).toBe('waiting');
  });

  it('keeps messages back until hello is answered, and marks them as early', async () => {
    const { browser, signal } = setup();
    const seen: string[] = [];
    signal.on('hello', () => seen.push('hello'));
    signal.on('message', ({ event, early }) => seen.push(`${event} ${early === true ? 'early' : ''}`));
    signal.connect();
    await settle();
    browser.socket.open();
    browser.socket.receive('call:offer', { sdp: 'x' });
    expect(seen).toEqual([]);
    browser.socket.receive('server:hello', kHello);
    browser.socket.receive('call:ice', {});
    browser.socket.receive('news:of-later', {});
    expect(seen).toEqual(['hello', 'call:offer early', 'call:ice ']);
  });
});

describe('a lost connection', () => {
  it('is opened again, later and later, with full jitter', async () => {
    const { browser, signal, clock } = setup({ seed: 5 });
    const waits: number[] = [];
    signal.on('retry', ({ inMs }) => waits.push(inMs));
    signal.connect();
    for (let i = 0; i < 9; i += 1) {
      await settle();
      browser.socket.drop(1006);
      await clock.advance(waits[waits.length - 1] ?? 0);
    }
    expect(browser.sockets).toHaveLength(10);
    waits.forEach((wait, attempt) => {
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThan(Math.min(30_000, 500 * 2 ** attempt));
    });
    expect(new Set(waits).size).toBeGreaterThan(5);
  });

  it('is opened again quickly during a call', async () => {
    const { browser, signal, clock } = await online();
    signal.urgent = true;
    const waits: number[] = [];
    signal.on('retry', ({ inMs }) => waits.push(inMs));
    for (let i = 0; i < 8; i += 1) {
      browser.socket.drop(1006);
      await clock.advance(1_500);
    }
    expect(Math.max(...waits)).toBeLessThan(1_500);
  });

  it.each([1001, 1012])('by a restart of the server (%i) is opened again within a second', async (code) => {
    const { browser, signal, clock, socket } = await online();
    socket.drop(code);
    expect(signal.status).toBe('waiting');
    await clock.advance(1_000);
    expect(browser.sockets).toHaveLength(2);
  });

  it('for too many connections (4029) waits at least 15 s', async () => {
    const { browser, clock, socket } = await online();
    socket.drop(4029);
    await clock.advance(14_999);
    expect(browser.sockets).toHaveLength(1);
    while (browser.sockets.length < 2 && clock.now < 1_046_000) await clock.advance(500);
    expect(browser.sockets).toHaveLength(2);
  });

  it('for a bad token (4001) is tried once more with a fresh one, then given up', async () => {
    const { browser, signal, statuses, socket } = await online();
    socket.drop(4001);
    await settle();
    expect(browser.sockets).toHaveLength(2);
    browser.socket.open();
    browser.socket.drop(4001);
    await settle();
    expect(signal.status).toBe('unauthorized');
    expect(browser.clock.pending).toBe(0);
    expect(statuses[statuses.length - 1]).toBe('unauthorized');
    signal.connect(); // after a new login
    await welcome(browser);
    expect(signal.status).toBe('online');
  });

  it('is given up when no ticket is given for want of a login', async () => {
    const made = setup();
    made.refuseTickets = true;
    made.signal.connect();
    await settle();
    expect(made.signal.status).toBe('unauthorized');
    expect([made.browser.sockets.length, made.clock.pending]).toEqual([0, 0]);
  });

  it('waits while the browser is offline, and is opened at once when it is back', async () => {
    const { browser, signal, socket } = await online();
    browser.online = false;
    socket.drop(1006);
    expect(signal.status).toBe('offline');
    browser.online = true;
    browser.pageEvent('online');
    await welcome(browser);
    expect(signal.status).toBe('online');
  });

  it.each(['visible', 'pageshow', 'network-change'] as const)('is opened at once on %s', async (event) => {
    const { browser, signal, socket } = await online();
    socket.drop(1006);
    expect(signal.status).toBe('waiting');
    browser.pageEvent(event);
    await settle();
    expect(browser.sockets).toHaveLength(2);
  });

  it('with a name that another tab took (4000) goes on under a new one', async () => {
    const { browser, signal, socket } = await online();
    const before = signal.device;
    let replaced = 0;
    signal.on('replaced', () => (replaced += 1));
    socket.drop(4000);
    await welcome(browser);
    expect(replaced).toBe(1);
    expect(signal.device).not.toBe(before);
    expect(browser.session.getItem('zvonok.device')).toBe(signal.device);
  });

  it('with a name that the application gave (4000) is not opened again', async () => {
    const { signal, socket, clock } = await online({ device: 'mine' });
    socket.drop(4000);
    await settle();
    expect(signal.status).toBe('idle');
    expect(clock.pending).toBe(0);
  });
});

describe('the name of the device', () => {
  it('stays the same after a reload, and differs in a copy of the tab', async () => {
    const locks = new FakeLocks();
    const clock = new FakeClock();
    const session = new SharedStorage().tab();
    const first = await online({ clock, session, locks, seed: 1 });
    const copied = new SharedStorage().tab();
    copied.setItem('zvonok.device', first.signal.device);

    const copy = setup({ clock, session: copied, locks, seed: 2 });
    copy.signal.connect();
    await clock.advance(300);
    await welcome(copy.browser);
    expect(copy.signal.device).not.toBe(first.signal.device);

    const name = first.signal.device;
    first.signal.dispose(); // the old page goes
    const reloaded = await online({ clock, session, locks, seed: 3 });
    expect(reloaded.signal.device).toBe(name);
  });

  it('must be one that the server takes', () => {
    expect(() => setup({ device: 'no spaces' })).toThrow(TypeError);
    expect(() => setup({ device: 'x'.repeat(65) })).toThrow(TypeError);
  });
});

describe('silence', () => {
  it('is broken by a question after 30 s, and without an answer the connection is lost', async () => {
    const { socket, signal, clock, statuses } = await online();
    await clock.advance(30_000);
    expect(socket.events()).toEqual(['client:hello', 'client:hello']);
    socket.receive('server:hello', kHello);
    await clock.advance(29_999);
    expect(signal.status).toBe('online');
    await clock.advance(1);
    expect(socket.events()).toHaveLength(3);
    await clock.advance(4_000);
    expect(statuses).toContain('waiting');
    expect(socket.closedWith).toBe(1000);
  });

  it('after the network changed is broken at once', async () => {
    const { socket, browser } = await online();
    browser.pageEvent('network-change');
    expect(socket.events()).toHaveLength(2);
  });

  it('sync() is answered by the answer to its own question', async () => {
    const { socket, signal, browser } = await online();
    browser.pageEvent('visible'); // a probe is under way
    const answers: unknown[] = [];
    void signal.sync().then((hello) => answers.push(hello?.userId));
    socket.receive('server:hello', { ...kHello, userId: 'answer to the probe' });
    await settle();
    expect(answers).toEqual([]);
    socket.receive('server:hello', { ...kHello, userId: 'answer to sync' });
    await settle();
    expect(answers).toEqual(['answer to sync']);
  });

  it('sync() gives null when the connection is lost meanwhile', async () => {
    const { socket, signal } = await online();
    const answer = signal.sync();
    socket.drop(1006);
    expect(await answer).toBeNull();
  });
});

describe('messages', () => {
  it('wait for the connection, in order, after hello and before nothing else', async () => {
    const { browser, signal } = setup();
    expect(signal.send('call:offer', { n: 1 })).toBe('queued');
    signal.connect();
    await settle();
    browser.socket.open();
    expect(signal.send('call:ice', { n: 2 })).toBe('queued');
    browser.socket.receive('server:hello', kHello);
    expect(signal.send('call:ice', { n: 3 })).toBe('sent');
    expect(browser.socket.sent.slice(1).map((m) => m.payload['n'])).toEqual([1, 2, 3]);
  });

  it('are refused when too many wait', () => {
    const { signal } = setup();
    for (let i = 0; i < kQueueMessagesMax; i += 1) expect(signal.send('call:ice', {})).toBe('queued');
    expect(signal.send('call:ice', {})).toBe('refused');
  });

  it('are refused when too much waits, and what was dropped makes room', () => {
    const queue = new SendQueue();
    const half = 'x'.repeat(kQueueCharsMax / 2);
    expect(queue.push({ text: half, tag: 'a' })).toBe(true);
    expect(queue.push({ text: half, tag: 'b' })).toBe(true);
    expect(queue.push({ text: 'x', tag: 'c' })).toBe(false);
    expect(queue.drop('a')).toBe(true);
    expect(queue.drop('a')).toBe(false);
    expect(queue.push({ text: 'x', tag: 'c' })).toBe(true);
    expect(queue.take().map((item) => item.tag)).toEqual(['b', 'c']);
    expect(queue.size).toBe(0);
  });

  it('that are no messages are ignored', async () => {
    const { socket, signal } = await online();
    for (const data of ['', '{', '[]', '{"event":1}', '{"payload":{}}', null]) socket.onmessage?.({ data } as never);
    expect(signal.status).toBe('online');
  });
});

describe('presence', () => {
  it('is watched again after every connection, and told as changes', async () => {
    const { browser, signal, socket, clock } = await online();
    const seen: string[] = [];
    signal.on('presence', ({ userId, online: isOnline }) => seen.push(`${userId} ${isOnline}`));
    signal.watchPresence(['bob', 'carol', 'bob']);
    expect(socket.sent[1]).toEqual({ event: 'presence:watch', payload: { userIds: ['bob', 'carol'] } });
    socket.receive('presence', { users: [{ userId: 'bob', online: true }, { userId: 'carol', online: false }] });
    socket.receive('presence', { users: [{ userId: 'bob', online: true }] });
    socket.receive('presence', { users: [{ userId: 'bob', online: false }] });
    expect(seen).toEqual(['bob true', 'carol false', 'bob false']);
    socket.drop(1001);
    await clock.advance(1_000);
    const again = await welcome(browser);
    expect(again.events()).toEqual(['client:hello', 'presence:watch']);
    signal.watchPresence(['carol']);
    expect([...signal.presence.keys()]).toEqual(['carol']);
  });
});

it('dispose leaves no timer, socket, listener or lock', async () => {
  const locks = new FakeLocks();
  const { browser, signal, clock, socket } = await online({ locks });
  expect(locks.heldNames).toHaveLength(1);
  signal.dispose();
  await settle();
  expect(socket.closedWith).toBe(1000);
  expect([clock.pending, browser.pageListenerCount, locks.heldNames.length]).toEqual([0, 0, 0]);
  expect(signal.send('call:ice', {})).toBe('refused');
});

it('dispose in the middle of connecting leaves nothing either', async () => {
  const locks = new FakeLocks();
  const { browser, signal, clock } = setup({ locks });
  signal.connect();
  signal.dispose();
  await settle();
  expect([browser.sockets.length, clock.pending, locks.heldNames.length]).toEqual([0, 0, 0]);
});
