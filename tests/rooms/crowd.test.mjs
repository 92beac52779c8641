// Twenty in a room: each hears nineteen, while people come and go.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { useRooms } from './support/room.mjs';

describe('a crowd', { timeout: 120_000 }, () => {
  const rooms = useRooms();

  it('of twenty: each gets the nineteen tracks of the others, and those who leave make room', async () => {
    const room = rooms.server.newRoom();
    const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
    const peers = [];
    for (let i = 0; i < names.length; i += 5) {
      peers.push(...(await Promise.all(names.slice(i, i + 5).map((name, k) => rooms.enter(name, room, { style: k % 2 === 0 ? 'offers' : 'waits', intervalMs: 250 })))));
    }
    const hearEachOther = (group, count) =>
      Promise.all(group.flatMap((listener) => group.filter((p) => p !== listener).map((speaker) => listener.hears(`${speaker.name}/audio`, count, { ms: 40_000 }))));
    await hearEachOther(peers, 4);
    for (const peer of peers) {
      assert.equal(peer.ledger.labels().length, 19);
      assert.deepEqual(peer.faults, [], peer.name);
    }
    const [gone, stay] = [peers.slice(0, 4), peers.slice(4)];
    await Promise.all(gone.map((peer) => peer.close()));
    await Promise.all(stay.flatMap((peer) => gone.map((left) => peer.signalling.next('participant-left', (p) => p.sessionId === left.signalling.session))));
    const fresh = await Promise.all(['q0', 'q1', 'q2', 'q3'].map((name) => rooms.enter(name, room, { intervalMs: 250 })));
    await hearEachOther([...stay, ...fresh], 3);
    for (const peer of [...stay, ...fresh]) assert.deepEqual(peer.faults, [], peer.name);
  });
});
