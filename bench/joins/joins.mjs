// Many who join a room at the same moment, and how the sound of others fares meanwhile. See README.md.
//   node bench/joins/joins.mjs [--rounds 3] [--people 1000] [--rooms 3] [--server-core 0] [--load-core 1] [--build build]
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { fixed, load, serve, stop } from '../harness.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    people: { type: 'string', default: '1000' },
    rooms: { type: 'string', default: '3' },
    'server-core': { type: 'string', default: '0' },
    'load-core': { type: 'string', default: '1' },
    build: { type: 'string', default: 'build' },
  },
});
const people = Number(values.people);
const rooms = Number(values.rooms);
const windowSeconds = 8;

/** `storm`: with those who join, or without, for comparison. */
async function round(storm) {
  const server = await serve(values['server-core'], values.build, { ROOM_PARTICIPANTS_MAX: `${people + 10}` });
  // Those who talk, all of whom verify. Their generator comes before the other one on its core, so that they send on time.
  const meetings = load(values['load-core'], values.build, server,
    ['--prefix', 'meet-', '--rooms', `${rooms}`, '--publishers', '5', '--subscribers', '0', '--meet', '--verify-share', '1', '--ramp', 'at-once', '--warm-up', '2s', '--duration', `${windowSeconds}s`], { first: true });
  // Its window has begun by then, and ends later than joins should: what they are to take is 5 s.
  await pause(3500);
  const crowd = storm ? load(values['load-core'], values.build, server, ['--publishers', '1', '--subscribers', `${people}`, '--ramp', 'at-once', '--duration', '3s', '--warm-up', '3s']) : null;
  const [talk, joins] = [await meetings.result(), await crowd?.result()];
  await stop(server);
  return { talk, joins };
}

console.log('| who joins | all media after: half, s | the last, s | never | bytes each | delay of others: p50, ms | p99 | p99.9 | the last | they lost | they sent late: p99, ms | the last |');
console.log('|---|---|---|---|---|---|---|---|---|---|---|---|');
for (let number = 0; number <= Number(values.rounds); number += 1) {
  const { talk, joins } = await round(number > 0);
  const before = joins ? [people, fixed(joins.joinMs.p50 / 1000), fixed(joins.joinMs.last / 1000), joins.neverJoined, joins.server.residentBytesPerParticipant] : ['nobody', '', '', '', ''];
  const d = talk.delayMs;
  console.log(`| ${[...before, fixed(d.p50), fixed(d.p99), fixed(d.p999), fixed(d.last), `${talk.verifiedLost} of ${talk.verifiedExpected}`, fixed(talk.sentLateMs.p99), fixed(talk.sentLateMs.last)].join(' | ')} |`);
}
