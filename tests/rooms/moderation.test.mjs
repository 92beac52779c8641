// Who may do what to whom, who may enter, and what each gets to hear of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { useRooms } from './support/room.mjs';
import { token } from './support/server.mjs';

describe('moderation', { timeout: 180_000 }, () => {
  const rooms = useRooms({ ROOM_PARTICIPANTS_MAX: '25', ROOMS_PER_USER_MAX: '3' });

  it('the first of a group is its host, and later ones are members', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    const bob = await rooms.join('bob', room);
    assert.deepEqual([alice.joined.role, bob.joined.role], ['host', 'member']);
    const { payload } = await alice.next('participant-joined');
    assert.deepEqual(payload, { sessionId: bob.session, userId: 'bob', name: 'bob', role: 'member' });
    const [inside] = bob.joined.participants;
    assert.deepEqual([inside.sessionId, inside.userId, inside.name, inside.role], [alice.session, 'alice', 'alice', 'host']);
  });

  it('the name may come with join', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    await rooms.join('bob', room, { joinPayload: { name: 'Robert ☎' } });
    assert.equal((await alice.next('participant-joined')).payload.name, 'Robert ☎');
  });

  it('both sides of a private chat are moderators', async () => {
    const made = await rooms.server.api('POST', '/api/v1/chats', 'erin', { userId: 'frank' });
    await rooms.server.api('GET', '/api/v1/chats', 'frank');
    const chat = made.status === 201 ? made : await rooms.server.api('POST', '/api/v1/chats', 'erin', { userId: 'frank' });
    assert.ok([200, 201].includes(chat.status), JSON.stringify(chat));
    for (const user of ['erin', 'frank']) {
      const signalling = await rooms.join(user, chat.body.id, { kind: 'chat', bearer: token(user, []) });
      assert.equal(signalling.joined.role, 'moderator');
    }
  });

  it('mute by a moderator stops the track at the server until its owner unmutes', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room);
    await rooms.expectAllHear([alice, bob]);
    alice.signalling.send('mute', { sessionId: bob.signalling.session, kind: 'audio' });
    const { payload } = await bob.signalling.next('mute');
    assert.deepEqual(payload, { kind: 'audio', by: alice.signalling.session });
    await alice.signalling.next('track', (p) => p.sessionId === bob.signalling.session && p.muted === true);
    // bob's pump goes on: what it sends now reaches the server, as its own sound from alice shows time going by. What was on its
    // way when the server muted him is still heard.
    const heardDuring = async (packets) => {
      const before = alice.ledger.packets('bob/audio').length;
      await bob.hears('alice/audio', packets);
      return alice.ledger.packets('bob/audio').length - before;
    };
    for (let i = 0; i < 20 && (await heardDuring(10)) > 0; i += 1);
    assert.equal(await heardDuring(40), 0, 'the muted is forwarded');
    const from = alice.signalling.mark;
    bob.signalling.send('track', { mid: bob.sources[0].transceiver.mid, source: 'microphone', muted: false });
    await alice.hears('bob/audio', 15);
    await alice.signalling.next('track', (p) => p.sessionId === bob.signalling.session && p.muted === false && p.state === 'updated', { from });
    assert.deepEqual(bob.faults, []);
  });

  it('a kick ends the WebSocket with 4003, tells the others, and keeps the user out while the room lives', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room);
    const second = await rooms.join('bob', room); // another device of the same user
    await rooms.expectAllHear([alice, bob]);
    alice.signalling.send('kick', { sessionId: bob.signalling.session });
    assert.equal(await bob.signalling.closed(), 4003);
    assert.equal(await second.closed(), 4003);
    await alice.signalling.next('participant-left', (p) => p.sessionId === bob.signalling.session && p.reason === 'kicked');
    await alice.signalling.next('participant-left', (p) => p.sessionId === second.session && p.reason === 'kicked');
    await assert.rejects(rooms.join('bob', room), { status: 403 });
    const carol = await rooms.enter('carol', room);
    await rooms.expectAllHear([alice, carol]);
    await Promise.all([alice.close(), carol.close()]);
    const again = await rooms.join('bob', rooms.server.newRoom());
    assert.equal(again.joined.role, 'host');
  });

  it('a locked room lets in nobody new, and lets back in who is inside', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    const bob = await rooms.join('bob', room);
    alice.send('lock');
    assert.deepEqual((await bob.next('locked')).payload, { by: alice.session });
    const carol = await rooms.open('carol', room);
    carol.send('join');
    await carol.error('locked');
    bob.drop();
    const again = await rooms.join('bob', room, { session: bob.session });
    assert.deepEqual([again.joined.resumed, again.joined.locked], [true, true]);
    const device = await rooms.join('bob', room);
    assert.equal(device.joined.resumed, false);
    alice.send('unlock');
    await again.next('unlocked', (p) => p.by === alice.session);
    carol.send('join');
    await carol.next('joined');
  });

  it('a host gives roles, and they hold at once', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    const bob = await rooms.join('bob', room);
    const carol = await rooms.join('carol', room);
    bob.send('lock');
    await bob.error('forbidden');
    alice.send('role', { sessionId: bob.session, role: 'moderator' });
    for (const each of [alice, bob, carol]) {
      const { payload } = await each.next('role');
      assert.deepEqual(payload, { sessionId: bob.session, role: 'moderator', by: alice.session });
    }
    bob.send('lock');
    await carol.next('locked');
    const from = bob.mark;
    bob.send('role', { sessionId: carol.session, role: 'moderator' });
    await bob.error('forbidden', { from });
    alice.send('role', { sessionId: bob.session, role: 'member' });
    await bob.next('role', (p) => p.role === 'member');
    const later = bob.mark;
    bob.send('unlock');
    await bob.error('forbidden', { from: later });
  });

  const asMember = [
    ['mute', (other) => ({ sessionId: other, kind: 'audio' })],
    ['kick', (other) => ({ sessionId: other })],
    ['lock', () => undefined],
    ['unlock', () => undefined],
    ['role', (other) => ({ sessionId: other, role: 'member' })],
  ];
  for (const [type, payload] of asMember) {
    it(`${type} by a member is forbidden and does nothing`, async () => {
      const room = rooms.server.newRoom();
      const alice = await rooms.join('alice', room);
      const bob = await rooms.join('bob', room);
      bob.send(type, payload(alice.session));
      await bob.error('forbidden');
      await alice.settled();
      assert.deepEqual(alice.seen.filter((m) => !['joined', 'participant-joined', 'offer', 'pong', 'state'].includes(m.type)), []);
    });
  }

  it('a moderator does not kick or demote the host', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    const bob = await rooms.join('bob', room);
    alice.send('role', { sessionId: bob.session, role: 'moderator' });
    await bob.next('role');
    for (const [type, payload] of [['kick', {}], ['role', { role: 'member' }]]) {
      const from = bob.mark;
      bob.send(type, { sessionId: alice.session, ...payload });
      await bob.error('forbidden', { from });
    }
    await alice.settled();
  });

  for (const type of ['mute', 'kick', 'role']) {
    it(`${type} of somebody who is not there: not-found`, async () => {
      const alice = await rooms.join('alice', rooms.server.newRoom());
      alice.send(type, { sessionId: 'nobody', kind: 'audio', role: 'member' });
      await alice.error('not-found');
    });
  }

  it('tracks that are still to come are kept, as many as one may publish: not-found beyond', async () => {
    const alice = await rooms.join('alice', rooms.server.newRoom());
    for (let i = 0; i < 17; i += 1) alice.send('track', { mid: `m${i}`, source: 'camera', muted: true });
    await alice.error('not-found');
  });

  it('more than the room holds: room-full; more rooms than a user may be in: too-many-rooms', async () => {
    const room = rooms.server.newRoom();
    await Promise.all(Array.from({ length: 25 }, (_, i) => rooms.join(`user${i}`, room)));
    const late = await rooms.open('late', room);
    late.send('join');
    await late.error('room-full');
    for (let i = 0; i < 3; i += 1) await rooms.join('greedy', rooms.server.newRoom());
    const fourth = await rooms.open('greedy', rooms.server.newRoom());
    fourth.send('join');
    await fourth.error('too-many-rooms');
  });

  it('nobody is told to speak where nobody does', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    await alice.settled();
    assert.deepEqual(alice.seen.filter((m) => m.type === 'speakers'), []);
  });
});

