// One stay in a room, over a scripted server of the room dialect; the connections are fakes that know the rules.
import { beforeEach, describe, expect, it } from 'vitest';
import { CallError, type Room, type RoomEndReason } from '../src/index.js';
import { kRecovery } from '../src/recovery.js';
import { FakeClock, FakePeerConnection, FakeTrack, settle } from './fakes.js';
import { RoomServer, bob, bobsCamera, bobsVoice, follow } from './room-server.js';

let clock: FakeClock;
let server: RoomServer;
beforeEach(() => {
  clock = new FakeClock();
  FakeTrack.live.clear();
  FakePeerConnection.gate = null;
  server = new RoomServer(clock);
});

const bobsVideoSection = { mid: 'z5', kind: 'video', direction: 'sendonly' } as const;

/** Bob's camera is offered and told. */
async function receiveBob(room: Room): Promise<void> {
  server.say('participant-joined', bob);
  server.say('track', { ...bobsCamera, state: 'published' });
  server.offer(bobsVideoSection);
  await settle();
  server.say('track', { ...bobsCamera, state: 'updated', mid: 'z5' });
  await settle();
  expect(room.participants[0]?.tracks[0]?.stream).not.toBeNull();
}

describe('joining', () => {
  it('opens the socket with a ticket, joins first, and offers what is captured', async () => {
    const room = await server.knock({ video: true, name: 'Ally' });
    expect(room.state).toBe('joining');
    expect(server.socket.url).toBe('wss://calls.example.org/api/v1/group/team/call?ticket=ticket-1');
    server.open();
    await settle();
    expect(server.sent[0]).toMatchObject({ type: 'join', payload: { name: 'Ally' }, roomId: 'team', sessionId: room.sessionId });
    expect(room.state).toBe('joined');
    const directions = server.pc.getTransceivers().map((t) => `${t.kind} ${t.direction} ${t.encodings.map((e) => e.rid ?? '-').join('')}`);
    expect(directions).toEqual(['audio sendonly -', 'video sendonly qhf']);
    expect(server.count('offer')).toBe(1);
  });

  it('says of each track what it is, ahead of the offer', async () => {
    const room = await server.enter({ video: true, muted: true });
    const offer = server.types().indexOf('offer');
    const told = server.sent.slice(0, offer).filter((message) => message.type === 'track').map((message) => message.payload);
    expect(told).toEqual([
      { mid: '0', source: 'microphone', muted: true },
      { mid: '1', source: 'camera', muted: false },
    ]);
    expect(room.local).toEqual({ audio: true, muted: true, video: true, screen: false });
  });

  it('knows who is there and what they send', async () => {
    server.joined = { role: 'moderator', locked: true, phoneRole: 'member', participants: [bob], tracks: [bobsCamera, bobsVoice] };
    const room = await server.enter();
    expect(room.snapshot).toMatchObject({ role: 'moderator', locked: true, phoneRole: 'member', userId: 'alice', media: 'connected' });
    expect(room.participants).toMatchObject([
      { sessionId: 'session-bob', name: 'Bob', tracks: [{ trackId: '12', source: 'camera', stream: null }, { trackId: '11' }] },
    ]);
  });

  it('takes open tracks over instead of opening devices again', async () => {
    const stream = (await server.browser.media.getUserMedia({ audio: true, video: true })) as unknown as MediaStream;
    const opened = server.browser.media.requests.length;
    const room = await server.enter({ video: true, stream });
    expect(server.browser.media.requests).toHaveLength(opened);
    expect(room.localStream.getTracks()).toEqual(stream.getTracks());
    room.leave();
    expect(FakeTrack.live.size).toBe(0);
  });

  it('goes on without devices, and says so', async () => {
    server.browser.media.failures = { audio: 'NotAllowedError' };
    const room = server.zvonok.joinRoom({ kind: 'chat', id: '17' });
    const warnings: string[] = [];
    room.on('warning', ({ code }) => warnings.push(code));
    await settle();
    server.open();
    await settle();
    expect([room.state, warnings]).toEqual(['joined', ['microphone-denied']]);
    server.offer({ mid: 'z0', kind: 'audio', direction: 'recvonly' });
    await settle();
    expect(server.count('answer')).toBe(1);
  });

  it.each<[string, RoomEndReason]>([
    ['locked', 'locked'],
    ['room-full', 'room-full'],
    ['too-many-rooms', 'too-many-rooms'],
    ['session-taken', 'replaced'],
  ])('that is refused as %s is over', async (code, reason) => {
    server.joined = code;
    const room = await server.knock({ video: true });
    const { ends } = follow(room);
    server.open();
    await settle();
    expect(ends.map((end) => end.reason)).toEqual([reason]);
    expect([FakeTrack.live.size, clock.pending, server.zvonok.rooms.rooms.length]).toEqual([0, 0, 0]);
  });

  it.each<[number, RoomEndReason | null]>([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [426, null],
    [503, null],
  ])('asks why the upgrade was refused: %i', async (status, reason) => {
    server.plainStatus = status;
    const room = await server.knock();
    server.socket.drop(1006);
    await settle();
    expect(room.snapshot.end?.reason ?? null).toBe(reason);
    if (reason !== null) return;
    await clock.advance(5_000);
    expect(server.browser.sockets).toHaveLength(2);
    server.open();
    await settle();
    expect(room.state).toBe('joined');
  });

  it('gives up when the server stays away', async () => {
    const room = await server.knock();
    server.browser.respond = () => null;
    server.socket.drop(1006);
    await clock.advance(31_000);
    expect(room.snapshot.end?.reason).toBe('unavailable');
  });

  it('refuses what is no id, the same room twice, and what comes after dispose', async () => {
    expect(() => server.zvonok.joinRoom({ kind: 'group', id: 'a/b' })).toThrow(TypeError);
    await server.knock();
    expect(() => server.zvonok.joinRoom({ kind: 'group', id: 'team' })).toThrow(CallError);
    server.zvonok.joinRoom({ kind: 'chat', id: 'team' });
    server.zvonok.dispose();
    expect(() => server.zvonok.joinRoom({ kind: 'group', id: 'x' })).toThrow(CallError);
  });
});

