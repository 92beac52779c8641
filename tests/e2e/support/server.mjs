// Starts the built server on a free port with a folder of its own, and a PostgreSQL of its own when asked.
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../../..', import.meta.url).pathname;
export const binary = process.env.ZVONOK_BINARY ?? join(root, 'build/zvonok');
const webRoot = process.env.ZVONOK_WEB_ROOT ?? join(root, 'build/web');
const patienceMs = 30_000;

/** Ports above are those that the system gives to clients: one of them may be somebody's own end by the time it is listened at. */
const systemPorts = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]);
const given = new Set();

async function canListen(port) {
  const tcp = createServer().listen(port, '127.0.0.1');
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  const listening = await Promise.all([tcp, udp].map((each) => once(each, 'listening').then(() => true, () => false)));
  if (listening[0]) await new Promise((resolve) => tcp.close(resolve));
  await new Promise((resolve) => udp.close(resolve));
  return listening.every(Boolean);
}

/** A port at which nobody listens, by TCP or UDP, and which nobody will have by chance. Another one each time. */
export async function freePort() {
  const [least, most] = systemPorts > 24_000 ? [19_000, Math.min(systemPorts, 32_000)] : [40_000, 60_000];
  for (;;) {
    const port = randomInt(least, most);
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
}

/** Resolves when the child's output holds `text`; rejects with the output when it ends or takes too long. */
function awaitOutput(child, text) {
  return new Promise((resolve, reject) => {
    let output = '';
    const give = (why) => reject(new Error(`${why}; its output:\n${output}`));
    const timer = setTimeout(() => give(`no "${text}" in time`), patienceMs);
    const read = (chunk) => {
      output += chunk;
      if (!output.includes(text)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(timer);
      give(`ended with ${code}`);
    });
  });
}

/** Says so when the child ends though nobody asked it to: what fails then fails for that. */
function watchEnd(child, name) {
  let output = '';
  const keep = (chunk) => (output = (output + chunk).slice(-4000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.once('exit', (code, signal) => {
    if (!child.isStopped) console.error(`${name} ended by itself with ${code ?? signal}; its last words:\n${output}`);
  });
}

async function stopChild(child, signal) {
  child.isStopped = true;
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** `prefix`: what the server is started by, such as `ip netns exec NAME`. */
export async function startServer({ environment = {}, port, folder, prefix = [] } = {}) {
  const data = folder ?? mkdtempSync(join(tmpdir(), 'zvonok-e2e-'));
  const chosen = port ?? (await freePort());
  const [program, ...args] = [...prefix, binary, 'serve'];
  const child = spawn(program, args, {
    cwd: data,
    env: {
      PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
      SERVER_PORT: String(chosen),
      BIND_ADDRESS: '127.0.0.1',
      DATA_DIR: join(data, 'data'),
      WEB_ROOT: webRoot,
      ...environment,
    },
  });
  await awaitOutput(child, 'Backend running on port');
  watchEnd(child, 'the server');
  return {
    port: chosen,
    url: `http://localhost:${chosen}/`,
    folder: data,
    async stop(signal = 'SIGTERM') {
      await stopChild(child, signal);
    },
    async stopAndClean() {
      await stopChild(child, 'SIGTERM');
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Debian keeps the server's programs out of PATH, one folder a version. */
function postgresPrograms() {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  if (versions.length === 0) throw new Error('PostgreSQL is not installed');
  return join(base, versions[0], 'bin');
}

/** PostgreSQL refuses to run as root, so it then runs as the `postgres` user that its package made. */
function unprivileged() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export async function startPostgres() {
  const programs = postgresPrograms();
  const owner = unprivileged();
  const folder = mkdtempSync(join(tmpdir(), 'zvonok-pg-'));
  if (owner.uid !== undefined) execFileSync('chown', [`${owner.uid}:${owner.gid}`, folder]);
  chmodSync(folder, 0o700);
  const data = join(folder, 'db');
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'zvonok', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    { ...owner, cwd: folder, stdio: 'ignore' });
  const port = await freePort();
  const child = spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F'],
    { ...owner, cwd: folder });
  await awaitOutput(child, 'ready to accept connections');
  execFileSync(join(programs, 'createdb'), ['-h', folder, '-p', String(port), '-U', 'zvonok', 'zvonok'], { ...owner, cwd: folder });
  return {
    environment: { DATABASE_URL: `postgres://zvonok@127.0.0.1:${port}/zvonok?sslmode=disable` },
    async stop() {
      await stopChild(child, 'SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
