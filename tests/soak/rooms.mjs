// A soak of the rooms: people join and leave for a long time, and the server's memory must stay flat. A tool, not a test
// of every day. Usage: node tests/soak/rooms.mjs [--minutes 60] [--parallel 2]; ZVONOK_BINARY names another server.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { startRooms } from '../rooms/support/server.mjs';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, parallel: { type: 'string', default: '2' } } });
const minutes = Number(values.minutes);
const parallel = Number(values.parallel);
const gatheringsPerProcess = 30;
const sampleMs = 10_000;
const growthShareMax = 0.05;
const growthBytesMax = 8e6;
const failedShareMax = 0.01;
const fdsSpare = 8; // what is opened when it is first needed: more connections to the database

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

const server = await startRooms({ ROOM_RECONNECT_GRACE: '2s' });
const [pid] = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' '); // the only child so far
const joins = { all: 0, ms: [] };
const failures = [];

function report({ joinMs, failed }) {
  if (failed !== undefined) {
    failures.push(failed);
    console.log(`failed: ${failed}`);
    return;
  }
  joins.all += 1;
  joins.ms.push(joinMs);
}

async function visit(gatherings) {
  const script = new URL('people.mjs', import.meta.url).pathname;
  const people = spawn(process.execPath, [script, server.port, gatherings, parallel], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: people.stdout })) report(JSON.parse(line));
}

async function keepVisiting(end) {
  while (performance.now() < end) await visit(gatheringsPerProcess);
}

/** What the server says of itself, and what the kernel says of it. */
async function look() {
  const text = await (await fetch(`${server.url}metrics`)).text();
  const metric = (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    rss: metric('process_resident_memory_bytes'),
    fds: readdirSync(`/proc/${pid}/fd`).length,
    connections: metric('zvonok_connections'),
    websockets: metric('zvonok_websockets'),
    rooms: metric('zvonok_rooms'),
    participants: metric('zvonok_room_participants'),
    tracks: metric('zvonok_room_tracks'),
    peers: metric('zvonok_media_peers'),
    started: metric('zvonok_rooms_started_total'),
    joined: metric('zvonok_room_joins_total'),
  };
}

const gauges = ['fds', 'connections', 'websockets', 'rooms', 'participants', 'tracks', 'peers', 'started', 'joined'];
function print(minute, now) {
  const cells = [`minute ${minute}`, `rss ${megabytes(now.rss)} MB`, ...gauges.map((name) => `${name} ${now[name]}`)];
  console.log([...cells, `join median ${median(joins.ms).toFixed(0)} ms of ${joins.ms.length}`].join(', '));
  joins.ms = [];
}

async function watch(end) {
  const samples = [];
  const begin = performance.now();
  for (let minute = 0; performance.now() < end; ) {
    await wait(sampleMs);
    const now = await look();
    samples.push(now.rss);
    const passed = Math.floor((performance.now() - begin) / 60_000);
    if (passed > minute) print((minute = passed), now);
  }
  return samples;
}

/** Waits until all have gone; `left` when something of them stays. */
async function awaitEmpty(fdsMax = Infinity) {
  for (let tries = 0; tries < 60; tries += 1) {
    const now = await look();
    if (now.rooms === 0 && now.peers === 0 && now.fds <= fdsMax) return { now };
    await wait(1000);
  }
  return { now: await look(), left: true };
}

await visit(1); // what is made once is made from here on
const { now: start } = await awaitEmpty();
console.log(`start: rss ${megabytes(start.rss)} MB, ${start.fds} descriptors`);
const end = performance.now() + minutes * 60_000;
const [samples] = await Promise.all([watch(end), keepVisiting(end)]);
const { now, left } = await awaitEmpty(start.fds + fdsSpare);
print('after the last', now);
await server.stopAndClean();

const sixth = Math.max(1, Math.floor(samples.length / 6));
const [early, late] = [median(samples.slice(sixth, 2 * sixth)), median(samples.slice(-sixth))];
const growth = late - early;
console.log(`rss: ${megabytes(early)} MB after the first sixth, ${megabytes(late)} MB in the last; ${joins.all} joins, ${failures.length} failures`);
const verdicts = [
  [growth > growthBytesMax && growth > early * growthShareMax, `memory grows: by ${megabytes(growth)} MB`],
  [left, 'rooms, media connections or descriptors are left when everybody has gone'],
  [joins.all === 0 || failures.length > joins.all * failedShareMax, 'too many joins failed'],
];
for (const [failed, why] of verdicts) if (failed) console.error(why);
process.exitCode = verdicts.some(([failed]) => failed) ? 1 : 0;
