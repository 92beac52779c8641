// Coming back: a lost WebSocket, a reloaded page, a restart of ICE, a replaced WebSocket, the end of the grace.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { useRooms } from './support/room.mjs';
import { Signalling } from './support/signalling.mjs';
import { value, parse } from './support/sdp.mjs';


describe('coming back', { timeout: 180_000 }, () => {
  const rooms = useRooms();
  const pair = async (options) => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, options);
    const bob = await rooms.enter('bob', room, options);
    await rooms.expectAllHear([alice, bob]);
    return { room, alice, bob };
  };

  it('a WebSocket that is lost stops no media, and its place is taken up again', async () => {
    const { alice, bob } = await pair();
    const { session } = bob.signalling;
    bob.signalling.drop();
    await alice.signalling.next('state', (p) => p.sessionId === session && p.state === 'disconnected');
    await rooms.expectAllHear([alice, bob], ['audio'], 40);
    await bob.reconnect(rooms.server);
    const { joined } = bob.signalling;
    assert.equal(joined.resumed, true);
    assert.equal(joined.sessionId, session);
    assert.deepEqual(joined.participants.map((p) => p.sessionId), [alice.signalling.session]);
    assert.equal(joined.tracks.filter((t) => t.sessionId === alice.signalling.session).length, 1);
    await alice.signalling.next('state', (p) => p.sessionId === session && p.state === 'connected');
    await rooms.expectAllHear([alice, bob], ['audio'], 40);
    await alice.signalling.settled();
    assert.deepEqual(alice.signalling.seen.filter((m) => m.type === 'participant-left'), []);
    assert.equal(alice.signalling.seen.filter((m) => m.type === 'participant-joined' && m.payload.sessionId === session).length, 1);
  });

  it('a connection that came back by a new WebSocket can be renegotiated', async () => {
    const { alice, bob } = await pair();
    bob.signalling.drop();
    await bob.reconnect(rooms.server);
    bob.add('video');
    await bob.offer();
    await alice.hears('bob/video', 15);
    await rooms.expectAllHear([alice, bob]);
  });

  for (const style of ['offers', 'waits']) {
    it(`a page that is loaded anew and ${style} has media again at once, and others hear of no leave`, async () => {
      const { room, alice, bob } = await pair({ style });
      const { session } = bob.signalling;
      await bob.vanish();
      const started = performance.now();
      const again = await rooms.enter('bob', room, { session, style });
      assert.equal(again.signalling.joined.resumed, true);
      await Promise.all([again.hears('alice/audio', 15), alice.hears('bob/audio', 15)]);
      const took = performance.now() - started;
      assert.ok(took < 3000, `it took ${took.toFixed()} ms`);
      assert.deepEqual(again.faults, []);
      await alice.signalling.settled();
      assert.deepEqual(alice.signalling.seen.filter((m) => m.type === 'participant-left'), []);
      assert.equal(alice.signalling.seen.filter((m) => m.type === 'error').length, 0);
    });
  }

  it('a page that is loaded anew and kept its certificate has media again', async () => {
    const { room, alice, bob } = await pair();
    const { session } = bob.signalling;
    await bob.vanish();
    const again = await rooms.enter('bob', room, { session, certificate: bob.certificate });
    await Promise.all([again.hears('alice/audio', 15), alice.hears('bob/audio', 15)]);
  });

  it('a join while the old WebSocket is open takes it over: that is closed with 4009', async () => {
    const { room, alice, bob } = await pair();
    const old = bob.signalling;
    await bob.reconnect(rooms.server);
    assert.equal(await old.closed(), 4009);
    assert.equal(bob.signalling.joined.resumed, true);
    await rooms.expectAllHear([alice, bob]);
    assert.deepEqual(alice.signalling.seen.filter((m) => m.type === 'participant-left'), []);
    assert.ok(room);
  });

  const answerTo = async (peer, options) => {
    const from = peer.signalling.mark;
    await peer.offer(options);
    const { payload } = await peer.signalling.next('answer', undefined, { from });
    await peer.settled();
    return payload.sdp;
  };
  const ufragOf = (sdp) => value(parse(sdp).sections[0].lines, 'ice-ufrag');

  // werift throws its pair away at a restart, and with it what it sends before the next one is found.
  const clientGaps = { gaps: true };

  it("a new ufrag in the client's offer restarts ICE", async () => {
    const { alice, bob } = await pair();
    const before = ufragOf(bob.pc.localDescription.sdp);
    await answerTo(bob, { iceRestart: true });
    assert.notEqual(ufragOf(bob.pc.localDescription.sdp), before);
    await rooms.expectAllHear([alice, bob], ['audio'], 60, clientGaps);
  });

  it("the answer to a new ufrag has a new ufrag of the server, the answer to the same has the same", async () => {
    const { bob } = await pair();
    const first = ufragOf(await answerTo(bob));
    const second = ufragOf(await answerTo(bob, { iceRestart: true }));
    const third = ufragOf(await answerTo(bob));
    assert.notEqual(second, first);
    assert.equal(third, second);
  });

  it('`restart` brings an offer with a new ufrag of the server', async () => {
    const { alice, bob } = await pair();
    const ufrags = () => bob.signalling.seen.filter((m) => ['offer', 'answer'].includes(m.type)).map((m) => value(parse(m.payload.sdp).sections[0].lines, 'ice-ufrag'));
    const before = new Set(ufrags());
    const from = bob.signalling.mark;
    bob.signalling.send('restart');
    await bob.signalling.next('offer', undefined, { from });
    assert.ok(!before.has(ufrags().at(-1)), `${ufrags()}`);
    await bob.settled();
    await rooms.expectAllHear([alice, bob], ['audio'], 60, clientGaps);
  });

  it('several restarts of ICE, one after the other', async () => {
    const { alice, bob } = await pair();
    for (let i = 0; i < 4; i += 1) {
      await answerTo(bob, { iceRestart: true });
      await rooms.expectAllHear([alice, bob], ['audio'], 15, clientGaps);
    }
  });
});

