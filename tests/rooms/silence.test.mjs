// What time ends: a WebSocket that never joins.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { useRooms } from './support/room.mjs';

describe('silence', { timeout: 30_000 }, () => {
  const rooms = useRooms();

  it('who does not join within ten seconds is let go, who joins is not', async () => {
    const started = performance.now();
    const [silent, late] = await Promise.all([rooms.open('alice', 'a'), rooms.open('bob', 'b')]);
    await late.enter();
    const code = await silent.closed({ ms: 20_000 });
    assert.ok([1000, 1008, 4001, 4008].includes(code), String(code));
    assert.ok(performance.now() - started > 9_900, 'too early');
    await late.settled();
  });
});
