// Calls between two clients over a server of the pair dialect; the connections are fakes that know the rules.
import { beforeEach, describe, expect, it } from 'vitest';
import { canFollow, endState, isOver, kTransitions } from '../src/call-state.js';
import { CallError, type CallEndReason, type CallState } from '../src/index.js';
import { kRecovery } from '../src/recovery.js';
import { FakeClock, FakeLocks, FakePeerConnection, FakeTrack, settle } from './fakes.js';
import { PairServer, activeCall, connect, party, type Party } from './pair-server.js';

let server: PairServer;
let clock: FakeClock;
beforeEach(() => {
  server = new PairServer();
  clock = new FakeClock();
  FakeTrack.live.clear();
  FakePeerConnection.gate = null;
});

function record(each: Party): CallState[] {
  const states: CallState[] = [each.call.state];
  each.call.on('state', ({ state }) => states.push(state));
  return states;
}

describe('the state machine', () => {
  const states = Object.keys(kTransitions) as CallState[];
  const allowed: Record<CallState, string> = {
    idle: 'initiating ringing reconnecting ended rejected error',
    initiating: 'ringing connecting ended rejected error',
    ringing: 'accepting connecting ended rejected error',
    accepting: 'connecting ended rejected error',
    connecting: 'active reconnecting ended rejected error',
    active: 'reconnecting ended rejected error',
    reconnecting: 'active ended rejected error',
    ended: '',
    rejected: '',
    error: '',
  };
  it.each(states.flatMap((from) => states.map((to) => [from, to] as const)))('%s to %s', (from, to) => {
    expect(canFollow(from, to)).toBe(allowed[from].split(' ').includes(to));
  });
  it.each(states)('%s is over exactly when nothing can follow', (state) => {
    expect(isOver(state)).toBe(kTransitions[state].length === 0);
  });

  const ends: [CallEndReason, CallState][] = [
    ['hangup', 'ended'], ['canceled', 'ended'], ['no-answer', 'ended'], ['answered-elsewhere', 'ended'], ['disconnected', 'ended'],
    ['server-shutdown', 'ended'], ['replaced', 'ended'], ['disposed', 'ended'], ['declined', 'rejected'], ['busy', 'rejected'],
    ['offline', 'error'], ['target-unknown', 'error'], ['unavailable', 'error'], ['bad-message', 'error'], ['unauthorized', 'error'],
    ['failed', 'error'],
  ];
  it.each(ends)('%s ends in %s', (reason, state) => expect(endState(reason)).toBe(state));
});