describe('negotiation', () => {
  it('answers offers, and ties tracks to what arrives', async () => {
    const room = await server.enter();
    await receiveBob(room);
    const before = room.participants[0]?.tracks[0]?.stream;
    server.say('track', { ...bobsCamera, state: 'updated', muted: true });
    expect(room.participants[0]?.tracks[0]).toMatchObject({ muted: true, stream: before });
    server.say('track', { ...bobsCamera, state: 'ended' });
    expect(room.participants[0]?.tracks).toEqual([]);
  });

  it('does not yield when offers cross, and says so: the server offers again', async () => {
    const room = await server.enter();
    server.answers = null;
    await room.setCamera(true);
    await settle();
    expect(server.sent.filter(({ type }) => type === 'offer').map(({ payload }) => payload['polite'])).toEqual([false, false]);
    const agreed = server.sections.slice();
    server.offer({ mid: 'z1', kind: 'audio', direction: 'sendonly' });
    await settle();
    expect([server.pc.rollbacks, server.count('answer'), server.count('offer')]).toEqual([0, 0, 2]);
    expect(server.pc.signalingState).toBe('have-local-offer');
    server.sections = agreed; // that offer is void
    server.answerLast();
    server.offer({ mid: 'z2', kind: 'audio', direction: 'sendonly' });
    await settle();
    expect(server.pc.signalingState).toBe('stable');
    expect(server.pc.getTransceivers().map(({ mid }) => mid)).toEqual(['0', '1', 'z2']);
    expect([server.pc.rollbacks, server.count('answer'), server.count('offer'), room.state]).toEqual([0, 1, 2, 'joined']);
  });

  it('does not yield to an offer that comes while its own is being made', async () => {
    const room = await server.enter();
    server.answers = null;
    let open = (): void => undefined;
    FakePeerConnection.gate = new Promise((resolve) => (open = resolve));
    await room.setCamera(true);
    await settle();
    expect([server.pc.signalingState, server.count('offer')]).toEqual(['stable', 1]);
    server.offer({ mid: 'z1', kind: 'audio', direction: 'sendonly' });
    open();
    FakePeerConnection.gate = null;
    await settle();
    expect([server.pc.rollbacks, server.count('answer'), server.count('offer')]).toEqual([0, 0, 2]);
    expect(server.pc.signalingState).toBe('have-local-offer');
  });

  it('answers an offer that came first before it makes its own', async () => {
    const room = await server.enter();
    let open = (): void => undefined;
    FakePeerConnection.gate = new Promise((resolve) => (open = resolve));
    server.offer({ mid: 'z1', kind: 'audio', direction: 'sendonly' });
    await settle();
    await room.setCamera(true);
    open();
    FakePeerConnection.gate = null;
    await settle();
    expect(server.types().filter((type) => type === 'offer' || type === 'answer').slice(0, 3)).toEqual(['offer', 'answer', 'offer']);
    expect([server.pc.rollbacks, server.pc.signalingState]).toEqual([0, 'stable']);
  });

  it('takes the server\'s next offer when its own was refused and it can not begin anew', async () => {
    server.joined = { locked: true };
    const room = await server.enter();
    server.answers = null;
    await room.setCamera(true);
    await settle();
    const agreed = server.sections.slice();
    server.offer({ mid: 'z1', kind: 'audio', direction: 'sendonly' });
    server.say('error', { code: 'bad-sdp', message: 'bad' });
    server.sections = agreed;
    server.offer({ mid: 'z1', kind: 'audio', direction: 'sendonly' });
    await settle();
    // Rolled back by it; what was refused is offered again behind it.
    expect([server.pc.rollbacks, server.count('answer'), server.count('offer')]).toEqual([1, 1, 3]);
    server.answerLast();
    await settle();
    expect([server.pc.signalingState, room.state, server.count('leave')]).toEqual(['stable', 'joined', 0]);
  });

  it('uses a section again for another track', async () => {
    const room = await server.enter();
    await receiveBob(room);
    const next = { ...bobsCamera, trackId: '13', source: 'screen' };
    server.say('track', { ...next, state: 'published' });
    server.say('track', { ...next, state: 'updated', mid: 'z5' });
    expect(room.participants[0]?.tracks.map((track) => [track.trackId, track.stream !== null])).toEqual([
      ['12', false],
      ['13', true],
    ]);
  });

  it('begins anew when the server can not use an offer, and ends when that does not help', async () => {
    const room = await server.enter();
    server.answers = null;
    for (let i = 0; i < 3; i += 1) {
      await room.setCamera(true);
      await settle();
      server.say('error', { code: 'bad-sdp', message: 'bad' });
      await settle();
    }
    expect(server.types().filter((type) => type === 'leave' || type === 'join')).toEqual(['join', 'leave', 'join', 'leave', 'join', 'leave']);
    expect(room.snapshot.end).toEqual({ reason: 'failed', message: 'bad' });
  });
});

