// Calls through an external tunnel server: the whole way, from accept-call to a real v2ray server that `zvonok
// xray-config` has made safe, and a v2ray client with the configuration that the server sends.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
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
  environment = {
    VPN_PROVIDER: 'v2ray',
    VPN_SERVER: '127.0.0.1',
    VPN_PORT: String(await freePort()),
    XRAY_API: `127.0.0.1:${await freePort()}`,
    XRAY_MEDIA: `127.0.0.1:${echo.address().port}`,
    XRAY_TLS: 'false',
  };
  server = await startCalls(environment);
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server.stop();
  echo.close();
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
});