describe('a call', () => {
  it('goes from ring to hangup', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.calls.call('bob', { video: true, extra: { subject: 'lunch' } });
    const a = record(alice);
    await settle();
    expect(bob.incoming).toHaveLength(1);
    expect(bob.call).toMatchObject({ direction: 'incoming', peerUserId: 'alice', callId: 'call-1', offeredVideo: true });
    expect(bob.call.extra).toEqual({ subject: 'lunch' });
    const b = record(bob);
    expect(alice.call.snapshot.ringingDevices).toBe(1);
    await bob.call.accept({ video: true });
    await connect(alice, bob);
    expect(alice.call.remote).toEqual({ audio: true, muted: false, video: true, screen: false });
    expect(FakeTrack.live.size).toBe(4);
    alice.call.hangup({ message: 'bye' });
    await settle();
    expect(a).toEqual(['initiating', 'ringing', 'connecting', 'active', 'ended']);
    expect(b).toEqual(['ringing', 'accepting', 'connecting', 'active', 'ended']);
    expect(alice.call.end).toEqual({ reason: 'hangup', by: 'local', message: null });
    expect(bob.call.end).toEqual({ reason: 'hangup', by: 'remote', message: 'bye' });
    expect([FakeTrack.live.size, alice.calls.current, bob.calls.current]).toEqual([0, null, null]);
  });

  it('offers before the devices are open, when they need no permission', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    let open: () => void = () => undefined;
    alice.browser.media.gate = new Promise((resolve) => (open = resolve));
    alice.calls.call('bob', { video: true });
    await settle();
    expect(bob.call.state).toBe('ringing');
    const [audio, video] = alice.browser.pc.getTransceivers();
    expect([audio?.direction, video?.direction, audio?.sender.track]).toEqual(['sendrecv', 'sendrecv', null]);
    open();
    await settle();
    expect([audio?.sender.track?.kind, video?.sender.track?.kind]).toEqual(['audio', 'video']);
    expect(server.log.filter((line) => line === 'alice > call:offer')).toHaveLength(1);
  });

  it('waits for the answer to the prompt, when the user is asked', async () => {
    const alice = await party(server, 'alice', clock, { granted: false });
    const bob = await party(server, 'bob', clock);
    let open: () => void = () => undefined;
    alice.browser.media.gate = new Promise((resolve) => (open = resolve));
    alice.calls.call('bob');
    await settle();
    expect(bob.all).toHaveLength(0);
    open();
    await settle();
    expect(bob.call.state).toBe('ringing');
  });

  it.each([
    ['decline', (_: Party, bob: Party) => bob.call.decline({ message: 'later' }), { reason: 'declined', by: 'remote', message: 'later' }, { reason: 'declined', by: 'local' }],
    ['hangup of what rings', (_: Party, bob: Party) => bob.call.hangup(), { reason: 'declined', by: 'remote' }, { reason: 'declined', by: 'local' }],
    ['cancel', (alice: Party) => alice.call.hangup(), { reason: 'canceled', by: 'local' }, { reason: 'canceled', by: 'remote' }],
    ['no answer', () => server.end('no-answer'), { reason: 'no-answer', by: 'server' }, { reason: 'no-answer', by: 'server' }],
    ['shutdown', () => server.end('server-shutdown'), { reason: 'server-shutdown', by: 'server' }, { reason: 'server-shutdown', by: 'server' }],
  ])('ends by %s', async (_, act, endOfAlice, endOfBob) => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle();
    act(alice, bob);
    await settle();
    expect(alice.call.end).toMatchObject(endOfAlice);
    expect(bob.call.end).toMatchObject(endOfBob);
    expect(FakeTrack.live.size).toBe(0);
  });

  it.each([
    ['offline', 'error'],
    ['target-unknown', 'error'],
    ['busy', 'rejected'],
  ] as const)('that the server refuses as %s ends in %s', async (code, state) => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    if (code === 'busy') {
      const carol = await party(server, 'carol', clock);
      carol.calls.call('bob');
      await settle();
    }
    if (code === 'offline') bob.signal.disconnect(), server.drop('bob');
    alice.calls.call(code === 'target-unknown' ? 'nobody' : 'bob');
    await settle();
    expect([alice.call.state, alice.call.end?.reason]).toEqual([state, code]);
    expect(alice.calls.current).toBeNull();
  });

  it('is answered on one device and ends on the other', async () => {
    const alice = await party(server, 'alice', clock);
    const desk = await party(server, 'bob', clock);
    const phone = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle();
    expect(alice.call.snapshot.ringingDevices).toBe(2);
    await phone.call.accept();
    await connect(alice, phone);
    expect(desk.call.end).toEqual({ reason: 'answered-elsewhere', by: 'server', message: null });
    expect([alice.call.state, phone.call.state]).toEqual(['active', 'active']);
  });

  it('declined on one device ends on the other as declined here', async () => {
    const alice = await party(server, 'alice', clock);
    const desk = await party(server, 'bob', clock);
    const phone = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle();
    phone.call.decline();
    await settle();
    expect(desk.call.end).toMatchObject({ reason: 'declined', by: 'server' });
  });

  it('that nobody takes or refuses ends', async () => {
    const alice = await party(server, 'alice', clock);
    await party(server, 'bob', clock);
    server.holding = true;
    alice.calls.call('bob');
    await clock.advance(15_000);
    expect(alice.call.end).toMatchObject({ reason: 'unavailable', by: 'local' });
  });

  it('takes one at a time', async () => {
    const { alice } = await activeCall(server, clock);
    expect(() => alice.calls.call('carol')).toThrow(CallError);
    expect(() => alice.call.decline()).toThrow(/cannot be declined/);
    await expect(alice.call.accept()).rejects.toMatchObject({ code: 'bad-state' });
    alice.call.hangup();
    expect(() => alice.calls.call('alice')).toThrow(/themselves/);
    alice.signal.disconnect();
    expect(() => alice.calls.call('bob')).toThrow(/connect/);
  });

  it('canceled before the server knew of it does not harm the next one', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    server.holding = true;
    alice.calls.call('bob');
    await settle();
    alice.call.hangup();
    const second = alice.calls.call('bob');
    await settle();
    server.release();
    await settle();
    expect(second.state).toBe('ringing');
    expect(bob.all.map((call) => call.state)).toEqual(['ended', 'ringing']);
    expect(server.log.filter((line) => line === 'alice > call:hangup')).toHaveLength(1);
  });
});

