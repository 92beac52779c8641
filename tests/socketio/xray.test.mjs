// Calls through an external tunnel server: the whole way, from accept-call to a real v2ray server that `zvonok
// xray-config` has made safe, and a v2ray client with the configuration that the server sends.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { binary, freePort } from '../e2e/support/server.mjs';
import { until } from '../e2e/support/until.mjs';
import { acceptedCall, person, startCalls } from './support/calls.mjs';

let folder;
let echo;
let packets;
let doctorsPort;
let server;
let environment;
let external;
const children = [];

const opens = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket.destroy() && true));
    socket.on('error', () => resolve(false));
  });

async function startV2ray(name, config, port) {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, config, { mode: 0o600 });
  const child = spawn('v2ray', ['-config', path], { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  await until(`${name} of v2ray`, () => opens(port));
  return child;
}

async function stop(child) {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

const startExternal = async () => {
  const config = execFileSync(binary, ['xray-config'], { cwd: folder, env: { PATH: '/usr/bin:/bin', ...environment }, encoding: 'utf8' });
  external = await startV2ray('server', config, Number(environment.XRAY_API.split(':')[1]));
};

/** Whether the echo answers through a SOCKS proxy. */
function getsThrough(proxy, port) {
  return new Promise((resolve) => {
    const socket = net.connect(proxy, '127.0.0.1');
    const give = (answer) => (clearTimeout(timer), socket.destroy(), resolve(answer));
    const timer = setTimeout(() => give(false), 2000);
    let got = Buffer.alloc(0);
    let asked = false;
    socket.on('error', () => give(false)).on('close', () => give(false));
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (!asked && got.length >= 2) {
        asked = true;
        socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]));
        socket.write('hello');
      }
      if (got.length >= 17) give(got.subarray(12).toString() === 'hello');
    });
    socket.write(Buffer.from([5, 1, 0]));
  });
}

/** Sends so many bytes on a connection through the proxy and takes them all back from the echo. */
async function exchange(proxy, port, bytes) {
  const socket = net.connect(proxy, '127.0.0.1');
  try {
    socket.write(Buffer.from([5, 1, 0]));
    socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]));
    socket.write(Buffer.alloc(bytes, 'x'));
    let left = 2 + 10 + bytes;
    for await (const chunk of socket) {
      left -= chunk.length;
      if (left <= 0) return;
    }
    throw new Error(`the echo ended with ${left} bytes to come`);
  } finally {
    socket.destroy();
  }
}

/** Likewise datagrams, one after the other: each is sent when the one before has come back. */
async function exchangeDatagrams(proxy, port, count, bytes) {
  const control = net.connect(proxy, '127.0.0.1');
  const socket = dgram.createSocket('udp4');
  const answers = [];
  socket.on('message', (message) => answers.push(message.length));
  try {
    control.write(Buffer.from([5, 1, 0]));
    control.write(Buffer.from([5, 3, 0, 1, 0, 0, 0, 0, 0, 0]));
    let got = Buffer.alloc(0);
    control.on('data', (chunk) => {
      got = Buffer.concat([got, chunk]);
    });
    await until('the answer to UDP ASSOCIATE', () => got.length >= 12);
    const relay = got.readUInt16BE(10);
    const packet = Buffer.concat([Buffer.from([0, 0, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]), Buffer.alloc(bytes, 'y')]);
    for (let i = 1; i <= count; i += 1) {
      socket.send(packet, relay, '127.0.0.1');
      await until('a datagram to come back', () => answers.length >= i);
    }
    assert.deepEqual(answers, Array(count).fill(packet.length));
  } finally {
    socket.close();
    control.destroy();
  }
}

const environmentOfCommand = () => ({ PATH: '/usr/bin:/bin', ...environment, DATA_DIR: join(folder, 'data'), SERVER_PORT: doctorsPort });

