// The launcher of tunnel clients, with small programs in the place of Xray.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { tunnelClient, type TunnelClientOptions } from '../src/tunnel-node/start-tunnel.js';
import type { RunningTunnel, VpnConnectionConfig } from '../src/tunnel/types.js';

// Copies what it was given, listens like a proxy, and ends as told.
const CLIENT = `
const fs = require('node:fs');
const [path, report, how] = process.argv.slice(2);
const config = JSON.parse(fs.readFileSync(path, 'utf8'));
fs.writeFileSync(report, JSON.stringify({ config, path, mode: fs.statSync(path).mode & 0o777, pid: process.pid }));
if (how === 'fails') { console.error('bad config'); process.exit(23); }
if (how === 'deaf') setInterval(() => {}, 1000);
else require('node:net').createServer((s) => s.destroy()).listen(config.inbounds[0].port, '127.0.0.1');
if (how === 'stubborn') process.on('SIGTERM', () => {});
`;

let folder: string;
let report: string;
let running: RunningTunnel[];
let taken: Server | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zvonok-test-'));
  report = join(folder, 'report.json');
  running = [];
  taken = null;
  await writeFile(join(folder, 'client.cjs'), CLIENT);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const tunnel of running) await tunnel.stop();
  taken?.close();
  await rm(folder, { recursive: true, force: true });
});

function options(how: string, more: TunnelClientOptions = {}): TunnelClientOptions {
  const args = (path: string): string[] => [join(folder, 'client.cjs'), path, report, how];
  return { executable: process.execPath, args, ...more };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const config = (port: number): VpnConnectionConfig => ({
  callId: 'c-1',
  vpnServer: 'vpn.example.org',
  vpnPort: 443,
  encryptionKey: 'a2V5',
  version: '1.0',
  xrayConfig: {
    version: '1.0',
    log: { loglevel: 'warning' },
    inbounds: [{ listen: '127.0.0.1', port, protocol: 'socks', settings: { udp: true } }],
    outbounds: [{ protocol: 'vless', settings: {} }],
  },
});

async function start(how: string, port: number, more: TunnelClientOptions = {}): Promise<RunningTunnel> {
  const tunnel = await tunnelClient(options(how, more))(config(port), new AbortController().signal);
  running.push(tunnel);
  return tunnel;
}

interface Report {
  config: { version?: string; inbounds: { port: number }[] };
  path: string;
  mode: number;
  pid: number;
}
const LIFE = `
import { tunnelClient } from './sdk.mjs';
const [config, options, how] = process.argv.slice(2).map((text) => JSON.parse(text));
const args = (path) => [...options.args, path, options.report, how.client];
if (how.polite) {
  const emitter = (globalThis[Symbol.for('signal-exit emitter')] = { count: 1 });
  const listener = () => {
    if (process.listeners('SIGTERM').length !== emitter.count) return;
    process.off('SIGTERM', listener);
    process.kill(process.pid, 'SIGTERM');
  };
  process.on('SIGTERM', listener);
}
if (how.own) process.on('SIGTERM', () => console.log('heard'));
tunnelClient({ executable: process.execPath, args })(config, new AbortController().signal).then((tunnel) => {
  console.log('up');
  if (how.exits) process.exit(3);
  if (how.throws) throw new Error('a bug');
});
console.log('begun');
`;

interface Life {
  readonly client: string;
  readonly exits?: boolean;
  readonly throws?: boolean;
  readonly own?: boolean;
  readonly polite?: boolean;
}

/** A process of its own that starts a tunnel. */
async function live(how: Life) {
  await build({ entryPoints: [new URL('../src/tunnel-node/index.ts', import.meta.url).pathname], bundle: true, platform: 'node', format: 'esm', outfile: join(folder, 'sdk.mjs') });
  await writeFile(join(folder, 'life.mjs'), LIFE);
  const given = [config(await freePort()), { args: [join(folder, 'client.cjs')], report }, how].map((one) => JSON.stringify(one));
  const child = spawn(process.execPath, [join(folder, 'life.mjs'), ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder },
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<string>((resolve) => child.once('close', (code, signal) => resolve(signal ?? `code ${code}`)));
  const hears = (text: string) => vi.waitFor(() => expect(said).toContain(text), { timeout: 10_000 });
  return { child, ended, hears };
}

const leftFolders = () => readdirSync(folder).filter((name) => name.startsWith('zvonok-'));
const isGone = async () => {
  const { pid } = await reported();
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5000 });
};