describe('glare', () => {
  it.each([
    ['first', 'alice', 'bob'],
    ['last', 'bob', 'alice'],
    // Byte-wise, not by UTF-16 units: U+FF5E is less than U+1F600 in UTF-8.
    ['by bytes', '\uFF5E', '\u{1F600}'],
  ])('of two first offers ends in one call; the smaller id called %s', async (_, first, second) => {
    const one = await party(server, first, clock);
    const two = await party(server, second, clock);
    server.holding = true;
    one.calls.call(second);
    two.calls.call(first);
    await settle();
    server.release();
    await settle();
    const [small, great] = first === 'bob' ? [two, one] : [one, two];
    expect(small.browser.connections).toHaveLength(1); // kept its offer
    expect(great.browser.connections).toHaveLength(2); // yielded
    await connect(one, two);
    expect([one.call.state, two.call.state, one.incoming.length, two.incoming.length]).toEqual(['active', 'active', 0, 0]);
    expect(small.browser.pc.candidates.length).toBeGreaterThan(0);
    expect(great.browser.pc.candidates.length).toBeGreaterThan(0);
    expect(great.browser.connections[0]?.isClosed).toBe(true);
  });

  it('of two renegotiations is settled by rolling back one of them', async () => {
    const { alice, bob } = await activeCall(server, clock);
    server.holding = true;
    await Promise.all([alice.call.setCamera(true), bob.call.setCamera(true)]);
    await settle();
    server.release();
    await settle(200);
    expect([alice.browser.pc.rollbacks, bob.browser.pc.rollbacks]).toEqual([0, 1]);
    for (const each of [alice, bob]) {
      expect(each.browser.connections).toHaveLength(1);
      expect(each.browser.pc.signalingState).toBe('stable');
      expect(each.browser.pc.getTransceivers()[1]?.direction).toBe('sendrecv');
      expect(each.call.remote.video).toBe(true);
    }
  });
});

describe('candidates', () => {
  it('that come before the description wait for it', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle(); // bob has the offer and the candidates, and has not accepted
    await bob.call.accept();
    await settle();
    expect(bob.browser.pc.candidates).toHaveLength(1);
    expect(alice.browser.pc.candidates).toHaveLength(1);
  });

  it('go one by one to a stranger, and together to this SDK', async () => {
    const { alice, bob } = await activeCall(server, clock);
    const init = (n: number): unknown => ({ candidate: { candidate: `candidate:${n}`, toJSON: () => ({ candidate: `candidate:${n}` }) } });
    for (let n = 0; n < 5; n += 1) alice.browser.pc.onicecandidate?.(init(n) as never);
    await clock.advance(10);
    const sent = alice.browser.socket.sent.filter((m) => m.event === 'call:ice' && 'candidates' in m.payload);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.payload['candidates']).toHaveLength(4); // the first one left at once
    expect(bob.browser.pc.candidates.slice(-5).map((c) => (c as { candidate: string }).candidate)).toEqual([0, 1, 2, 3, 4].map((n) => `candidate:${n}`));
  });
});

