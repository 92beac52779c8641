// Tracks come and go: renegotiation, sections used again, mute, codecs, directions, offers of an odd shape.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RTCRtpCodecParameters, useVP9 } from 'werift';

import { useRooms } from './support/room.mjs';
import { fakeFingerprint, offerOf, parse, section } from './support/sdp.mjs';

/** In the server's description that holds for `peer`, `count` sections are for tracks that it sends. */
async function awaitSending(peer, count) {
  await peer.signalling.journal.until(`${count} sections that send`, () => lastDescription(peer).sections.filter((s) => s.direction.startsWith('send')).length === count);
}
const lastDescription = (peer) => parse(peer.described);

describe('tracks', { timeout: 180_000 }, () => {
  const rooms = useRooms();

  it('are announced to those inside, and to those who come later, with the section in which they arrive', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: ['audio', 'video'] });
    const bob = await rooms.enter('bob', room, { publish: [] , style: 'waits' });
    await bob.hears('alice/video', 5);
    const mine = bob.signalling.joined.tracks.filter((t) => t.sessionId === alice.signalling.session);
    assert.deepEqual(mine.map((t) => [t.kind, t.source, t.muted]).sort(), [['audio', 'microphone', false], ['video', 'camera', false]]);
    for (const { trackId, kind } of mine) {
      const { payload } = await bob.signalling.next('track', (p) => p.trackId === trackId && p.mid !== undefined);
      const found = lastDescription(bob).sections.find((s) => s.mid === payload.mid);
      assert.equal(found.kind, kind);
    }
    const carol = await rooms.enter('carol', room);
    const { payload } = await bob.signalling.next('track', (p) => p.sessionId === carol.signalling.session && p.state === 'published');
    assert.equal(payload.kind, 'audio');
    await bob.hears('carol/audio', 5);
    assert.deepEqual(bob.faults, []);
  });

  it('that are removed end for the others, and the next of the kind takes the same section', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: ['audio', 'video'] });
    const bob = await rooms.enter('bob', room);
    await Promise.all([bob.hears('alice/video', 10), bob.hears('alice/audio', 10)]);
    await awaitSending(bob, 2);
    const before = lastDescription(bob).sections.length;
    for (let round = 0; round < 4; round += 1) {
      const from = bob.signalling.mark;
      await alice.remove(alice.sources.find((s) => s.kind === 'video'));
      await bob.signalling.next('track', (p) => p.sessionId === alice.signalling.session && p.kind === 'video' && p.state === 'ended', { from });
      await awaitSending(bob, 1);
      const again = bob.signalling.mark;
      alice.add('video');
      await alice.offer();
      await bob.signalling.next('track', (p) => p.sessionId === alice.signalling.session && p.kind === 'video' && p.state === 'published', { from: again });
      await bob.hears('alice/video', 10);
    }
    await bob.settled();
    assert.equal(lastDescription(bob).sections.length, before);
    await rooms.expectAllHear([alice, bob]);
  });

  it('of people who come and go use the same sections over and over', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    let most = 0;
    for (let round = 0; round < 6; round += 1) {
      const bob = await rooms.enter(`guest${round}`, room, { style: round % 2 === 0 ? 'offers' : 'waits' });
      await rooms.expectAllHear([alice, bob], ['audio'], 5);
      await bob.close();
      await alice.signalling.next('participant-left', (p) => p.sessionId === bob.signalling.session);
      await awaitSending(alice, 0);
      most ||= lastDescription(alice).sections.length;
      assert.equal(lastDescription(alice).sections.length, most);
    }
    assert.deepEqual(alice.faults, []);
  });

  it('that change faster than can be negotiated need no more than two sections more', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: ['audio', 'video'] });
    const bob = await rooms.enter('bob', room);
    await bob.hears('alice/video', 10);
    await awaitSending(bob, 2);
    const before = lastDescription(bob).sections.length;
    for (let round = 0; round < 12; round += 1) {
      await alice.remove(alice.sources.find((s) => s.kind === 'video'));
      alice.add('video');
      await alice.offer();
    }
    await bob.hears('alice/video', 10);
    await awaitSending(bob, 2);
    const { length } = lastDescription(bob).sections;
    assert.ok(length <= before + 2, `${length} sections after ${before}`);
    await rooms.expectAllHear([alice, bob]);
  });

  it('three of a kind of one participant arrive each by itself', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: ['audio', 'audio', 'video', 'video'] });
    const bob = await rooms.enter('bob', room, { publish: [], style: 'waits' });
    await Promise.all(['audio', 'audio1', 'video', 'video1'].map((track) => bob.hears(`alice/${track}`, 10)));
    for (const { packets } of bob.ledger.streams.values()) assert.equal(new Set(packets.map((p) => p.label)).size, 1);
    assert.equal(bob.ledger.streams.size, 4);
    assert.deepEqual(bob.faults, []);
  });

  it('a keyframe is asked for when somebody begins to watch', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: ['video'] });
    const source = alice.sources[0];
    await alice.reaches('connected');
    await rooms.enter('bob', room, { publish: [], style: 'waits' });
    await alice.states.until('a picture loss indication', () => source.keyframesAsked > 0 || (setTimeout(() => alice.states.poke(), 50), false));
  });

  it('mute and unmute are told to the others, and the muted are not forwarded', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room);
    await rooms.expectAllHear([alice, bob]);
    const { mid } = alice.sources[0].transceiver;
    alice.signalling.send('track', { mid, source: 'screen-audio', muted: true });
    const { payload } = await bob.signalling.next('track', (p) => p.sessionId === alice.signalling.session && p.muted === true);
    assert.equal(payload.source, 'screen-audio');
    assert.equal(payload.state, 'updated');
    const from = bob.signalling.mark;
    alice.signalling.send('track', { mid, source: 'microphone', muted: false });
    await bob.signalling.next('track', (p) => p.sessionId === alice.signalling.session && p.muted === false && p.source === 'microphone', { from });
    await bob.hears('alice/audio', 20);
  });

  it('a late comer hears in joined.tracks that a track is muted', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room);
    await rooms.expectAllHear([alice, bob]);
    alice.signalling.send('track', { mid: alice.sources[0].transceiver.mid, source: 'microphone', muted: true });
    await bob.signalling.next('track', (p) => p.muted === true);
    const carol = await rooms.join('carol', room);
    assert.equal(carol.joined.tracks.find((t) => t.sessionId === alice.signalling.session).muted, true);
  });

  it('a track in a section sent as sendonly, and one who only receives', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { direction: 'sendonly', publish: ['audio', 'video'] });
    const bob = await rooms.enter('bob', room, { publish: [], style: 'waits' });
    await Promise.all([bob.hears('alice/audio', 10), bob.hears('alice/video', 10)]);
    assert.deepEqual([...alice.faults, ...bob.faults], []);
    bob.pc.addTransceiver('audio', { direction: 'recvonly' });
    bob.pc.addTransceiver('video', { direction: 'recvonly' });
    await bob.offer();
    const carol = await rooms.enter('carol', room);
    await bob.hears('carol/audio', 10);
    assert.deepEqual([...bob.faults, ...carol.faults], []);
  });

  it('one with VP9 alone meets VP8: sound goes both ways, and the picture is not sent in a codec that was not agreed', async () => {
    const room = rooms.server.newRoom();
    const opus = () => new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111 });
    const alice = await rooms.enter('alice', room, { codecs: { audio: [opus()], video: [useVP9({ payloadType: 98 })] }, publish: ['audio', 'video'] });
    const bob = await rooms.enter('bob', room, { publish: ['audio', 'video'] });
    await rooms.expectAllHear([alice, bob]);
    assert.deepEqual(alice.ledger.packets('bob/video'), []);
    assert.equal(alice.pc.connectionState, 'connected');
    assert.deepEqual(alice.faults, []);
  });

  it('one without BUNDLE is answered, and hears and is heard in what was accepted', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { bundlePolicy: 'disable' });
    const bob = await rooms.enter('bob', room, { publish: ['audio', 'video'] });
    await rooms.expectAllHear([alice, bob]);
  });

  it('an offer of two sections without a group is answered by one that accepts the first at least', async () => {
    const alice = await rooms.join('alice', rooms.server.newRoom());
    alice.send('offer', { type: 'offer', sdp: offerOf([section('audio', '0'), section('video', '1')], { bundle: '' }) });
    const { sections } = parse((await alice.next('answer')).payload.sdp);
    assert.equal(sections.length, 2);
    assert.notEqual(sections[0].port, 0);
  });

  it('a data channel in the offer is answered without harm to sound', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: [], style: 'waits' });
    const bob = await rooms.enter('bob', room, { publish: [], style: 'waits' });
    for (const peer of [alice, bob]) peer.add('audio');
    const sdp = offerOf([section('audio', '0'), section('application', '1'), section('video', '2')]);
    const carol = await rooms.join('carol', room);
    carol.send('offer', { type: 'offer', sdp });
    const { sections } = parse((await carol.next('answer')).payload.sdp);
    assert.deepEqual(sections.map((s) => s.kind), ['audio', 'application', 'video']);
    assert.ok(sections[0].port !== 0 && sections[2].port !== 0);
    await alice.offer();
    await bob.offer();
    await rooms.expectAllHear([alice, bob]);
  });

  const setups = [
    ['actpass', 'passive'],
    ['active', 'passive'],
    ['passive', 'active'],
  ];
  for (const [offered, answered] of setups) {
    it(`setup:${offered} is answered by setup:${answered}`, async () => {
      const alice = await rooms.join('alice', rooms.server.newRoom());
      alice.send('offer', { type: 'offer', sdp: offerOf([section('audio', '0', { setup: offered, fingerprint: fakeFingerprint })]) });
      const { payload } = await alice.next('answer');
      assert.match(payload.sdp, new RegExp(`a=setup:${answered}\r\n`));
    });
  }
});