const reported = async (): Promise<Report> => JSON.parse(await readFile(report, 'utf8')) as Report;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('tunnelClient', () => {
  it('starts the client with a configuration that only it can read, and removes that', async () => {
    const port = await freePort();
    const tunnel = await start('works', port);
    expect(tunnel.proxy).toEqual({ host: '127.0.0.1', port });
    const { config: given, mode, path, pid } = await reported();
    expect(given.version).toBeUndefined();
    expect(mode).toBe(0o600);
    expect(existsSync(path)).toBe(false);
    await new Promise<void>((resolve, reject) => connect(port, '127.0.0.1', resolve).once('error', reject).unref());
    await tunnel.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it('takes another port when the usual one is taken', async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken!.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const tunnel = await start('works', port);
    expect(tunnel.proxy.port).not.toBe(port);
    expect((await reported()).config.inbounds[0]!.port).toBe(tunnel.proxy.port);
  });

  it('says what the client said when it fails', async () => {
    await expect(start('fails', await freePort())).rejects.toThrow('ended with code 23: bad config');
  });

  it('says that there is no such program', async () => {
    await expect(start('works', await freePort(), { executable: join(folder, 'none') })).rejects.toThrow('ENOENT');
  });

  it('gives up on a client that does not listen, and stops it', async () => {
    await expect(start('deaf', await freePort(), { startTimeoutMs: 3000 })).rejects.toThrow('within 3000 ms');
    expect(isAlive((await reported()).pid)).toBe(false);
  });

  it('stops what it started when the call is over meanwhile', async () => {
    const abort = new AbortController();
    const starting = tunnelClient(options('deaf'))(config(await freePort()), abort.signal);
    while (!existsSync(report) || (await stat(report)).size === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    abort.abort();
    await expect(starting).rejects.toThrow();
    expect(isAlive((await reported()).pid)).toBe(false);
  });

  it('kills a client that does not end', async () => {
    const tunnel = await start('stubborn', await freePort(), { stopTimeoutMs: 100 });
    await tunnel.stop();
    expect(isAlive((await reported()).pid)).toBe(false);
  });

  it('tells of a client that ends by itself, and not of one that is stopped', async () => {
    const told: string[] = [];
    const first = await start('works', await freePort());
    const ended = new Promise<void>((resolve) => first.onExit!((reason) => resolve(void told.push(reason))));
    process.kill((await reported()).pid, 'SIGKILL');
    await ended;
    expect(told).toEqual(['ended by SIGKILL']);
    const second = await start('works', await freePort());
    second.onExit!((reason) => told.push(reason));
    await second.stop();
    expect(told).toHaveLength(1);
  });

  it('leaves no folder behind', async () => {
    vi.stubEnv('TMPDIR', folder); // others leave theirs where everybody does
    await (await start('works', await freePort())).stop();
    await start('fails', await freePort()).catch(() => {});
    expect((await reported()).path.startsWith(folder)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('zvonok-'))).toEqual([]);
  });

  it('does not wait for what a script of yours has left running', async () => {
    const script = join(folder, 'wrapper.sh');
    await writeFile(script, `#!/bin/sh\n"${process.execPath}" "$@"\n`, { mode: 0o755 });
    const tunnel = await start('works', await freePort(), { executable: script });
    await tunnel.stop();
    process.kill((await reported()).pid, 'SIGKILL');
  });
});

describe('a process that ends', () => {
  it.each<[string, NodeJS.Signals]>([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGINT'],
    ['SIGHUP', 'SIGHUP'],
  ])('by %s takes its tunnel client along', async (_name, signal) => {
    const { child, ended, hears } = await live({ client: 'stubborn' });
    await hears('up');
    child.kill(signal);
    expect(await ended).toBe(signal);
    await isGone();
    expect(leftFolders()).toEqual([]);
  });

  it.each<[string, Life, string]>([
    ['by process.exit', { client: 'stubborn', exits: true }, 'code 3'],
    ['by an error', { client: 'stubborn', throws: true }, 'code 1'],
  ])('%s as well', async (_name, how, end) => {
    const { ended } = await live(how);
    expect(await ended).toBe(end);
    await isGone();
    expect(leftFolders()).toEqual([]);
  });

  it('while the client is starting leaves no configuration behind', async () => {
    const { child, ended } = await live({ client: 'deaf' });
    await vi.waitFor(() => expect(existsSync(report) && readdirSync(folder).some((name) => name.startsWith('zvonok-'))).toBe(true), { timeout: 10_000 });
    child.kill('SIGTERM');
    expect(await ended).toBe('SIGTERM');
    await isGone();
    expect(leftFolders()).toEqual([]);
  });

  it('ends beside listeners that end the process only when they are alone, as signal-exit does', async () => {
    const { child, ended, hears } = await live({ client: 'works', polite: true });
    await hears('up');
    child.kill('SIGTERM');
    expect(await ended).toBe('SIGTERM');
    await isGone();
  });

  it('leaves signals to whoever listens to them', async () => {
    const { child, ended, hears } = await live({ client: 'works', own: true });
    await hears('up');
    child.kill('SIGTERM');
    await hears('heard');
    expect(isAlive((await reported()).pid)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    process.kill((await reported()).pid, 'SIGKILL');
  });
});