describe('media', () => {
  it('asks nobody for a microphone while it rings, and who took the call without one when it is unmuted', async () => {
    const [alice, bob] = [await party(server, 'alice', clock), await party(server, 'bob', clock)];
    alice.calls.call('bob', {});
    await settle();
    bob.call.toggleMuted();
    bob.call.toggleMuted();
    await settle();
    expect(bob.browser.media.requests).toEqual([]);
    await bob.call.accept({ audio: false });
    await settle();
    expect(bob.call.local.audio).toBe(false);
    bob.call.toggleMuted();
    await settle();
    expect(bob.call.local).toMatchObject({ audio: true, muted: false });
  });
  it('is told to the other side: mute, camera, screen', async () => {
    const { alice, bob } = await activeCall(server, clock);
    alice.call.setMuted(true);
    await settle();
    expect(bob.call.remote.muted).toBe(true);
    alice.call.toggleMuted();
    expect(await alice.call.setCamera(true)).toBe(true);
    await settle();
    expect(bob.call.remote).toEqual({ audio: true, muted: false, video: true, screen: false });
    expect(await alice.call.startScreenShare()).toBe(true);
    await settle();
    expect(bob.call.remote.screen).toBe(true);
    expect(alice.browser.pc.getTransceivers()[1]?.sender.track?.label).toBe('screen');
    alice.browser.media.screens[0]?.takeAway(); // the browser's own button
    await settle();
    expect([bob.call.remote.screen, bob.call.remote.video, alice.call.local.screen]).toEqual([false, true, false]);
    expect(alice.browser.pc.getTransceivers()[1]?.sender.track?.label).toBe('default-video');
    await alice.call.setCamera(false);
    await settle();
    expect([bob.call.remote.video, FakeTrack.live.size]).toEqual([false, 2]);
  });

  it.each([
    ['audio', 'NotAllowedError', 'microphone-denied'],
    ['audio', 'NotFoundError', 'microphone-missing'],
    ['audio', 'NotReadableError', 'microphone-busy'],
    ['audio', 'TypeError', 'microphone-failed'],
    ['video', 'NotAllowedError', 'camera-denied'],
    ['video', 'OverconstrainedError', 'camera-missing'],
  ] as const)('without %s (%s) warns %s and the call goes on', async (kind, failure, code) => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    bob.browser.media.failures = { [kind]: failure };
    alice.calls.call('bob', { video: true });
    await settle();
    const warnings: string[] = [];
    bob.call.on('warning', (warning) => warnings.push(warning.code));
    await bob.call.accept({ video: true });
    await connect(alice, bob);
    expect(warnings).toEqual([code]);
    expect(bob.call.state).toBe('active');
    expect(bob.call.local[kind]).toBe(false);
    expect(alice.call.remote[kind]).toBe(false);
  });

  it('without https warns and receives only', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    (alice.browser.environment as { mediaDevices: null }).mediaDevices = null;
    const lonely = await party(server, 'carol', clock);
    void lonely;
    alice.calls.call('bob', { audio: false });
    await settle();
    await bob.call.accept();
    await connect(alice, bob);
    expect(alice.call.local.audio).toBe(false);
    expect(alice.browser.pc.getTransceivers()[0]?.direction).toBe('recvonly');
  });

  it('takes another microphone, and keeps the old one when that fails', async () => {
    const { alice } = await activeCall(server, clock);
    const sender = alice.browser.pc.getTransceivers()[0]?.sender;
    expect(await alice.call.setMicrophoneDevice('headset')).toBe(true);
    await settle();
    expect(sender?.track?.label).toBe('headset');
    alice.browser.media.failures = { audio: 'NotFoundError' };
    expect(await alice.call.setMicrophoneDevice('gone')).toBe(false);
    await settle();
    expect(sender?.track?.label).toBe('headset');
    expect(FakeTrack.live.size).toBe(2);
  });

  it('goes on with another microphone when one is unplugged', async () => {
    const { alice } = await activeCall(server, clock);
    const warnings: string[] = [];
    alice.call.on('warning', (warning) => warnings.push(warning.code));
    const sender = alice.browser.pc.getTransceivers()[0]?.sender;
    const before = sender?.track;
    before?.takeAway();
    await settle();
    expect(warnings).toEqual(['microphone-ended']);
    expect(sender?.track).not.toBe(before);
    expect(sender?.track?.readyState).toBe('live');
  });

  it('that opens after the end is closed again', async () => {
    const alice = await party(server, 'alice', clock);
    await party(server, 'bob', clock);
    let open: () => void = () => undefined;
    alice.browser.media.gate = new Promise((resolve) => (open = resolve));
    alice.calls.call('bob', { video: true });
    await settle();
    alice.call.hangup();
    open();
    await settle();
    expect(FakeTrack.live.size).toBe(0);
  });
});

