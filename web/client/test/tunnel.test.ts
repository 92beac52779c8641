// Tunnelled calls: the manager against a server that says what the real one says.
import { beforeEach, describe, expect, it } from 'vitest';

import { CallManager } from '../src/tunnel/call-manager.js';
import type { RunningTunnel, TunnelSocket, VpnConnectionConfig } from '../src/tunnel/types.js';
import { FakeClock, settle } from './fakes.js';

class FakeSocket implements TunnelSocket {
  connected = true;
  readonly sent: unknown[][] = [];
  private readonly listeners = new Map<string, Set<(...args: never[]) => void>>();

  emit(event: string, ...args: unknown[]): void {
    this.sent.push([event, ...args]);
  }
  on(event: string, listener: (...args: never[]) => void): void {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set.add(listener));
  }
  off(event: string, listener: (...args: never[]) => void): void {
    this.listeners.get(event)?.delete(listener);
  }
  /** The server says something. */
  hears(event: string, data?: unknown): void {
    for (const listener of this.listeners.get(event) ?? []) (listener as (data: unknown) => void)(data);
  }
  take(): unknown[][] {
    return this.sent.splice(0);
  }
  get listenerCount(): number {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

class FakeTunnel implements RunningTunnel {
  readonly proxy = { host: '127.0.0.1', port: 10808 };
  stopped = 0;
  private exit: ((reason: string) => void) | null = null;
  async stop(): Promise<void> {
    this.stopped += 1;
  }
  onExit(listener: (reason: string) => void): void {
    this.exit = listener;
  }
  dies(reason: string): void {
    this.exit?.(reason);
  }
}

const config = (callId: string): VpnConnectionConfig => ({
  callId,
  vpnServer: 'vpn.example.org',
  vpnPort: 443,
  encryptionKey: 'a2V5',
  xrayConfig: { log: { loglevel: 'warning' }, inbounds: [], outbounds: [] },
  peerEndpoint: '198.18.0.1:4000',
});

let socket: FakeSocket;
let clock: FakeClock;
let tunnels: FakeTunnel[];
let started: { resolve: () => void; reject: (error: Error) => void; signal: AbortSignal }[];
let manager: CallManager;
let states: string[];

beforeEach(() => {
  socket = new FakeSocket();
  clock = new FakeClock();
  tunnels = [];
  started = [];
  states = [];
  manager = new CallManager(socket, {
    timers: clock,
    startTunnel: (_config, signal) =>
      new Promise((resolve, reject) => {
        const tunnel = new FakeTunnel();
        tunnels.push(tunnel);
        started.push({ resolve: () => resolve(tunnel), reject, signal });
      }),
  });
  manager.on('state', ({ state, reason }) => states.push(reason === null ? state : `${state}: ${reason}`));
});

async function callUp(): Promise<void> {
  manager.initiateCall('bob');
  socket.hears('call-initiated', { callId: 'c-1', callerId: 'alice', calleeId: 'bob' });
  socket.hears('call-accepted', { callId: 'c-1' });
  socket.hears('vpn-config-received', config('c-1'));
  await settle();
  started[0]!.resolve();
  await settle();
  socket.hears('vpn-connected', { callId: 'c-1' });
}

describe('CallManager', () => {
  it('goes through the states of the contract as the caller', async () => {
    const connected: string[] = [];
    manager.on('connected', ({ config: { peerEndpoint }, proxy }) =>
      connected.push(`${peerEndpoint} by ${proxy.host}:${proxy.port}`),
    );
    await callUp();
    manager.mediaStarted();
    expect(states).toEqual(['initiating', 'ringing', 'connecting-vpn', 'vpn-connected', 'active']);
    expect(connected).toEqual(['198.18.0.1:4000 by 127.0.0.1:10808']);
    expect(socket.take()).toEqual([
      ['initiate-call', { calleeId: 'bob' }],
      ['vpn-ready', { callId: 'c-1' }],
    ]);
    await manager.hangup();
    expect(socket.take()).toEqual([['hangup', { callId: 'c-1' }]]);
    expect(states.at(-1)).toBe('ended: hangup');
    expect(tunnels[0]!.stopped).toBe(1);
    expect(manager.state).toBe('idle');
  });

  it('goes through them as the callee, whoever is ready first', async () => {
    const incoming: string[] = [];
    manager.on('incoming', ({ callerId }) => incoming.push(callerId));
    socket.hears('incoming-call', { callId: 'c-1', callerId: 'alice', calleeId: 'bob' });
    expect(incoming).toEqual(['alice']);
    manager.acceptCall();
    socket.hears('vpn-config-received', config('c-1'));
    await settle();
    socket.hears('vpn-connected', { callId: 'c-1' }); // the other side was faster
    expect(states).toEqual(['ringing', 'accepting', 'connecting-vpn']);
    started[0]!.resolve();
    await settle();
    expect(states.at(-1)).toBe('vpn-connected');
    expect(socket.take()).toEqual([
      ['accept-call', { callId: 'c-1' }],
      ['vpn-ready', { callId: 'c-1' }],
    ]);
    socket.hears('call-hangup', { callId: 'c-1' });
    await settle();
    expect(states.at(-1)).toBe('ended: hangup');
    expect(tunnels[0]!.stopped).toBe(1);
  });

  it('says why a call is over, and ignores other calls', () => {
    manager.initiateCall('bob');
    socket.hears('call-initiated', { callId: 'c-1', callerId: 'alice', calleeId: 'bob' });
    socket.hears('call-hangup', { callId: 'c-0' });
    expect(manager.state).toBe('ringing');
    socket.hears('call-hangup', { callId: 'c-1', reason: 'no-answer' });
    expect(states.at(-1)).toBe('ended: no-answer');
    manager.initiateCall('bob');
    socket.hears('call-initiated', { callId: 'c-2', callerId: 'alice', calleeId: 'bob' });
    socket.hears('call-rejected', { callId: 'c-2' });
    expect(states.at(-1)).toBe('rejected: rejected');
    socket.hears('incoming-call', { callId: 'c-3', callerId: 'carol', calleeId: 'alice' });
    manager.rejectCall();
    expect(socket.sent.at(-1)).toEqual(['reject-call', { callId: 'c-3' }]);
    expect(manager.state).toBe('idle');
  });

  it('ends in error when the server refuses the call', () => {
    const errors: string[] = [];
    manager.on('error', ({ message }) => errors.push(message));
    manager.initiateCall('bob');
    socket.hears('call-error', { message: 'User is offline' });
    expect(errors).toEqual(['User is offline']);
    expect(states).toEqual(['initiating', 'error: User is offline']);
    socket.hears('call-error', {});
    expect(errors.at(-1)).toBe('unknown error');
  });

  it('does not end a call for an error about another', async () => {
    await callUp();
    socket.hears('call-error', { message: 'Call not found', callId: 'c-0' });
    expect(manager.state).toBe('vpn-connected');
    socket.hears('call-error', { message: 'Call not found', callId: 'c-1' });
    expect(states.at(-1)).toBe('error: Call not found');
  });

  it('hangs up a call that got its id too late', async () => {
    manager.initiateCall('bob');
    await manager.hangup();
    expect(socket.take()).toEqual([['initiate-call', { calleeId: 'bob' }]]);
    socket.hears('call-initiated', { callId: 'c-1', callerId: 'alice', calleeId: 'bob' });
    expect(socket.take()).toEqual([['hangup', { callId: 'c-1' }]]);
    expect(manager.state).toBe('idle');
  });

  it('hangs up when the tunnel client does not start, or dies', async () => {
    manager.initiateCall('bob');
    socket.hears('call-initiated', { callId: 'c-1', callerId: 'alice', calleeId: 'bob' });
    socket.hears('vpn-config-received', config('c-1'));
    await settle();
    started[0]!.reject(new Error('no xray here'));
    await settle();
    expect(states.at(-1)).toBe('error: the tunnel client failed: no xray here');
    expect(socket.sent.at(-1)).toEqual(['hangup', { callId: 'c-1' }]);

    manager.initiateCall('bob');
    socket.hears('call-initiated', { callId: 'c-2', callerId: 'alice', calleeId: 'bob' });
    socket.hears('vpn-config-received', config('c-2'));
    await settle();
    started[1]!.resolve();
    await settle();
    tunnels[1]!.dies('exit code 1');
    await settle();
    expect(states.at(-1)).toBe('error: the tunnel client failed: exit code 1');
    expect(tunnels[1]!.stopped).toBe(1);
  });

  it('stops a tunnel client that starts after the end of its call', async () => {
    manager.initiateCall('bob');
    socket.hears('call-initiated', { callId: 'c-1', callerId: 'alice', calleeId: 'bob' });
    socket.hears('vpn-config-received', config('c-1'));
    await settle();
    await manager.hangup();
    expect(started[0]!.signal.aborted).toBe(true);
    started[0]!.resolve();
    await settle();
    expect(tunnels[0]!.stopped).toBe(1);
    expect(socket.sent.some(([event]) => event === 'vpn-ready')).toBe(false);
  });

  it('goes on after the socket was lost when the server says so', async () => {
    await callUp();
    socket.take();
    socket.hears('disconnect', 'transport close');
    socket.hears('connect');
    socket.hears('call-initiated', { callId: 'c-1', callerId: 'alice', calleeId: 'bob' });
    socket.hears('vpn-config-received', config('c-1'));
    await clock.advance(60_000);
    expect(manager.state).toBe('vpn-connected');
    expect(socket.take()).toEqual([['vpn-ready', { callId: 'c-1' }]]);
    expect(tunnels).toHaveLength(1);
  });

  it('ends a call that the server knows no more', async () => {
    await callUp();
    socket.hears('disconnect', 'transport close');
    socket.hears('connect');
    await clock.advance(4_999);
    expect(manager.state).toBe('vpn-connected');
    await clock.advance(1);
    expect(states.at(-1)).toBe('ended: disconnected');
    expect(tunnels[0]!.stopped).toBe(1);
  });

  it('places one call at a time, and none without a connection', () => {
    manager.initiateCall('bob');
    expect(() => manager.initiateCall('carol')).toThrow('there is a call already');
    expect(() => manager.acceptCall()).toThrow('no incoming call');
    socket.hears('call-error', { message: 'User is offline' });
    socket.connected = false;
    expect(() => manager.initiateCall('bob')).toThrow('not connected');
  });

  it('leaves nothing on the socket when disposed', async () => {
    await callUp();
    await manager.dispose();
    expect(socket.listenerCount).toBe(0);
    expect(clock.pending).toBe(0);
    expect(tunnels[0]!.stopped).toBe(1);
  });

  it('takes no harm from nonsense', () => {
    for (const nonsense of [undefined, null, 1, 'text', [], {}]) {
      for (const event of ['incoming-call', 'call-accepted', 'vpn-config-received', 'vpn-connected', 'call-error']) {
        if (event !== 'incoming-call') socket.hears(event, nonsense);
      }
    }
    expect(manager.state).toBe('idle');
    expect(socket.sent).toEqual([]);
  });
});

describe('the key that only the two ends have', () => {
  /** Two managers whose sockets lead to one another, as the server does it. */
  const pair = (left: boolean | { secret: string }, right: boolean | { secret: string }) => {
    const clock = new FakeClock();
    const sides = [left, right].map((endToEnd) => {
      const socket = new FakeSocket();
      const side = { socket, connected: [] as { code: string | null }[], codes: [] as string[], ends: [] as (string | null)[], manager: null as unknown as CallManager };
      side.manager = new CallManager(socket, { timers: clock, endToEnd, startTunnel: async () => new FakeTunnel() });
      side.manager.on('connected', ({ encryption }) => side.connected.push({ code: encryption?.code ?? null }));
      side.manager.on('rekeyed', ({ code }) => side.codes.push(code));
      side.manager.on('state', ({ state, reason }) => state === 'error' && side.ends.push(reason));
      return side;
    });
    const [alice, bob] = sides as [(typeof sides)[0], (typeof sides)[0]];
    const info = { callId: 'c-1', callerId: 'alice', calleeId: 'bob' };
    alice.manager.initiateCall('bob');
    alice.socket.hears('call-initiated', info);
    bob.socket.hears('incoming-call', info);
    bob.manager.acceptCall();
    for (const { socket } of [alice, bob]) socket.hears('vpn-config-received', config('c-1'));
    /** Until that holds, and nobody says anything any more. */
    const carry = async (done = (): boolean => alice.connected.length > 0 && bob.connected.length > 0): Promise<void> => {
      const end = Date.now() + 20_000;
      for (let quiet = 0; quiet < 10 || (!done() && Date.now() < end); quiet += 1) {
        for (const [from, to] of [[alice, bob], [bob, alice]] as const) {
          for (const [event, data] of from.socket.take()) {
            quiet = 0;
            if (event === 'e2e') to.socket.hears('e2e', data);
            if (event === 'vpn-ready') to.socket.hears('vpn-connected', { callId: 'c-1' });
          }
        }
        await new Promise((resolve) => setTimeout(resolve, 5)); // WebCrypto works on threads of its own
      }
    };
    return { alice, bob, clock, carry };
  };

  it('is agreed before the call is connected, and both show the same digits', async () => {
    const { alice, bob, carry } = pair(true, true);
    await carry();
    expect(alice.connected).toEqual(bob.connected);
    expect(alice.connected[0]?.code).toMatch(/^\d{8}$/);
  });
  it('is another one with another secret', async () => {
    const { alice, bob, carry } = pair({ secret: 'one' }, { secret: 'another' });
    await carry();
    expect(alice.connected[0]?.code).not.toBe(bob.connected[0]?.code);
  });
  it('is waited for in vain when the other side has none', async () => {
    const { alice, bob, clock, carry } = pair(true, false);
    await carry(() => bob.connected.length > 0);
    expect([alice.connected, bob.connected]).toEqual([[], [{ code: null }]]);
    await clock.advance(15_000);
    expect(alice.ends).toEqual(['end to end: the other side has sent no key']);
    expect(alice.socket.take()).toContainEqual(['hangup', { callId: 'c-1' }]);
  });
  it('ends the call when somebody is at the words', async () => {
    const { alice, carry } = pair(true, true);
    alice.socket.hears('e2e', { callId: 'c-1', data: { v: 2 } });
    await carry(() => alice.ends.length > 0);
    expect(alice.ends[0]).toMatch(/^end to end: /);
    expect(alice.connected).toEqual([]);
  });
  it('is said again to whoever comes back', async () => {
    const { alice, carry } = pair(true, true);
    await carry();
    alice.socket.hears('vpn-config-received', config('c-1'));
    expect(alice.socket.take().map(([event]) => event)).toEqual(['vpn-ready', 'e2e']);
  });
});