async function startClient({ xrayConfig }) {
  const config = structuredClone(xrayConfig);
  const port = await freePort();
  config.inbounds[0].port = port;
  await startV2ray(`client-${port}`, JSON.stringify(config), port);
  return port;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zvonok-xray-'));
  echo = net.createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  packets = dgram.createSocket('udp4').on('message', (message, from) => packets.send(message, from.port, from.address));
  packets.bind(echo.address().port, '127.0.0.1');
  await once(packets, 'listening');
  environment = {
    VPN_PROVIDER: 'v2ray',
    VPN_SERVER: '127.0.0.1',
    VPN_PORT: String(await freePort()),
    XRAY_API: `127.0.0.1:${await freePort()}`,
    XRAY_MEDIA: `127.0.0.1:${echo.address().port}`,
    XRAY_TLS: 'false',
  };
  doctorsPort = String(await freePort());
  server = await startCalls(environment);
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server.stop();
  echo.close();
  packets.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an external tunnel server', { timeout: 90_000 }, () => {
  it('lets a call be refused, and said so, while it can not be reached', async () => {
    const [alice, bob] = await Promise.all([person(server, 'alice-x0'), person(server, 'bob-x0')]);
    alice.says('initiate-call', { calleeId: bob.user });
    const { callId } = await bob.hears('incoming-call');
    bob.says('accept-call', { callId });
    for (const one of [alice, bob]) {
      assert.deepEqual(await one.hears('call-error'), { message: 'Calls are not possible at the moment, try again', callId });
      assert.equal((await one.hears('call-hangup')).reason, 'vpn-failed');
      one.leave();
    }
  });

  it('lets both sides through while the call lasts, also after its restart', async () => {
    await startExternal();
    const [alice, bob] = await Promise.all([person(server, 'alice-x1'), person(server, 'bob-x1')]);
    const { callId, configs } = await acceptedCall(alice, bob);
    assert.equal(configs[0].peerEndpoint, environment.XRAY_MEDIA);
    assert.notEqual(JSON.stringify(configs[0].xrayConfig), JSON.stringify(configs[1].xrayConfig));
    const proxies = await Promise.all(configs.map(startClient));
    const port = echo.address().port;
    for (const proxy of proxies) assert.ok(await getsThrough(proxy, port));
    assert.equal(await getsThrough(proxies[0], server.port), false);

    await stop(external);
    await startExternal();
    await until('the users to be put back', () => getsThrough(proxies[0], port));

    alice.says('hangup', { callId });
    await bob.hears('call-hangup');
    for (const proxy of proxies) await until('the users to be removed', async () => !(await getsThrough(proxy, port)));
    alice.leave();
    bob.leave();
  });

  it('tells in the history what both sides have sent and got', async () => {
    const [alice, bob] = await Promise.all([person(server, 'alice-x2'), person(server, 'bob-x2')]);
    const { callId, configs } = await acceptedCall(alice, bob);
    const [atAlice, atBob] = await Promise.all(configs.map(startClient));
    const port = echo.address().port;
    await exchange(atAlice, port, 300_000);
    await exchange(atBob, port, 20_000);
    await exchangeDatagrams(atBob, port, 40, 1000);
    bob.says('hangup', { callId });
    await alice.hears('call-hangup');
    for (const viewer of [alice, bob]) {
      const latest = async () => (await server.api('GET', '/api/calls/history', viewer.user)).body.calls[0];
      await until('what was used to be in the history', async () => (await latest()).tunnel?.caller !== undefined);
      const { status, tunnel } = await latest();
      assert.equal(status, 'completed');
      assert.ok(tunnel.seconds >= 0);
      // No packets: the tunnel server does not count them.
      assert.deepEqual(tunnel.caller, { bytes_sent: 300_000, bytes_received: 300_000 });
      assert.deepEqual(tunnel.callee, { bytes_sent: 60_000, bytes_received: 60_000 });
      viewer.leave();
    }
    const metrics = await (await fetch(`${server.url}metrics`)).text();
    assert.match(metrics, /^zvonok_xray_calls_counted_total [1-9]/m);
    assert.match(metrics, /^zvonok_xray_calls_uncounted_total\{reason="no_answer"\} 0$/m);
  });

  it('is examined by the doctor, with what it lacks', async () => {
    const examine = () => spawnSync(binary, ['doctor'], { cwd: folder, env: environmentOfCommand(), encoding: 'utf8' }).stdout;
    assert.match(examine(), /^ok +the tunnel server counts what its users send and get$/m);
    await stop(external);
    const config = execFileSync(binary, ['xray-config'], { cwd: folder, env: environmentOfCommand(), encoding: 'utf8' });
    external = await startV2ray('server', config.replace(',"StatsService"', ''), Number(environment.XRAY_API.split(':')[1]));
    const report = examine();
    assert.match(report, /^ok +the API of the tunnel server .* has the inbound calls-in$/m);
    assert.match(report, /^warn +the tunnel server has no statistics: its API has no StatsService/m);
  });
});