describe('mending', () => {
  it('restarts ICE when packets stop, and the caller leads', async () => {
    const { alice, bob } = await activeCall(server, clock);
    for (const each of [alice, bob]) each.browser.pc.become('disconnected');
    expect(alice.call.state).toBe('reconnecting');
    await clock.advance(kRecovery.softMs);
    expect([alice.browser.pc.restarts, bob.browser.pc.restarts]).toEqual([1, 0]);
    await connect(alice, bob);
    expect([alice.call.state, bob.call.state]).toEqual(['active', 'active']);
    expect(alice.browser.pc.signalingState).toBe('stable');
    await clock.advance(kRecovery.giveUpMs);
    expect(alice.call.state).toBe('active');
  });

  it('does nothing when packets come back by themselves', async () => {
    const { alice, bob } = await activeCall(server, clock);
    alice.browser.pc.become('disconnected');
    await clock.advance(kRecovery.softMs - 1);
    alice.browser.pc.become('connected');
    await clock.advance(10_000);
    expect([alice.call.state, alice.browser.pc.restarts, bob.browser.pc.restarts]).toEqual(['active', 0, 0]);
  });

  it('makes a new connection after two restarts, which the other side follows', async () => {
    const { alice, bob } = await activeCall(server, clock);
    alice.browser.pc.become('failed');
    await clock.advance(2 * kRecovery.restartMs);
    expect([alice.browser.connections.length, bob.browser.connections.length]).toEqual([2, 2]);
    expect(bob.browser.connections[0]?.isClosed).toBe(true);
    await connect(alice, bob);
    expect([alice.call.state, bob.call.state]).toEqual(['active', 'active']);
    expect(bob.call.remoteStream.getTracks()).toHaveLength(1);
  });

  it('gives up after a minute', async () => {
    const { alice, bob } = await activeCall(server, clock);
    alice.browser.pc.become('failed');
    await clock.advance(kRecovery.giveUpMs);
    expect(alice.call.end).toMatchObject({ reason: 'failed', by: 'local' });
    await settle();
    expect(bob.call.end).toMatchObject({ reason: 'failed', by: 'remote' });
  });

  it('gives a first connection half a minute', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle();
    await bob.call.accept();
    await settle();
    await clock.advance(kRecovery.giveUpConnectingMs);
    // Both are at their end at the same time; whoever is first tells the other one.
    expect([alice.call.end?.reason, bob.call.end?.reason]).toEqual(['failed', 'failed']);
  });

  it('waits while the other side is away from the server', async () => {
    const { alice } = await activeCall(server, clock);
    alice.browser.socket.receive('call:peer', { callId: 'call-1', state: 'reconnecting' });
    expect(alice.call.snapshot.peerConnected).toBe(false);
    alice.browser.pc.become('failed');
    await clock.advance(4_000);
    expect(alice.browser.pc.restarts).toBe(0);
    alice.browser.socket.receive('call:peer', { callId: 'call-1', state: 'connected' });
    await clock.advance(0);
    expect(alice.browser.pc.restarts).toBe(1);
  });

  it('restarts ICE when the network comes back', async () => {
    const { alice } = await activeCall(server, clock);
    alice.browser.pageEvent('online');
    await settle();
    expect(alice.browser.pc.restarts).toBe(1);
    expect(alice.call.state).toBe('active');
  });
});

