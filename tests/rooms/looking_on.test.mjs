// The room as it is shown by REST, and what is counted, with media that flows.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { useRooms } from './support/room.mjs';
import { token } from './support/server.mjs';

describe('looking on', { timeout: 120_000 }, () => {
  const rooms = useRooms();

  async function get(path, user, claim) {
    const response = await fetch(`http://127.0.0.1:${rooms.server.port}${path}`, { headers: { Authorization: `Bearer ${token(user, claim)}` } });
    return { status: response.status, body: await response.json() };
  }
  async function metrics() {
    const text = await (await fetch(`http://127.0.0.1:${rooms.server.port}/metrics`)).text();
    return new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  }
  /** Asks again while media flows: statistics are taken every two seconds. */
  async function until(what, ask, good) {
    const end = Date.now() + 20_000;
    for (;;) {
      const got = await ask();
      if (good(got)) return got;
      assert.ok(Date.now() < end, `${what}: ${JSON.stringify(got instanceof Map ? [...got] : got)}`);
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }

  it('shows peers, what is published, who gets it, and how it goes', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: ['audio', 'video'] });
    const bob = await rooms.enter('bob', room, { publish: [], style: 'waits' });
    await bob.hears('alice/audio', 5);
    await bob.hears('alice/video', 5);
    const [a, b] = [alice.signalling.session, bob.signalling.session];
    const measured = (answer) => [a, b].every((id) => (answer.body.peers[id].statistics?.[id === a ? 'up' : 'down'].packets ?? 0) > 0);
    const { status, body } = await until('statistics', () => get(`/api/v1/group/${room}/room`, 'carol'), measured);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body.peers).sort(), [a, b].sort());
    assert.deepEqual([body.peers[a].userId, body.peers[a].sessionId, body.peers[a].state, body.peers[b].state], ['alice', a, 'connected', 'connected']);
    assert.deepEqual(body.peers[a].tracks, {});
    const published = Object.entries(body.published);
    assert.deepEqual(published.map(([, track]) => [track.remote.sessionId, track.remote.kind]).sort(), [[a, 'audio'], [a, 'video']]);
    for (const [id, track] of published) {
      assert.match(track.codec.mimeType, track.remote.kind === 'audio' ? /^audio\// : /^video\//);
      assert.deepEqual(Object.keys(track.locals), [b]);
      assert.equal(body.peers[b].tracks[id].sender.mid, track.locals[b].mid);
      assert.equal(body.peers[b].tracks[id].track.kind, track.remote.kind);
    }
    const { statistics, connectedAfterMs } = body.peers[a];
    assert.ok(statistics.score > 3 && statistics.score <= 4.5, JSON.stringify(statistics));
    assert.ok(statistics.up.bitrate > 0 && statistics.up.bytes > 0, JSON.stringify(statistics));
    assert.ok(connectedAfterMs > 0 && connectedAfterMs < 30_000, String(connectedAfterMs));
    assert.deepEqual([body.statistics.participants, body.statistics.connected, body.statistics.tracks], [2, 2, 2]);
    assert.ok(body.statistics.down.bitrate > 0, JSON.stringify(body.statistics));
  });

  it('is for members', async () => {
    const room = rooms.server.newRoom();
    await rooms.join('alice', room);
    assert.equal((await get(`/api/v1/group/${room}/room`, 'eve', [])).status, 403);
    assert.deepEqual((await get(`/api/v1/chat/${room}/room`, 'eve', [`chat:${room}`])).body.peers, {}, 'the chat of the same id is another room');
  });

  it('is counted', async () => {
    const before = await metrics();
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room, { publish: ['audio', 'video'] });
    const bob = await rooms.enter('bob', room);
    await bob.hears('alice/video', 20);
    await alice.hears('bob/audio', 20);
    const grown = (now) => (name) => now.get(name) - before.get(name);
    const names = [
      'zvonok_room_join_seconds_count', 'zvonok_room_quality_score_count', 'zvonok_media_packets_received_total', 'zvonok_media_packets_sent_total',
      'zvonok_media_bytes_sent_total', 'zvonok_media_udp_datagrams_sent_total', 'zvonok_media_forwarding_seconds_count', 'zvonok_media_cpu_seconds_total',
      'zvonok_media_stun_checks_total{result="accepted"}', 'zvonok_media_keyframe_requests_sent_total',
    ];
    const now = await until('metrics', metrics, (seen) => names.every((name) => grown(seen)(name) > 0));
    assert.equal(now.get('zvonok_rooms'), 1);
    assert.equal(now.get('zvonok_room_tracks'), 3);
    assert.equal(now.get('zvonok_media_peers'), 2);
    assert.equal(grown(now)('zvonok_room_join_seconds_count'), 2);
    const sent = now.get('zvonok_media_packets_sent_total');
    await Promise.all([alice.close(), bob.close()]);
    const later = await until('the end', metrics, (seen) => seen.get('zvonok_media_peers') === 0);
    assert.ok(later.get('zvonok_media_packets_sent_total') >= sent, 'what those who have gone counted stays counted');
  });
});
