// The echo server as a process, on a port of its own. SOCKETIO_ECHO names another binary.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { after, before } from 'node:test';

const binary = process.env.SOCKETIO_ECHO ?? fileURLToPath(new URL('../../../build/socketio_echo', import.meta.url));

async function startEcho(flags) {
  const args = Object.entries({ port: 0, ...flags }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    if (output.includes('\n')) break;
  }
  const port = Number(/port (\d+)/.exec(output)?.[1]);
  if (!port) throw new Error(`the echo server said: ${output}`);
  return { child, port };
}

/** Starts a server before the tests of a suite; `server.port`, `server.url` and `server.wsUrl` hold within them. */
export function useEcho(flags = {}) {
  const server = {};
  before(async () => {
    const { child, port } = await startEcho(flags);
    Object.assign(server, { child, port, url: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` });
  });
  after(async () => {
    if (server.child === undefined) return;
    const exited = once(server.child, 'exit');
    server.child.kill('SIGTERM');
    const [code] = await exited;
    if (code !== 0) throw new Error(`the echo server ended with ${code}`);
  });
  return server;
}