describe('the own tracks', () => {
  it('mute and unmute without negotiation', async () => {
    const room = await server.enter();
    room.setMuted(true);
    room.setMuted(false);
    await settle();
    const told = server.sent.filter((message) => message.type === 'track').slice(-2).map((message) => message.payload);
    expect(told).toEqual([
      { mid: '0', source: 'microphone', muted: true },
      { mid: '0', source: 'microphone', muted: false },
    ]);
    expect(server.count('offer')).toBe(1);
  });

  it('who joined without a microphone opens one by unmuting', async () => {
    const room = await server.enter({ audio: false });
    expect(room.local).toMatchObject({ audio: false, muted: false });
    room.toggleMuted();
    await settle();
    expect(room.local).toMatchObject({ audio: true, muted: false });
    expect(server.sent.filter((message) => message.type === 'track').at(-1)?.payload).toMatchObject({ source: 'microphone', muted: false });
    room.toggleMuted();
    expect(room.local.muted).toBe(true);
    room.leave();
    expect(FakeTrack.live.size).toBe(0);
  });

  it('who gets no microphone stays silent, is told, and may ask again', async () => {
    const room = await server.enter({ audio: false });
    const warnings: string[] = [];
    room.on('warning', ({ code }) => warnings.push(code));
    server.browser.media.failures = { audio: 'NotAllowedError' };
    room.setMuted(false);
    await settle();
    expect([room.local.audio, warnings.length]).toEqual([false, 1]);
    server.browser.media.failures = {};
    room.toggleMuted();
    await settle();
    expect(room.local).toMatchObject({ audio: true, muted: false });
  });

  it('who presses unmute again and again is asked for a microphone once, and not after thinking better of it', async () => {
    const room = await server.enter({ audio: false });
    const { media } = server.browser;
    let open = (): void => undefined;
    media.gate = new Promise((resolve) => (open = resolve));
    const before = media.requests.length;
    void room.setCamera(true); // its prompt is open
    for (let i = 0; i < 5; i += 1) room.setMuted(i % 2 === 1);
    room.setMuted(true);
    open();
    await settle();
    expect(media.requests.slice(before).filter(({ audio }) => audio)).toHaveLength(0);
    expect(room.local).toMatchObject({ audio: false, muted: true, video: true });
    media.failures = { audio: 'NotAllowedError' };
    for (let i = 0; i < 6; i += 1) room.setMuted(i % 2 === 1);
    room.setMuted(false);
    await settle();
    expect(media.requests.slice(before).filter(({ audio }) => audio)).toHaveLength(1);
  });

  it('who had the microphone taken away opens another by the first press', async () => {
    const room = await server.enter();
    server.browser.media.failures = { audio: 'NotFoundError' };
    const [track] = room.localStream.getAudioTracks() as unknown as FakeTrack[];
    track?.takeAway();
    await settle();
    expect(room.local).toMatchObject({ audio: false, muted: false });
    server.browser.media.failures = {};
    room.toggleMuted();
    await settle();
    expect(room.local).toMatchObject({ audio: true, muted: false });
  });

  it('switch the camera off and on in the same section', async () => {
    const room = await server.enter({ video: true });
    await room.setCamera(false);
    await settle();
    expect(server.last('track')).toEqual({ mid: '1', source: 'camera', muted: true });
    expect(server.pc.getTransceivers()[1]?.sender.track).toBeNull();
    await room.setCamera(true);
    await settle();
    expect(server.last('track')).toEqual({ mid: '1', source: 'camera', muted: false });
    expect(server.pc.getTransceivers()[1]?.sender.track).not.toBeNull();
    expect(server.count('offer')).toBe(1);
  });

  it('change the device by replacing the track', async () => {
    const room = await server.enter({ video: true });
    expect(await room.setMicrophoneDevice('usb')).toBe(true);
    expect(await room.setCameraDevice('back')).toBe(true);
    await settle();
    expect(server.pc.getTransceivers().map((t) => t.sender.track?.label)).toEqual(['usb', 'back']);
    expect(server.count('offer')).toBe(1);
  });

  it('show the screen beside the camera, and end it for the others', async () => {
    const room = await server.enter({ video: true });
    await room.startScreenShare();
    await settle();
    expect(server.last('track')).toEqual({ mid: '2', source: 'screen', muted: false });
    expect(room.localStream.getVideoTracks()).toHaveLength(1);
    expect(room.screenStream.getVideoTracks()).toHaveLength(1);
    server.browser.media.screens[0]?.takeAway();
    await settle();
    expect(server.pc.getTransceivers()[2]?.direction).toBe('inactive');
    expect(server.count('offer')).toBe(3);
    await room.startScreenShare();
    await settle();
    expect(server.pc.getTransceivers()).toHaveLength(3);
    expect(server.pc.getTransceivers()[2]?.direction).toBe('sendonly');
  });

  it('obey the layers that nobody watches', async () => {
    await server.enter({ video: true });
    server.say('layers', { mid: '1', active: { q: true, h: true, f: false } });
    await settle();
    const active = (): unknown[] => server.pc.getTransceivers()[1]?.encodings.map((encoding) => encoding.active ?? true) ?? [];
    expect(active()).toEqual([true, true, false]);
    server.say('layers', { mid: '1', active: { q: true, h: true, f: true } });
    await settle();
    expect(active()).toEqual([true, true, true]);
  });
});

