// The styles of negotiation: whoever offers first, and when both do, media flows both ways, byte for byte and without gaps.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { useRooms } from './support/room.mjs';

describe('negotiation', { timeout: 180_000 }, () => {
  const rooms = useRooms();
  const styles = ['waits', 'offers', 'polite', 'stubborn', 'impolite'];

  for (const first of styles) {
    for (const second of styles) {
      it(`${first} and ${second}: sound both ways`, async () => {
        const room = rooms.server.newRoom();
        const alice = await rooms.enter('alice', room, { style: first });
        const bob = await rooms.enter('bob', room, { style: second });
        await rooms.expectAllHear([alice, bob]);
      });
    }
  }

  for (const style of styles) {
    it(`three who all ${style}: sound and VP8 of each to each`, async () => {
      const room = rooms.server.newRoom();
      const all = await Promise.all(['alice', 'bob', 'carol'].map((user) => rooms.enter(user, room, { style, publish: ['audio', 'video'] })));
      await rooms.expectAllHear(all, ['audio', 'video']);
    });
  }

  it('who says that it does not yield is offered what is left right after the answer', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: ['audio', 'video'] });
    const bob = await rooms.enter('bob', room, { style: 'impolite', publish: ['video'] });
    await rooms.expectAllHear([alice, bob], ['video']);
    await bob.hears('alice/audio', 15);
    assert.equal(bob.ignored, 1);
    const described = bob.signalling.seen.map(({ type }) => type).filter((type) => type === 'offer' || type === 'answer' || type === 'error');
    assert.deepEqual(described.slice(0, 3), ['offer', 'answer', 'offer']);
  });

  it('who says that it makes no offer gets the server\'s at once', async () => {
    const room = rooms.server.newRoom();
    await rooms.enter('alice', room, { publish: ['audio', 'video'] });
    const bob = await rooms.join('bob', room, { joinPayload: { offers: false } });
    await bob.settled();
    const { payload } = bob.seen.find(({ type }) => type === 'offer') ?? assert.fail('the server did not wait for 150 ms');
    assert.match(payload.sdp, /m=audio[^]*m=video/);
  });

  const numberings = [
    ['mid 3, transport-wide-cc 4', { audio: [3, 4], video: [3, 4, 5] }],
    ['mid 1, transport-wide-cc 2', { audio: [1, 2], video: [1, 2, 3] }],
    ['high numbers', { audio: [14, 13], video: [14, 13, 12] }],
  ];
  for (const [name, extensionIds] of numberings) {
    it(`the client's numbers of header extensions hold in the server's later offers: ${name}`, async () => {
      const room = rooms.server.newRoom();
      const alice = await rooms.enter('alice', room, { extensionIds });
      const bob = await rooms.enter('bob', room, { publish: ['audio', 'video'] });
      await alice.hears('bob/video', 15);
      await alice.hears('bob/audio', 15);
      assert.deepEqual(alice.faults, []);
    });
  }

  it('a client that numbers one header extension differently in two sections goes on being heard in both', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room, { extensionIds: { audio: [1, 2], video: [5, 6, 7] } });
    await alice.hears('bob/audio', 15);
    bob.add('video');
    await bob.offer();
    await Promise.all([alice.hears('bob/video', 15), alice.hears('bob/audio', 40)]);
  });
});