describe('the end of the grace', { timeout: 30_000 }, () => {
  const rooms = useRooms({ ROOM_RECONNECT_GRACE: '1s' });

  it('brings participant-left timeout, and a later join is a new one', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room);
    await rooms.expectAllHear([alice, bob]);
    const { session } = bob.signalling;
    await bob.vanish();
    await alice.signalling.next('participant-left', (p) => p.sessionId === session && p.reason === 'timeout');
    await alice.signalling.next('track', (p) => p.sessionId === session && p.state === 'ended');
    const again = await rooms.enter('bob', room, { session });
    assert.equal(again.signalling.joined.resumed, false);
    await rooms.expectAllHear([alice, again]);
  });

  it('a session that nobody has is no resumption', async () => {
    const fresh = await Signalling.join(rooms.server, { user: 'dora', room: rooms.server.newRoom(), session: 'never-seen' });
    assert.equal(fresh.joined.resumed, false);
    assert.equal(fresh.joined.reconnectGraceMs, 1000);
    fresh.leave();
  });
});

describe('a leave', { timeout: 30_000 }, () => {
  const rooms = useRooms({ ROOM_RECONNECT_GRACE: '60s' });

  it('needs no grace, and an empty room is a new one for the next', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    assert.equal(alice.joined.role, 'host');
    assert.equal(alice.joined.reconnectGraceMs, 60_000);
    const bob = await rooms.join('bob', room);
    assert.equal(bob.joined.role, 'member');
    bob.send('leave');
    await alice.next('participant-left', (p) => p.sessionId === bob.session && p.reason === 'left');
    alice.send('lock');
    await alice.next('locked');
    alice.send('leave');
    await alice.settled().catch(() => {});
    const carol = await rooms.join('carol', room);
    assert.deepEqual([carol.joined.role, carol.joined.locked, carol.joined.participants], ['host', false, []]);
  });
});
