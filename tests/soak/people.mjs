// People who come to rooms and go: a process of its own that the soak starts anew again and again, since the stacks that the
// people are made of do not give everything back. Writes a JSON object a line: {joinMs} of each join, {failed} of each fault.
import { randomUUID } from 'node:crypto';

import { Signalling } from '../rooms/support/signalling.mjs';
import { token } from '../rooms/support/server.mjs';
import { WeriftPeer } from '../rooms/support/werift.mjs';

const [port, gatherings, parallel] = process.argv.slice(2).map(Number);
const styles = ['offers', 'waits', 'polite', 'stubborn'];
const patience = { ms: 30_000 };
const server = { socketUrl: (kind, room) => `ws://127.0.0.1:${port}/api/v1/${kind}/${room}/call` };
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

/** Users are always the same few, rooms and sessions always new: what the database holds of users does not grow. */
async function enter(user, room, style, publish = ['audio', 'video']) {
  const begin = performance.now();
  const session = `${user}-${randomUUID().slice(0, 8)}`;
  const peer = await WeriftPeer.enter(server, { user, room, session, style, publish, intervalMs: 40 });
  try {
    await peer.reaches('connected', patience);
  } catch (error) {
    await peer.close();
    throw error;
  }
  say({ joinMs: performance.now() - begin });
  return peer;
}

/** Three in a new room, each in another style; they hear each other, one changes tracks, and they go in three ways. */
async function gather(number) {
  const room = `soak-${randomUUID().slice(0, 8)}`;
  const user = (place) => `person-${(number * 3 + place) % 60}`;
  const peers = [];
  let looker;
  try {
    for (let i = 0; i < 3; i += 1) peers.push(await enter(user(i), room, styles[(number + i) % styles.length]));
    await Promise.all(peers.flatMap((one) => peers.filter((p) => p !== one).map((other) => one.hears(`${other.name}/audio`, 5, patience))));
    looker = await Signalling.join(server, { user: user(0), room, session: `looker-${number}` }); // without media
    await peers[0].remove(peers[0].sources.find((source) => source.kind === 'video'));
    await peers[1].signalling.next('track', ({ state }) => state === 'ended', patience);
    await fetch(`http://127.0.0.1:${port}/api/v1/group/${room}/room`, { headers: { Authorization: `Bearer ${token(user(0))}` } }).then((answer) => answer.text());
    for (const peer of peers) if (peer.failures.length > 0) say({ failed: `${peer.options.style}: ${peer.failures[0]}` });
  } finally {
    looker?.drop();
    const [first, ...others] = peers;
    await first?.vanish(); // its place is kept for the grace
    await Promise.all(others.map((peer) => peer.close()));
  }
}

/** Somebody passes through the room where a few stay all along: its sections and names are used again and again. */
async function pass(number) {
  const peer = await enter(`guest-${number % 20}`, 'permanent', styles[number % styles.length], ['audio']);
  await peer.signalling.settled(patience);
  await peer.close();
}

let next = 0;
async function work() {
  for (let number = next++; number < gatherings; number = next++) {
    for (const [what, visit] of Object.entries({ gather, pass })) {
      try {
        await visit(number);
      } catch (error) {
        say({ failed: `${what}: ${String(error.message ?? error).split('\n')[0]}` });
      }
    }
  }
}
const host = await enter('host', 'permanent', 'waits');
await Promise.all(Array.from({ length: parallel }, work));
await host.close();
process.exit(); // their sockets and timers would keep it
