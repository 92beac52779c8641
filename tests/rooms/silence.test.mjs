// What time ends: a WebSocket that never joins.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { useRooms } from './support/room.mjs';

describe('silence', { timeout: 30_000 }, () => {
  const rooms = useRooms();

  it('who does not join within ten seconds is let go, who joins is not', async () => {
    const [silent, late] = await Promise.all([rooms.open('alice', 'a'), rooms.open('bob', 'b')]);
    const started = performance.now();
    await late.enter();
    const code = await silent.closed({ ms: 14_000 });
    assert.ok([1000, 1008, 4001, 4008].includes(code), String(code));
    assert.ok(performance.now() - started > 8_000, 'too early');
    await late.settled();
  });
});
