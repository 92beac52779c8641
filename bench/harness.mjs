// For measurements by `zvonok loadtest`: a server of this build on one core, generators on another, all ended when this process ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const secret = 'only-for-this-measurement-0123456789';
const isRoot = process.getuid() === 0;
const children = new Set();
const folder = mkdtempSync(join(tmpdir(), 'zvonok-bench-'));
let files = 0;

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.on(signal, () => process.exit(code));

/** A process on a core. `child.text` grows by what it prints; `child.ended` gives its exit code. `first`: before all others of that core, for root alone. */
export function run(core, command, args, { env = process.env, first = false } = {}) {
  // As root in a session that comes first: what else the machine does is to cost as little as it can.
  const priority = isRoot ? ['sh', '-c', 'echo -20 >/proc/self/autogroup; exec "$@"', 'sh', ...(first ? ['chrt', '-f', '10'] : [])] : [];
  const child = spawn('setsid', [...priority, 'taskset', '-c', core, command, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  child.text = '';
  child.stdout.on('data', (data) => (child.text += data));
  child.ended = once(child, 'exit').then(([code]) => {
    children.delete(child);
    return code;
  });
  return child;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** What the server counts of datagrams that it sends. */
export async function sample(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = (name) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  return {
    datagrams: value('zvonok_media_udp_datagrams_sent_total'),
    trains: value('zvonok_media_udp_trains_sent_total'),
    calls: value('zvonok_media_udp_send_calls_total'),
  };
}

/** A server of one media thread that answers; `server.port`. */
export async function serve(core, build, settings = {}) {
  const port = await freePort();
  const env = {
    PATH: process.env.PATH, SERVER_PORT: `${port}`, BIND_ADDRESS: '127.0.0.1', DATA_DIR: mkdtempSync(join(folder, 'data-')), MEDIA_UDP_PORT: '0', STUN_PORT: '0',
    MEDIA_THREADS: '1', JWT_SECRET: secret, AUTH_PROVISION: 'jit', CONNECTIONS_PER_IP_MAX: '10000', LOG_LEVEL: 'error', SHUTDOWN_TIMEOUT: '1s', ...settings,
  };
  const server = run(core, join(build, 'zvonok'), ['serve'], { env });
  server.port = port;
  let ended = false;
  server.ended.then(() => (ended = true));
  while (!(await sample(port).catch(() => null))) {
    if (ended) throw new Error('the server ended');
    await pause(50);
  }
  return server;
}

/** A load test against it; `load.result()` gives its JSON when it has ended. */
export function load(core, build, server, flags, { first = false } = {}) {
  const json = join(folder, `load-${(files += 1)}.json`);
  writeFileSync(json, '');
  const args = ['loadtest', '--url', `ws://127.0.0.1:${server.port}`, '--secret', secret, '--pid', `${server.pid}`, '--no-reports', '--json', json, ...flags];
  const child = run(core, join(build, 'zvonok'), args, { first });
  child.result = async () => {
    await child.ended;
    const text = readFileSync(json, 'utf8').trim();
    if (!text) throw new Error('the load test could not begin');
    return JSON.parse(text);
  };
  return child;
}

export async function stop(server) {
  server.kill();
  await server.ended;
}

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
export const fixed = (number, digits = 2) => number.toFixed(digits);