describe('what is shown', () => {
  it('is told by its size: growing soon, shrinking after a while', async () => {
    const room = await server.enter();
    await receiveBob(room);
    const view = room.view('12');
    view.set(180);
    view.set(360, 1);
    await clock.advance(150);
    expect(server.last('view')).toEqual({ tracks: { 12: { height: 360, priority: 1 } } });
    view.set(90);
    await clock.advance(150);
    expect(server.count('view')).toBe(1);
    await clock.advance(800);
    expect(server.last('view')).toEqual({ tracks: { 12: { height: 90, priority: 0 } } });
    const second = room.view('12');
    second.set(720);
    view.close();
    await clock.advance(1_000);
    expect(server.last('view')).toEqual({ tracks: { 12: { height: 720, priority: 0 } } });
    second.close();
    await clock.advance(1_000);
    expect(server.last('view')).toEqual({ tracks: { 12: { height: 0, priority: 0 } } });
  });

  it('is told again after a new join', async () => {
    const room = await server.enter();
    await receiveBob(room);
    room.view('12').set(200);
    await clock.advance(150);
    server.joined = { resumed: true, participants: [bob], tracks: [bobsCamera] };
    server.socket.drop(1006);
    await clock.advance(5_000);
    server.open();
    await clock.advance(200);
    expect(server.count('view')).toBe(2);
  });
});