describe('a lost connection to the server', () => {
  it('during a call changes nothing', async () => {
    const { alice, bob } = await activeCall(server, clock);
    server.drop('alice');
    await clock.advance(2_000);
    expect([alice.signal.status, alice.call.state, bob.call.state]).toEqual(['online', 'active', 'active']);
    expect(alice.browser.connections).toHaveLength(1);
  });

  it('after which the server has no call ends it', async () => {
    const { alice } = await activeCall(server, clock);
    server.drop('alice');
    server.call = null;
    await clock.advance(2_000);
    expect(alice.call.end).toEqual({ reason: 'disconnected', by: 'server', message: null });
  });

  it('during which one hangs up: the hangup is sent afterwards', async () => {
    const { alice, bob } = await activeCall(server, clock);
    server.drop('alice');
    alice.call.hangup();
    expect(alice.call.end?.by).toBe('local');
    await clock.advance(30_000);
    expect(bob.call.end).toMatchObject({ reason: 'hangup', by: 'remote' });
    expect(alice.all).toHaveLength(1);
  });

  it('that swallowed the answer: it is sent again', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle();
    bob.browser.socket.onSend = null; // into the void
    await bob.call.accept();
    await settle();
    expect(alice.call.state).toBe('ringing');
    server.drop('bob');
    await clock.advance(2_000);
    await connect(alice, bob);
    expect([alice.call.state, bob.call.state]).toEqual(['active', 'active']);
  });

  it('that swallowed the offer: it is sent again', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.browser.socket.onSend = null;
    alice.calls.call('bob');
    await settle();
    server.drop('alice');
    await clock.advance(2_000);
    expect([alice.call.state, bob.call.state]).toEqual(['ringing', 'ringing']);
  });

  it('before the call: the offer waits for the connection', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    server.drop('alice');
    alice.calls.call('bob');
    await settle();
    expect(alice.call.state).toBe('initiating');
    await clock.advance(2_000);
    expect([alice.call.state, bob.call.state]).toEqual(['ringing', 'ringing']);
  });

  it('of which a canceled call never hears', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    server.drop('alice');
    alice.calls.call('bob');
    await settle();
    alice.call.hangup();
    await clock.advance(30_000);
    expect(bob.all).toHaveLength(0);
    expect(server.log.filter((line) => line.startsWith('alice > call:'))).toEqual([]);
  });
});

