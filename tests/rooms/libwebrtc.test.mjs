// Rooms with libwebrtc: tones heard and pictures seen of the right person, in every style of negotiation, and together with werift.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { LibwebrtcPeer } from './support/libwebrtc.mjs';
import { useRooms } from './support/room.mjs';

const people = [
  { user: 'alice', tone: 400, grey: 60 },
  { user: 'bob', tone: 700, grey: 120 },
  { user: 'carol', tone: 1100, grey: 180 },
];

describe('libwebrtc', { timeout: 180_000 }, () => {
  const rooms = useRooms();
  const enter = async (person, room, options = {}) => {
    const peer = await LibwebrtcPeer.enter(rooms.server, { ...person, room, session: `${person.user}-${rooms.server.newId()}`, ...options });
    rooms.peers.push(peer);
    return peer;
  };
  const expectAll = async (peers, kinds = ['audio']) => {
    await Promise.all(
      peers.flatMap((one) => peers.filter((p) => p !== one).flatMap((other) => kinds.map((kind) => (kind === 'audio' ? one.hears(other) : one.sees(other))))),
    );
    for (const peer of peers) assert.deepEqual(peer.faults, [], peer.name);
  };

  for (const style of ['waits', 'offers', 'polite', 'stubborn']) {
    it(`three who ${style} hear and see each other`, async () => {
      const room = rooms.server.newRoom();
      const all = await Promise.all(people.map((person) => enter(person, room, { style, publish: ['audio', 'video'] })));
      await expectAll(all, ['audio', 'video']);
      for (const peer of all) assert.deepEqual([...peer.tones.keys()].sort(), all.filter((p) => p !== peer).map((p) => p.tone).sort());
      for (const peer of all) assert.equal(await peer.lostPackets(), 0);
    });
  }

  it('each of another style', async () => {
    const room = rooms.server.newRoom();
    const all = [];
    for (const [i, style] of ['waits', 'polite', 'stubborn'].entries()) all.push(await enter(people[i], room, { style }));
    await expectAll(all);
  });

  it('a camera that is switched on later, off, and on again', async () => {
    const room = rooms.server.newRoom();
    const [alice, bob] = await Promise.all(people.slice(0, 2).map((person) => enter(person, room)));
    await expectAll([alice, bob]);
    for (let round = 0; round < 2; round += 1) {
      const sender = alice.add('video');
      await alice.offer();
      await bob.sees(alice);
      const from = bob.signalling.mark;
      alice.pc.removeTrack(sender);
      await alice.offer();
      await bob.signalling.next('track', (p) => p.kind === 'video' && p.state === 'ended', { from });
    }
    await expectAll([alice, bob]);
  });

  it('a restart of ICE by the client and by `restart`', async () => {
    const room = rooms.server.newRoom();
    const [alice, bob] = await Promise.all(people.slice(0, 2).map((person) => enter(person, room)));
    await expectAll([alice, bob]);
    const from = alice.signalling.mark;
    await alice.offer({ iceRestart: true });
    await alice.signalling.next('answer', undefined, { from });
    await expectAll([alice, bob]);
    const later = alice.signalling.mark;
    alice.signalling.send('restart');
    await alice.signalling.next('offer', undefined, { from: later });
    await expectAll([alice, bob]);
  });

  it('a page that is loaded anew is heard and hears again', async () => {
    const room = rooms.server.newRoom();
    const [alice, bob] = await Promise.all(people.slice(0, 2).map((person) => enter(person, room)));
    await expectAll([alice, bob]);
    await bob.vanish();
    const again = await enter(people[1], room, { session: bob.signalling.session });
    assert.equal(again.signalling.joined.resumed, true);
    await expectAll([alice, again]);
    assert.deepEqual(alice.signalling.seen.filter((m) => m.type === 'participant-left'), []);
  });

  it('a data channel in the offer harms nothing', async () => {
    const room = rooms.server.newRoom();
    const [alice, bob] = await Promise.all(people.slice(0, 2).map((person) => enter(person, room)));
    await expectAll([alice, bob]);
    alice.pc.createDataChannel('chat');
    await alice.offer();
    await expectAll([alice, bob]);
    const sender = alice.add('video');
    await alice.offer();
    await bob.sees(alice);
    assert.ok(sender);
  });

  it('with werift in one room, each gets packets of the other', async () => {
    const room = rooms.server.newRoom();
    const alice = await enter(people[0], room);
    const second = await enter(people[1], room);
    const bob = await rooms.enter('werift', room, { publish: ['audio', 'video'] });
    await expectAll([alice, second]);
    await bob.ledger.journal.until('audio of both', () => bob.ledger.unmarked > 50);
    const received = async () => [...(await alice.pc.getStats()).values()].filter((r) => r.type === 'inbound-rtp').map((r) => r.packetsReceived ?? 0);
    const deadline = Date.now() + 12_000;
    while ((await received()).filter((count) => count > 20).length < 3) {
      assert.ok(Date.now() < deadline, `${await received()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual([...alice.faults, ...bob.faults], []);
  });
});