describe('news', () => {
  it('of people, speakers, roles and locks reach the snapshot', async () => {
    const room = await server.enter();
    const heard: string[] = [];
    room.on('participant-joined', ({ name }) => heard.push(`+${name}`));
    room.on('participant-left', ({ participant, reason }) => heard.push(`-${participant.name} ${reason}`));
    room.on('role', ({ role, by }) => heard.push(by === null ? `${role} by nobody` : role));
    room.on('locked', ({ locked }) => heard.push(`locked ${String(locked)}`));
    server.say('participant-joined', bob);
    server.say('speakers', { speakers: [{ sessionId: 'session-bob', level: 127 }, { sessionId: room.sessionId, level: 64 }] });
    expect(room.snapshot).toMatchObject({ speaking: true, participants: [{ speaking: true, level: 1 }] });
    server.say('state', { sessionId: 'session-bob', state: 'disconnected' });
    server.say('role', { sessionId: 'session-bob', role: 'moderator', by: room.sessionId });
    expect(room.participants[0]).toMatchObject({ state: 'disconnected', role: 'moderator' });
    server.say('locked', { by: 'session-bob' });
    server.say('role', { sessionId: room.sessionId, role: 'host' }); // membership changed
    expect(room.snapshot).toMatchObject({ locked: true, role: 'host' });
    server.say('quality', { sessionId: room.sessionId, score: 4.2, rttMs: 20, lossPercent: 0.5, bitrate: 900_000, layers: { 12: 'h' } });
    expect(room.snapshot.serverQuality).toEqual({ score: 4.2, rttMs: 20, lossPercent: 0.5, bitrate: 900_000, layers: { 12: 'h' } });
    server.say('participant-left', { sessionId: 'session-bob', userId: 'bob', reason: 'timeout' });
    expect(room.participants).toEqual([]);
    expect(heard).toEqual(['+Bob', 'moderator', 'locked true', 'host by nobody', '-Bob timeout']);
  });

  it('keep one object as long as nothing changes in it', async () => {
    server.joined = { participants: [bob, { ...bob, sessionId: 'session-carol', name: 'Carol' }] };
    const room = await server.enter();
    const [before, other] = room.participants;
    server.say('speakers', { speakers: [{ sessionId: 'session-carol', level: 90 }] });
    expect(room.participants[0]).toBe(before);
    expect(room.participants[1]).not.toBe(other);
  });

  it('that are no messages of this dialect change nothing', async () => {
    const room = await server.enter();
    const before = room.snapshot;
    for (const text of ['', '{', '[]', '{"type":1}', '{"type":"track"}', '{"type":"track","payload":{"trackId":1}}', '{"type":"layers"}', '{"type":"later"}']) {
      server.socket.receiveText(text);
    }
    expect(room.snapshot).toBe(before);
  });
});