describe('a reload of the page', () => {
  /** The page goes without a word, and its socket and locks with it. What the tab stored stays. */
  async function reload(user: string, before: Party, options: { resume?: 'off' } = {}, meanwhile: () => void = () => undefined): Promise<Party> {
    before.browser.onSocket = null;
    server.drop(user);
    meanwhile();
    await settle();
    return party(server, user, clock, { session: before.browser.session, locks: new FakeLocks(), ...options });
  }

  it.each(['alice', 'bob'])('of %s comes back to the call with a new connection', async (who) => {
    const { alice, bob } = await activeCall(server, clock, { video: true });
    const [gone, other] = who === 'alice' ? [alice, bob] : [bob, alice];
    gone.call.setMuted(true);
    await settle();
    const back = await reload(who, gone);
    await settle(200);
    expect(back.call).toMatchObject({ resumed: true, state: 'reconnecting', peerUserId: other === bob ? 'bob' : 'alice', callId: 'call-1' });
    expect(back.call.local).toMatchObject({ muted: true, video: true });
    expect(other.call.state).toBe('reconnecting');
    expect(other.browser.connections).toHaveLength(2);
    await connect(back, other);
    expect([back.call.state, other.call.state]).toEqual(['active', 'active']);
    expect(other.browser.connections[0]?.isClosed).toBe(true);
  });

  it('of which the other side sent a restart meanwhile: that one is void', async () => {
    const { alice, bob } = await activeCall(server, clock);
    const back = await reload('bob', bob, {}, () => alice.call.restartIce());
    await settle(200);
    await connect(alice, back);
    expect([alice.call.state, back.call.state]).toEqual(['active', 'active']);
    expect(alice.browser.pc.signalingState).toBe('stable');
    expect(back.browser.connections).toHaveLength(1);
  });

  it('of both sides at once comes back, too', async () => {
    const { alice, bob } = await activeCall(server, clock);
    bob.browser.onSocket = null;
    server.drop('bob');
    const aliceBack = await reload('alice', alice);
    const bobBack = await reload('bob', bob);
    await settle(200);
    await connect(aliceBack, bobBack);
    expect([aliceBack.call.state, bobBack.call.state]).toEqual(['active', 'active']);
    expect(aliceBack.browser.pc.signalingState).toBe('stable');
  });

  it('while it rings out calls again, in the same call', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle();
    const back = await reload('alice', alice);
    expect(back.call).toMatchObject({ state: 'ringing', callId: 'call-1', direction: 'outgoing' });
    await bob.call.accept();
    await connect(back, bob);
    expect([back.call.state, bob.call.state, server.calls]).toEqual(['active', 'active', 1]);
  });

  it('while it rings in rings again', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle();
    const back = await reload('bob', bob);
    await settle();
    expect(back.call).toMatchObject({ state: 'ringing', callId: 'call-1', direction: 'incoming' });
    await back.call.accept();
    await connect(alice, back);
    expect([alice.call.state, back.call.state]).toEqual(['active', 'active']);
  });

  it('with resume off hangs up', async () => {
    const { alice, bob } = await activeCall(server, clock);
    await reload('bob', bob, { resume: 'off' });
    await settle();
    expect(alice.call.end?.reason).toBe('hangup');
  });

  it('that a restart of the other side crosses: the restart is void', async () => {
    const { alice, bob } = await activeCall(server, clock);
    bob.browser.onSocket = null;
    server.drop('bob');
    await settle();
    const back = await party(server, 'bob', clock, { session: bob.browser.session, locks: new FakeLocks() }, (browser) => {
      browser.onSocket = (socket) => {
        server.accept('bob', socket);
        const deliver = socket.onSend;
        socket.onSend = (message): void => {
          deliver?.(message);
          if (message.event !== 'call:offer') return;
          const sdp = alice.browser.pc.localDescription?.sdp; // of its old connection, sent before it heard of the reload
          queueMicrotask(() => socket.receive('call:offer', { fromUserId: 'alice', sdp, zvonok: { v: 1, id: 'old', fresh: false } }));
        };
      };
    });
    await settle(200);
    expect(server.log.filter((line) => line === 'bob > call:offer')).toHaveLength(1);
    expect(back.browser.connections).toHaveLength(1);
    await connect(alice, back);
    expect([alice.call.state, back.call.state]).toEqual(['active', 'active']);
  });

  it('of the caller in the middle of accepting does not leave accept() hanging', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    alice.calls.call('bob');
    await settle();
    let open: () => void = () => undefined;
    FakePeerConnection.gate = new Promise((resolve) => (open = resolve));
    const accepted = bob.call.accept();
    await settle();
    const sdp = 'v=0\r\no=- 4711 1 IN IP4 0\r\ns=1\r\nm=audio 9 UDP\r\na=sendrecv\r\n';
    bob.browser.socket.receive('call:offer', { fromUserId: 'alice', sdp, zvonok: { v: 1, id: 'new', fresh: true } });
    await settle();
    FakePeerConnection.gate = null;
    open();
    await accepted;
    await settle();
    expect(bob.call.state).toBe('connecting');
    expect(bob.browser.connections.map((pc) => pc.isClosed)).toEqual([true, false]);
  });
});

