// Starts Xray or v2ray for a call in Node.js or Electron's main process, and cleans up after it.
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { atExit } from './last-will.js';
import type { RunningTunnel, StartTunnel, VpnConnectionConfig, XrayConfig } from '../tunnel/types.js';

export interface TunnelClientOptions {
  /** `xray`, `v2ray`, or a path. */
  readonly executable?: string;
  /** Its arguments, given the configuration file. */
  readonly args?: (configPath: string) => string[];
  /** Until its proxy takes connections. */
  readonly startTimeoutMs?: number;
  /** From being asked to end to being killed. */
  readonly stopTimeoutMs?: number;
}

const POLL_MS = 25;
/** For the last words of a client that has ended; one that was started by a script of yours may hold them open. */
const LAST_WORDS_MS = 200;

/** For `CallManager`'s `startTunnel`. */
export function tunnelClient(options: TunnelClientOptions = {}): StartTunnel {
  return (config, signal) => start(config, signal, options);
}

async function start(
  config: VpnConnectionConfig,
  signal: AbortSignal,
  options: TunnelClientOptions,
): Promise<RunningTunnel> {
  const xrayConfig = await adapt(config.xrayConfig);
  const port = xrayConfig.inbounds[0]?.port;
  if (port === undefined) throw new Error('the configuration has no inbound');
  signal.throwIfAborted();

  // The configuration lets its reader into the call: nobody else may read it, and it is gone once it was read.
  const folder = await mkdtemp(join(tmpdir(), 'zvonok-'));
  const path = join(folder, 'config.json');
  const forget = atExit(() => rmSync(folder, { recursive: true, force: true }));
  const cleanUp = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    forget();
  };
  try {
    await writeFile(path, JSON.stringify(xrayConfig, null, 2), { mode: 0o600 });
    signal.throwIfAborted();
    const args = options.args?.(path) ?? ['-config', path];
    const child = spawn(options.executable ?? 'xray', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const client = new Client(child, port, options.stopTimeoutMs ?? 2000);
    try {
      await client.listening(options.startTimeoutMs ?? 10_000, signal);
    } catch (error) {
      await client.stop();
      throw error;
    }
    return client;
  } finally {
    await cleanUp();
  }
}

/** What starts everywhere: current Xray refuses a text as `version`. A port that is taken gives way to a free one. */
async function adapt(config: XrayConfig): Promise<XrayConfig> {
  const { version: _, ...copy } = structuredClone(config);
  const inbound = copy.inbounds[0];
  if (inbound) inbound.port = (await isFree(inbound.port)) ? inbound.port : await freePort();
  return copy;
}

function listenOnce(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : null));
    });
  });
}

const isFree = async (port: number): Promise<boolean> => (await listenOnce(port)) !== null;

async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === null) throw new Error('no free port for the proxy');
  return port;
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

class Client implements RunningTunnel {
  readonly proxy: { readonly host: string; readonly port: number };
  private readonly child: ChildProcess;
  private readonly stopTimeoutMs: number;
  private readonly exited: Promise<string>;
  private ended = false;
  private stopping = false;
  private errors = '';

  constructor(child: ChildProcess, port: number, stopTimeoutMs: number) {
    this.child = child;
    this.stopTimeoutMs = stopTimeoutMs;
    this.proxy = { host: '127.0.0.1', port };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors = (this.errors + text).slice(-500);
    });
    this.exited = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.ended = true;
        resolve(this.errors === '' ? reason : `${reason}: ${this.errors.trim()}`);
      };
      const why = (code: number | null, by: string | null): string => (by ? `ended by ${by}` : `ended with code ${code}`);
      child.once('error', (error) => end(error.message));
      child.once('close', (code, by) => end(why(code, by)));
      child.once('exit', (code, by) => setTimeout(() => end(why(code, by)), LAST_WORDS_MS).unref());
    });
    const forget = atExit(() => child.kill('SIGKILL'));
    void this.exited.then(forget);
  }

  async listening(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!this.ended) {
      signal.throwIfAborted();
      if (await takesConnections(this.proxy.port)) return;
      if (performance.now() > end) throw new Error(`its proxy was not there within ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(await this.exited);
  }

  onExit(listener: (reason: string) => void): void {
    void this.exited.then((reason) => {
      if (!this.stopping) listener(reason);
    });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.ended) return;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), this.stopTimeoutMs);
    await this.exited;
    clearTimeout(timer);
  }
}