describe('telephones', () => {
  const anna = { sessionId: 'phone-1', userId: '', name: 'Anna', role: 'member', phone: { status: 'connecting', number: '+49***78', by: 'alice' } };

  it('are invited, come, ring, are answered and go', async () => {
    const room = await server.enter();
    const statuses: string[] = [];
    room.on('phone', ({ participant, status, cause }) => statuses.push(`${participant.name} ${status} ${cause}`));
    const invited = room.invitePhone('+491512345678', { name: 'Anna' });
    const asked = server.sent.at(-1);
    expect(asked).toMatchObject({ type: 'invite-phone', payload: { number: '+491512345678', name: 'Anna' } });
    const { requestId } = asked?.payload as { requestId: string };
    server.say('phone-invited', { sessionId: 'phone-1', callId: '1', requestId });
    expect(await invited).toBe('phone-1');
    server.say('participant-joined', anna);
    expect(room.participants[0]?.phone).toEqual(anna.phone);
    server.say('phone', { sessionId: 'phone-1', status: 'ringing', cause: 'provider' });
    server.say('phone', { sessionId: 'phone-1', status: 'in_progress', cause: 'provider' });
    server.say('phone', { sessionId: 'phone-1', status: 'of a later server', cause: 'provider' });
    server.say('phone', { sessionId: 'nobody', status: 'busy', cause: 'provider' });
    expect(room.participants[0]?.phone?.status).toBe('in_progress');
    expect(statuses).toEqual(['Anna ringing provider', 'Anna in_progress provider']);
    room.hangUpPhone('phone-1');
    expect(server.sent.at(-1)).toMatchObject({ type: 'hang-up-phone', payload: { sessionId: 'phone-1' } });
    server.say('participant-left', { sessionId: 'phone-1', userId: '', reason: 'hung-up' });
    expect(room.participants).toEqual([]);
  });

  it('are refused to who asked, and to nobody else', async () => {
    const room = await server.enter();
    const refused: string[] = [];
    room.on('refused', ({ code }) => refused.push(code));
    const invited = room.invitePhone('+491512345678');
    const { requestId } = server.sent.at(-1)?.payload as { requestId: string };
    server.say('error', { code: 'daily-limit', message: 'no', requestId });
    await expect(invited).rejects.toMatchObject({ name: 'PhoneInviteError', code: 'daily-limit' });
    expect(refused).toEqual([]);
  });

  it('are not waited for without a connection, nor for ever', async () => {
    const room = await server.enter();
    const never = room.invitePhone('+491512345678');
    never.catch(() => undefined);
    await clock.advance(16_000);
    await expect(never).rejects.toMatchObject({ code: 'unavailable' });
    const lost = room.invitePhone('+491512345678');
    room.leave();
    await expect(lost).rejects.toMatchObject({ code: 'unavailable' });
    await expect(room.invitePhone('+491512345678')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('moderation', () => {
  it('asks the server, and tells what it refuses', async () => {
    const room = await server.enter();
    const refused: string[] = [];
    room.on('refused', ({ code }) => refused.push(code));
    room.mute('session-bob');
    room.mute('session-bob', 'video');
    room.kick('session-bob');
    room.lock();
    room.unlock();
    room.setRole('session-bob', 'moderator');
    const asked = server.sent.slice(-6).map(({ type, payload }) => [type, payload]);
    expect(asked).toEqual([
      ['mute', { sessionId: 'session-bob', kind: 'audio' }],
      ['mute', { sessionId: 'session-bob', kind: 'video' }],
      ['kick', { sessionId: 'session-bob' }],
      ['lock', undefined],
      ['unlock', undefined],
      ['role', { sessionId: 'session-bob', role: 'moderator' }],
    ]);
    server.say('error', { code: 'forbidden', message: 'no' });
    server.socket.drop(1006);
    room.lock();
    expect(refused).toEqual(['forbidden', 'unavailable']);
  });

  it('mutes this side when a moderator asks', async () => {
    const room = await server.enter({ video: true });
    await room.startScreenShare();
    const heard: unknown[] = [];
    room.on('muted', (news) => heard.push(news));
    server.say('mute', { kind: 'audio', by: 'session-bob' });
    server.say('mute', { kind: 'video', by: 'session-bob' });
    await settle();
    expect(room.local).toEqual({ audio: true, muted: true, video: false, screen: false });
    expect(heard).toEqual([{ kind: 'audio', by: 'session-bob' }, { kind: 'video', by: 'session-bob' }]);
  });

  it.each<[string, RoomEndReason]>([
    ['kicked', 'kicked'],
    ['removed', 'removed'],
  ])('ends the stay of who is %s', async (reason, end) => {
    const room = await server.enter();
    const { ends } = follow(room);
    server.say('participant-left', { sessionId: room.sessionId, userId: 'alice', reason });
    expect(ends).toEqual([{ reason: end, message: null }]);
    await clock.advance(60_000);
    expect([server.browser.sockets.length, clock.pending, FakeTrack.live.size]).toEqual([1, 0, 0]);
  });

  it('that closes the socket says why by its code', async () => {
    const room = await server.enter();
    server.socket.drop(4003);
    expect(room.snapshot.end?.reason).toBe('removed');
  });
});

describe('coming back', () => {
  it('keeps the media connection when only the socket was lost', async () => {
    const room = await server.enter({ video: true });
    await receiveBob(room);
    const { states } = follow(room);
    const stream = room.participants[0]?.tracks[0]?.stream;
    server.joined = { resumed: true, participants: [bob], tracks: [bobsCamera] };
    server.socket.drop(1006);
    expect(room.state).toBe('reconnecting');
    room.setMuted(true);
    await clock.advance(5_000);
    server.open();
    await settle();
    expect(server.sent.filter((message) => message.type === 'join').map((message) => message.sessionId)).toEqual([room.sessionId, room.sessionId]);
    expect(states).toEqual(['joined', 'reconnecting', 'joined']);
    expect(server.browser.connections).toHaveLength(1);
    expect(room.participants[0]?.tracks[0]?.stream).toBe(stream);
    // What was said meanwhile had no way to the server.
    const told = server.sent.slice(server.types().lastIndexOf('join')).filter((message) => message.type === 'track');
    expect(told.map((message) => message.payload)).toContainEqual({ mid: '0', source: 'microphone', muted: true });
  });

  it('says an offer again that may have been lost', async () => {
    const room = await server.enter();
    server.answers = null;
    await room.setCamera(true);
    await settle();
    const lost = server.last('offer');
    server.joined = { resumed: true };
    server.answers = 'at-once';
    server.socket.drop(1006);
    await clock.advance(5_000);
    server.open();
    await settle();
    expect([server.count('offer'), server.last('offer')]).toEqual([3, lost]);
    expect(server.pc.signalingState).toBe('stable');
  });

  it('says an offer once that was made while nobody had let it in again', async () => {
    const room = await server.enter();
    server.socket.drop(1006);
    await room.setCamera(true);
    await settle();
    expect(server.count('offer')).toBe(1);
    await clock.advance(5_000);
    server.joined = { resumed: true };
    server.answers = null;
    server.socket.onSend = (message) => void server.sent.push(message as never); // the join is not answered yet
    server.open();
    await room.setCamera(false);
    await room.setCamera(true);
    await settle();
    expect(server.count('offer')).toBe(1);
    server.say('joined', { sessionId: room.sessionId, userId: 'alice', role: 'member', resumed: true, participants: [], tracks: [], iceServers: [] });
    await settle();
    expect([server.count('offer'), server.pc.signalingState]).toEqual([2, 'have-local-offer']);
    server.offer({ mid: 'z1', kind: 'audio', direction: 'sendonly' }); // what the server says of its own again
    await settle();
    expect([server.pc.rollbacks, server.count('answer')]).toEqual([0, 0]);
  });

  it('restarts ICE when the network has changed', async () => {
    await server.enter();
    server.joined = { resumed: true };
    server.socket.drop(1006);
    server.browser.pageEvent('network-change');
    await settle();
    server.open();
    await settle();
    expect([server.browser.connections.length, server.pc.restarts]).toEqual([1, 1]);
  });

  it('restarts nothing before there is anything', async () => {
    server.answers = null;
    const room = await server.enter({ audio: false });
    room.restartIce();
    await clock.advance(1);
    expect([server.pc.restarts, server.count('offer')]).toEqual([0, 0]);
  });

  it('is not given up for being asked to restart ICE while it works', async () => {
    const room = await server.enter();
    room.restartIce();
    await clock.advance(kRecovery.restartMs * 2 + 1_000);
    await settle();
    expect([server.pc.restarts, server.browser.connections.length, server.count('leave')]).toEqual([1, 1, 0]);
    server.pc.become('disconnected');
    room.restartIce();
    await clock.advance(1);
    expect(server.pc.restarts).toBe(2);
  });

  it('begins a new connection at a server that knows nothing any more', async () => {
    server.joined = { participants: [bob] };
    const room = await server.enter();
    const heard: string[] = [];
    room.on('participant-left', ({ participant }) => heard.push(`-${participant.name}`));
    room.on('participant-joined', ({ name }) => heard.push(`+${name}`));
    server.joined = { participants: [{ ...bob, sessionId: 'session-carol', name: 'Carol' }] };
    server.socket.drop(1012);
    await clock.advance(1_000);
    server.open();
    await settle();
    expect(server.browser.connections).toHaveLength(2);
    expect(server.browser.connections[0]?.isClosed).toBe(true);
    expect(heard).toEqual(['-Bob', '+Carol']);
    expect(room.state).toBe('reconnecting');
    server.pc.become('connected');
    expect(room.state).toBe('joined');
  });

  it('leaves and joins when the server holds a connection that is not here', async () => {
    server.joined = { resumed: true };
    await server.knock();
    server.open();
    await settle(10);
    server.joined = {};
    await settle();
    expect(server.types().slice(0, 3)).toEqual(['join', 'leave', 'join']);
    expect(server.count('offer')).toBe(1);
  });

  it('mends media: restarts first, then as somebody new, and at last gives up', async () => {
    const room = await server.enter();
    server.pc.become('failed');
    expect(room.state).toBe('reconnecting');
    await clock.advance(1);
    expect(server.pc.restarts).toBe(1);
    await clock.advance(kRecovery.restartMs * 2);
    expect(server.browser.connections).toHaveLength(2);
    expect(server.types().slice(-8)).toContain('leave');
    await clock.advance(kRecovery.giveUpMs);
    expect(room.snapshot.end?.reason).toBe('failed');
    expect([clock.pending, FakeTrack.live.size]).toEqual([0, 0]);
  });

  it('begins anew at once when the browser does not take a description, and not for ever', async () => {
    const room = await server.enter();
    const refuse = async (): Promise<void> => {
      const { pc } = server;
      pc.setLocalDescription = () => Promise.reject(new DOMException('a codec collision', 'OperationError'));
      pc.restartIce(); // has something to offer
      await settle();
      await clock.advance(1);
    };
    for (let times = 1; times <= 2; times += 1) {
      await refuse();
      expect([server.browser.connections.length, server.count('leave')]).toEqual([1 + times, times]);
      server.pc.become('connected');
      expect(room.state).toBe('joined');
    }
    await refuse();
    expect([server.browser.connections.length, room.state]).toEqual([3, 'joined']);
    await clock.advance(kRecovery.restartMs * 2);
    expect(server.browser.connections).toHaveLength(4);
  });

  it('never leaves a locked room in order to mend something', async () => {
    server.joined = { locked: true };
    await server.enter();
    server.pc.become('failed');
    await clock.advance(kRecovery.restartMs * 2 + 1);
    expect([server.browser.connections.length, server.count('leave')]).toEqual([1, 0]);
    expect(server.pc.restarts).toBe(3);
  });

  it('makes a new connection when the server gave the old one up', async () => {
    const room = await server.enter();
    await receiveBob(room);
    server.sections = [];
    server.say('error', { code: 'failed', message: 'failed' });
    await settle();
    expect(server.browser.connections).toHaveLength(2);
    expect(room.participants[0]?.tracks[0]?.stream).toBeNull();
    expect(server.count('leave')).toBe(0);
    server.pc.become('connected');
    expect(room.state).toBe('joined');
  });

  it('finds a dead socket out by asking', async () => {
    await server.enter();
    await clock.advance(20_000);
    expect(server.last('ping')).toBeUndefined();
    expect(server.types().at(-1)).toBe('ping');
    server.say('pong');
    await clock.advance(20_000 + 4_000);
    expect(server.browser.sockets.length).toBe(1);
    await clock.advance(5_000);
    expect(server.browser.sockets.length).toBe(2);
  });

  it('does not fight with another tab for its session', async () => {
    const room = await server.enter();
    server.socket.drop(4009);
    await clock.advance(60_000);
    expect([room.snapshot.end?.reason, server.browser.sockets.length]).toEqual(['replaced', 1]);
  });
});

describe('leaving', () => {
  it('says so and lets go of everything', async () => {
    const room = await server.enter({ video: true });
    await room.startScreenShare();
    const { ends } = follow(room);
    room.leave();
    room.leave();
    expect(server.types().at(-1)).toBe('leave');
    expect(ends).toEqual([{ reason: 'left', message: null }]);
    expect([FakeTrack.live.size, clock.pending, server.pc.isClosed]).toEqual([0, 0, true]);
    room.setMuted(true);
    expect(await room.setCamera(true)).toBe(false);
    expect(await room.startScreenShare()).toBe(false);
    expect(FakeTrack.live.size).toBe(0);
  });

  it('happens when the page goes', async () => {
    const room = await server.enter();
    server.browser.pageEvent('pagehide');
    expect([server.types().at(-1), room.isOver]).toEqual(['leave', true]);
  });

  it('happens to all rooms by dispose', async () => {
    const room = await server.enter();
    server.zvonok.dispose();
    expect(room.snapshot.end?.reason).toBe('disposed');
    expect([clock.pending, server.browser.pageListenerCount]).toEqual([0, 0]);
  });
});
