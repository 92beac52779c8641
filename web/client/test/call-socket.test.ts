// The namespace /call over a WebSocket of its own, and by which way media goes.
import { beforeEach, describe, expect, it } from 'vitest';
import { mediaPathOf, sendsUdpDirectly } from '../src/media-path.js';
import { CallSocket } from '../src/tunnel/call-socket.js';
import { FakeBrowser, FakeClock, settle, type FakeSocket } from './fakes.js';

let clock: FakeClock;
let browser: FakeBrowser;
let sent: string[];
let heard: unknown[][];

beforeEach(() => {
  clock = new FakeClock();
  browser = new FakeBrowser({ clock });
  sent = [];
  heard = [];
  browser.onSocket = (socket: FakeSocket) => {
    socket.send = (data: string) => void sent.push(data);
  };
});

const open = async (getToken = async () => 'token'): Promise<CallSocket> => {
  const socket = new CallSocket({ getToken, device: 'web', environment: browser.environment });
  for (const event of ['connect', 'disconnect', 'connect_error', 'incoming-call']) socket.on(event, (...args: unknown[]) => heard.push([event, ...args]));
  await settle();
  return socket;
};
const say = (packet: string): void => browser.socket.receiveText(packet);
const enter = (): void => {
  browser.socket.open();
  say('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}');
  say('40/call,{"sid":"b"}');
};

describe('CallSocket', () => {
  it('enters the namespace with the token, and takes its events', async () => {
    const socket = await open();
    expect(browser.socket.url).toBe('wss://calls.example.org/socket.io/?EIO=4&transport=websocket');
    expect(socket.emit('hangup', {})).toBe(false);
    enter();
    expect(sent).toEqual(['40/call,{"token":"token","device":"web"}']);
    expect(socket.connected).toBe(true);
    say('42/call,["incoming-call",{"callId":"1"}]');
    expect(heard).toEqual([['connect'], ['incoming-call', { callId: '1' }]]);
    socket.emit('accept-call', { callId: '1' });
    expect(sent.at(-1)).toBe('42/call,["accept-call",{"callId":"1"}]');
  });
  it('answers pings, and comes back when they stay away', async () => {
    const socket = await open();
    enter();
    say('2');
    expect(sent.at(-1)).toBe('3');
    await clock.advance(45_000);
    expect(socket.connected).toBe(true);
    await clock.advance(1_000);
    expect(heard.at(-1)).toEqual(['disconnect', 'silent']);
    await clock.advance(1_000);
    expect(browser.sockets.length).toBe(2);
    enter();
    expect(heard.at(-1)).toEqual(['connect']);
  });
  it('comes back after it was lost or refused, with another token', async () => {
    let tokens = 0;
    await open(async () => `token-${(tokens += 1)}`);
    browser.socket.open();
    say('0{}');
    say('44/call,{"message":"Unauthorized"}');
    expect(heard).toEqual([['connect_error', { message: 'Unauthorized' }]]);
    await clock.advance(1_000);
    enter();
    browser.socket.drop(1006);
    expect(heard.slice(1)).toEqual([['connect'], ['disconnect', 'lost']]);
    await clock.advance(1_000);
    enter();
    expect(sent.filter((packet) => packet.startsWith('40/call')).map((packet) => (JSON.parse(packet.slice(8)) as { token: string }).token)).toEqual(['token-1', 'token-2', 'token-3']);
  });
  it('is not troubled by what it does not know', async () => {
    await open();
    enter();
    for (const packet of ['', '9', '4', '42/other,["incoming-call"]', '42/call,{}', '42/call,[', '42/call,[7]', '451-/call,["x"]', '43/call,1[]', '0{']) say(packet);
    expect(heard).toEqual([['connect']]);
  });
  it('ends when it is closed, and stays so', async () => {
    const socket = await open();
    enter();
    socket.close();
    expect(sent.at(-1)).toBe('41/call,');
    expect(heard.at(-1)).toEqual(['disconnect', 'closed']);
    await clock.advance(60_000);
    expect(browser.sockets.length).toBe(1);
    expect(clock.pending).toBe(0);
  });
  it('waits for a login', async () => {
    let token: string | null = null;
    await open(() => (token === null ? Promise.reject(new Error('nobody')) : Promise.resolve(token)));
    await clock.advance(10_000);
    expect(browser.sockets.length).toBe(0);
    token = 'now';
    await clock.advance(15_000);
    expect(browser.sockets.length).toBe(1);
  });
});

describe('the way of media', () => {
  const report = (remote: Record<string, unknown>, local: Record<string, unknown> = {}): Map<string, Record<string, unknown>> =>
    new Map<string, Record<string, unknown>>([
      ['t', { type: 'transport', selectedCandidatePairId: 'p' }],
      ['p', { type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r' }],
      ['l', { type: 'local-candidate', candidateType: 'host', ...local }],
      ['r', { type: 'remote-candidate', candidateType: 'host', ...remote }],
    ]);
  it.each([
    ['tunnel', { protocol: 'tcp', address: '198.18.0.2' }, {}],
    ['tunnel', { protocol: 'udp', address: '198.19.255.1' }, {}],
    ['tcp', { protocol: 'tcp', address: '203.0.113.9' }, {}],
    ['udp', { protocol: 'udp', address: '198.20.0.1' }, {}],
    ['relay', { protocol: 'udp', address: '203.0.113.9' }, { candidateType: 'relay' }],
  ] as const)('is %s to %j', (path, remote, local) => {
    expect(mediaPathOf(report(remote, local))).toBe(path);
  });
  it('is found where there is no transport, and is none before there is a pair', () => {
    const stats = report({ protocol: 'tcp', address: '198.18.0.2' });
    stats.delete('t');
    expect(mediaPathOf(stats)).toBeNull();
    stats.set('p', { ...stats.get('p'), selected: true });
    expect(mediaPathOf(stats)).toBe('tunnel');
    expect(mediaPathOf(new Map())).toBeNull();
  });
  it('goes past a proxy where there are candidates for UDP', async () => {
    const candidates = (lines: (string | null)[]): Partial<typeof browser.environment> => ({
      ...browser.environment,
      createPeerConnection: () => {
        const pc = { onicecandidate: null as null | ((event: unknown) => void), addTransceiver() {}, close() {}, createOffer: async () => ({}), setLocalDescription: async () => lines.forEach((candidate) => pc.onicecandidate?.({ candidate: candidate === null ? null : { candidate } })) };
        return pc as unknown as RTCPeerConnection;
      },
    });
    expect(await sendsUdpDirectly(candidates(['candidate:1 1 tcp 1 10.0.0.1 9 typ host', 'candidate:2 1 udp 1 10.0.0.1 5 typ host']))).toBe(true);
    expect(await sendsUdpDirectly(candidates(['candidate:1 1 tcp 1 10.0.0.1 9 typ host', null]))).toBe(false);
    const silent = sendsUdpDirectly(candidates([]));
    await clock.advance(2_000);
    expect(await silent).toBe(false);
  });
});