describe('isolation', { timeout: 180_000 }, () => {
  const rooms = useRooms();

  it('the room of chat 5, of group 5 and of group 6 hear nothing of each other', async () => {
    const places = [['chat', '5'], ['group', '5'], ['group', '6']];
    const pairs = [];
    for (const [kind, room] of places) {
      const pair = await Promise.all(['alice', 'bob'].map((user) => rooms.enter(`${user}-${kind}-${room}`, room, { kind })));
      pairs.push(pair);
    }
    for (const pair of pairs) await rooms.expectAllHear(pair, ['audio'], 30);
    for (const [alice, bob] of pairs) {
      assert.deepEqual(alice.ledger.labels(), [`${bob.name}/audio`]);
      assert.deepEqual(bob.ledger.labels(), [`${alice.name}/audio`]);
      for (const { signalling } of [alice, bob]) {
        const known = new Set([alice.signalling.session, bob.signalling.session]);
        const strangers = signalling.seen.map((m) => m.payload?.sessionId).filter((id) => id !== undefined && !known.has(id));
        assert.deepEqual(strangers, []);
      }
    }
  });

  it('one session id in two rooms is two participants', async () => {
    const [first, second] = [rooms.server.newRoom(), rooms.server.newRoom()];
    const alice = await rooms.join('alice', first, { session: 'same' });
    const bob = await rooms.join('bob', second, { session: 'same' });
    assert.deepEqual([alice.joined.resumed, bob.joined.resumed], [false, false]);
    assert.deepEqual([alice.joined.participants, bob.joined.participants], [[], []]);
  });

  it('roomId is sent back as it came and decides nothing', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.open('alice', room, { session: 'a1' });
    alice.send('join', undefined, { roomId: 12345 });
    const joined = await alice.next('joined');
    assert.strictEqual(joined.roomId, 12345);
    const bob = await rooms.open('bob', room, { session: 'b1' });
    bob.send('join', undefined, { roomId: 'elsewhere' });
    const other = await bob.next('joined');
    assert.strictEqual(other.roomId, 'elsewhere');
    assert.deepEqual(other.payload.participants.map((p) => p.sessionId), ['a1']);
  });

  const strangers = [
    ['no token', { bearer: null }, 401],
    ['a token that is none', { bearer: 'abc.def.ghi' }, 401],
    ['an unsigned token', { bearer: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"eve"}').toString('base64url')}.` }, 401],
    ['an expired token', { bearer: token('eve', ['group:*'], { exp: 1000 }) }, 401],
    ['no membership', { bearer: token('eve', []) }, 403],
    ['a token for another room', { bearer: token('eve', ['group:other', 'chat:private']) }, 403],
    ['an origin that is not allowed', { options: { origin: 'https://evil.example' } }, 403],
  ];
  for (const [what, options, status] of strangers) {
    it(`${what}: ${status} before the upgrade`, async () => {
      await assert.rejects(rooms.open('eve', 'private', options), { status });
    });
  }

  it('who is removed from the group leaves at once, with 4003', async () => {
    const { api } = rooms.server;
    await api('GET', '/api/v1/groups', 'bob'); // makes the account
    const made = await api('POST', '/api/v1/groups', 'alice', { title: 'Team', members: ['bob'] });
    assert.equal(made.status, 201, JSON.stringify(made));
    const room = made.body.id;
    const alice = await rooms.enter('alice', room, { bearer: token('alice', []) });
    const bob = await rooms.enter('bob', room, { bearer: token('bob', []) });
    assert.deepEqual([alice.signalling.joined.role, bob.signalling.joined.role], ['host', 'member']);
    await rooms.expectAllHear([alice, bob]);
    assert.equal((await api('DELETE', `/api/v1/groups/${room}/members/bob`, 'alice')).status, 204);
    assert.equal(await bob.signalling.closed(), 4003);
    await alice.signalling.next('participant-left', (p) => p.sessionId === bob.signalling.session && p.reason === 'removed');
    await assert.rejects(rooms.open('bob', room, { bearer: token('bob', []) }), { status: 403 });
  });
});

describe('tokens', { timeout: 20_000 }, () => {
  const rooms = useRooms();

  it('come in ?token= as well', async () => {
    const signalling = await rooms.join('alice', rooms.server.newRoom(), { bearer: null, query: `?token=${token('alice')}` });
    assert.equal(signalling.joined.userId, 'alice');
  });

  it('a role in the claim is the role in the room', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room, { bearer: token('alice', [{ kind: 'group', id: room, role: 'member' }]) });
    const bob = await rooms.join('bob', room, { bearer: token('bob', [{ kind: 'group', id: room, role: 'moderator' }]) });
    assert.equal(bob.joined.role, 'moderator');
    assert.ok(['host', 'member'].includes(alice.joined.role));
  });
});
