// Network namespaces: a server, and clients that reach one TCP port of it and nothing else in the world, not even each other.
// Wants root, as `ip netns` does.
import { execFileSync, spawn } from 'node:child_process';

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } }).toString();

/**
 * `server.address` is where the test itself reaches the server; `clients[i].server` is where that client does, on `port`.
 * `prefix` of each is what a program is started by.
 */
export function makeNamespaces(count, port) {
  const id = process.pid % 10_000;
  const made = [];
  const namespace = (name) => {
    ip('netns', 'add', name);
    made.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return { name, prefix: ['ip', 'netns', 'exec', name] };
  };
  const remove = () => {
    for (const name of made.splice(0)) ip('netns', 'del', name); // its ends of the wires go with it
  };
  process.once('exit', remove);
  const server = namespace(`zv${id}s`);
  /** A wire between the server and somebody (undefined: the test): the server's end is .1, the other .2. */
  const wire = (number, other) => {
    const [near, far] = [`zv${id}n${number}`, `zv${id}f${number}`];
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far);
    ip('link', 'set', near, 'netns', server.name);
    ip('-n', server.name, 'addr', 'add', `10.213.${number}.1/30`, 'dev', near);
    ip('-n', server.name, 'link', 'set', near, 'up');
    const within = other === undefined ? [] : ['-n', other.name];
    if (other !== undefined) ip('link', 'set', far, 'netns', other.name);
    ip(...within, 'addr', 'add', `10.213.${number}.2/30`, 'dev', far);
    ip(...within, 'link', 'set', far, 'up');
    return `10.213.${number}.1`;
  };
  server.address = wire(0);
  const clients = Array.from({ length: count }, (_, index) => {
    const client = namespace(`zv${id}c${index}`);
    client.server = wire(index + 1, client);
    // After what is local: one port by TCP, and the rest is not there.
    ip('-n', client.name, 'rule', 'add', 'pref', '10', 'ipproto', 'tcp', 'dport', String(port), 'lookup', 'main');
    ip('-n', client.name, 'rule', 'add', 'pref', '20', 'unreachable');
    return client;
  });
  return { server, clients, remove };
}

const children = new Set();
process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')));

/** Runs a program in a namespace to its end: `{ code, stdout, stderr }`; `child` to talk to it meanwhile. */
export function runIn({ prefix }, program, args, options = {}) {
  const [first, ...rest] = [...prefix, program, ...args];
  const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  children.add(child);
  child.once('close', () => children.delete(child));
  const run = { child, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (run.stdout += chunk));
  child.stderr.on('data', (chunk) => (run.stderr += chunk));
  run.ended = new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout: run.stdout, stderr: run.stderr })));
  return run;
}