describe('strangers', () => {
  it('that follow only the contract are called and answered', async () => {
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    bob.signal.dispose();
    server.devices.length = 0;
    server.devices.push({ user: 'alice', name: alice.signal.device, socket: alice.browser.socket, kept: [], saidHello: true });
    alice.browser.socket.onSend = null;
    alice.calls.call('bob');
    await settle();
    const offer = alice.browser.socket.sent.find((m) => m.event === 'call:offer')?.payload;
    expect(offer).toMatchObject({ userId: 'bob' });
    expect(typeof offer?.['sdp']).toBe('string');
    const socket = alice.browser.socket;
    socket.receive('call:started', { callId: 'c', peerUserId: 'bob', role: 'caller' });
    socket.receive('call:answer', { sdp: 'v=0\r\no=- 999 1 IN IP4 0\r\ns=1\r\nm=audio 9 UDP\r\na=sendrecv\r\nm=video 9 UDP\r\na=inactive\r\n' });
    socket.receive('call:ice', { candidate: { candidate: 'candidate:7', sdpMid: '0' } });
    await connect(alice);
    expect(alice.call.state).toBe('active');
    expect(alice.browser.pc.candidates).toHaveLength(1);
    expect(alice.call.remote.audio).toBe(true);
    // Nothing beside the contract is said to them after the answer.
    alice.call.setMuted(true);
    await settle();
    expect(socket.sent.filter((m) => m.event === 'call:ice' && !('candidate' in m.payload))).toEqual([]);
  });

  it('with a broken offer end the call when it is accepted', async () => {
    const alice = await party(server, 'alice', clock);
    alice.browser.socket.receive('call:started', { callId: 'c', peerUserId: 'mallory', role: 'callee' });
    alice.browser.socket.receive('call:offer', { fromUserId: 'mallory', sdp: 'rubbish' });
    await alice.call.accept();
    await settle();
    expect(alice.call.end).toMatchObject({ reason: 'failed', by: 'local' });
    expect(FakeTrack.live.size).toBe(0);
  });

  it('with an offer to a call that is over ring nobody', async () => {
    const { alice, bob } = await activeCall(server, clock);
    alice.call.hangup();
    await settle();
    bob.browser.socket.receive('call:offer', { fromUserId: 'alice', sdp: 'v=0\r\no=- 1 9 IN IP4 0\r\n' });
    await settle();
    expect(bob.all).toHaveLength(1);
  });
});

describe('dispose', () => {
  it('leaves no timer, track, connection, listener or socket, and tells the other side', async () => {
    const { alice, bob } = await activeCall(server, clock, { video: true });
    alice.browser.pc.become('disconnected');
    alice.calls.dispose();
    await settle();
    expect(alice.call.end).toMatchObject({ reason: 'disposed', by: 'local' });
    expect(bob.call.end).toMatchObject({ reason: 'hangup', by: 'remote' });
    alice.signal.dispose();
    bob.calls.dispose();
    bob.signal.dispose();
    await settle();
    expect(clock.pending).toBe(0);
    expect(FakeTrack.live.size).toBe(0);
    for (const each of [alice, bob]) {
      expect(each.browser.connections.every((pc) => pc.isClosed)).toBe(true);
      expect(each.browser.pageListenerCount).toBe(0);
      expect(each.browser.session.getItem('zvonok.call')).toBeNull();
    }
    expect(() => alice.calls.call('bob')).toThrow(/disposed/);
  });

  it('snapshots stay the same object until something changes', async () => {
    const { alice } = await activeCall(server, clock);
    const before = alice.call.snapshot;
    expect(alice.call.snapshot).toBe(before);
    alice.call.setMuted(true);
    expect(alice.call.snapshot).not.toBe(before);
    expect(before.local.muted).toBe(false);
  });
});
