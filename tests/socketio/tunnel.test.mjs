// The embedded tunnel with a real client (Debian's v2ray), started with the very configuration that the server sends: what
// reaches the other side, what does not, and what is left at the end of the call.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import WebSocket from 'ws';

import { freePort } from '../e2e/support/server.mjs';
import { until } from '../e2e/support/until.mjs';
import { acceptedCall, person, startCalls } from './support/calls.mjs';

let server;
let folder;
let calls = 0;
const children = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zvonok-tunnel-'));
  server = await startCalls();
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const opens = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket.destroy() && true));
    socket.on('error', () => resolve(false));
  });

/** v2ray with that configuration, as it came but for the port; resolves to the port of its proxy. */
async function startClient(xrayConfig, change = () => {}) {
  const config = structuredClone(xrayConfig);
  const port = await freePort();
  config.inbounds[0].port = port;
  change(config);
  const path = join(folder, `${port}.json`);
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  const child = spawn('v2ray', ['-config', path], { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  await until('the proxy of v2ray', () => opens(port));
  return port;
}

/** A TCP connection by SOCKS 5. */
async function dial(proxy, [host, port]) {
  const socket = net.connect(proxy, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(Buffer.from([5, 1, 0]));
  await once(socket, 'data');
  socket.write(Buffer.from([5, 1, 0, 1, ...host.split('.').map(Number), port >> 8, port & 255]));
  await once(socket, 'data');
  return socket;
}

/** UDP by SOCKS 5's association. */
async function associate(proxy) {
  const control = net.connect(proxy, '127.0.0.1');
  control.write(Buffer.from([5, 1, 0]));
  await once(control, 'data');
  control.write(Buffer.from([5, 3, 0, 1, 0, 0, 0, 0, 0, 0]));
  const [answer] = await once(control, 'data');
  const relay = answer.readUInt16BE(8);
  const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const got = [];
  udp.on('message', (message) => {
    got.push({ from: `${[...message.subarray(4, 8)].join('.')}:${message.readUInt16BE(8)}`, text: message.subarray(10).toString() });
  });
  return {
    got,
    send: (text, [host, port]) =>
      udp.send(Buffer.concat([Buffer.from([0, 0, 0, 1, ...host.split('.').map(Number), port >> 8, port & 255]), Buffer.from(text)]), relay, '127.0.0.1'),
    close: () => (udp.close(), control.destroy()),
  };
}

async function tunnelledCall(change) {
  calls += 1;
  const [alice, bob] = await Promise.all([person(server, `alice-t${calls}`), person(server, `bob-t${calls}`)]);
  const { callId, configs } = await acceptedCall(alice, bob);
  const proxies = await Promise.all(configs.map(({ xrayConfig }) => startClient(xrayConfig, change)));
  const [host, port] = configs[0].peerEndpoint.split(':');
  return { alice, bob, callId, configs, proxies, peer: [host, Number(port)] };
}

const metric = async (line) => {
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  return Number(text.split('\n').find((one) => one.startsWith(`${line} `))?.split(' ')[1]);
};

for (const mux of [false, true]) {
  describe(`a call through v2ray${mux ? ' with Mux' : ''}`, { timeout: 60_000 }, () => {
    const change = (config) => {
      if (mux) config.outbounds[0].mux = { enabled: true, concurrency: 8 };
    };

    it('carries TCP and UDP to the other side, and nothing to anywhere else', async () => {
      const { alice, bob, callId, proxies, peer } = await tunnelledCall(change);
      const [hers, his] = await Promise.all(proxies.map((proxy) => dial(proxy, peer)));
      his.write('here'); // so that his end is there: what comes for nobody is kept up to a limit
      assert.equal((await once(hers, 'data'))[0].toString(), 'here');
      const big = Buffer.alloc(300_000, 'zvonok ');
      let received = Buffer.alloc(0);
      his.on('data', (chunk) => (received = Buffer.concat([received, chunk])));
      hers.write(big);
      await until('all bytes', () => received.length >= big.length);
      assert.ok(received.equals(big));
      his.write('and back');
      assert.equal((await once(hers, 'data'))[0].toString(), 'and back');

      const [from, to] = await Promise.all(proxies.map(associate));
      await until('the first datagrams', () => {
        if (from.got.length === 0) to.send('here', peer);
        if (to.got.length === 0) from.send('there', peer);
        return from.got.length > 0 && to.got.length > 0;
      });
      const texts = [...Array(40).keys()].map((i) => [`a${i} ${'x'.repeat(1100)}`, `b${i}`]);
      for (const [hers, his] of texts) {
        from.send(hers, peer);
        to.send(his, peer);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      // A datagram that has waited for long on a busy machine is dropped: it is said again.
      await until('the others', () => {
        const missing = texts.map(([hers, his]) => [!to.got.some(({ text }) => text === hers), !from.got.some(({ text }) => text === his)]);
        missing.forEach(([atHis, atHers], i) => {
          if (atHis) from.send(texts[i][0], peer);
          if (atHers) to.send(texts[i][1], peer);
        });
        return { done: missing.flat().every((each) => !each), counts: [from.got.length, to.got.length] };
      });
      assert.equal(from.got[0].text, 'here');
      for (const one of [from, to]) assert.deepEqual([...new Set(one.got.map((each) => each.from))], [peer.join(':')]);

      // Somebody who must not be reached: a service on this machine.
      const outside = dgram.createSocket('udp4').bind(0, '127.0.0.1');
      await once(outside, 'listening');
      let reached = 0;
      outside.on('message', () => (reached += 1));
      const service = net.createServer(() => (reached += 1)).listen(0, '127.0.0.1');
      await once(service, 'listening');
      from.send('forbidden', ['127.0.0.1', outside.address().port]);
      const forbidden = await dial(proxies[0], ['127.0.0.1', service.address().port]);
      forbidden.write('forbidden');
      await until('the refusals', async () => (await metric('zvonok_tunnel_dropped_total{reason="foreign"}')) + (await metric('zvonok_tunnel_dropped_total{reason="session_foreign"}')) + (await metric('zvonok_tunnel_streams_refused_total{reason="foreign"}')) >= 2);
      assert.equal(reached, 0);
      outside.close();
      service.close();
      forbidden.destroy();

      const ended = once(hers, 'close');
      const cut = () => metric('zvonok_tunnel_streams_ended_total{reason="call_ended"}');
      const cutBefore = await cut();
      const before = performance.now();
      bob.says('hangup', { callId });
      await alice.hears('call-hangup');
      await until('the cut', async () => (await cut()) > cutBefore);
      assert.ok(performance.now() - before < 1000, 'cut within a second');
      await ended; // v2ray may take its time to tell
      const late = await dial(proxies[0], peer);
      await once(late, 'close'); // the key is good no more
      from.close();
      to.close();
      alice.leave();
      bob.leave();
    });
  });
}

describe('the tunnel', { timeout: 60_000 }, () => {
  it('answers wrong keys, nonsense and silence alike: with nothing, and the end after a while', async () => {
    const uuid = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
    const request = (id, version = 0) => Buffer.concat([Buffer.from([version]), id, Buffer.from([0, 1, 0x27, 0x10, 1, 198, 18, 0, 1])]);
    const says = { 'a wrong key': request(uuid), 'another version': request(uuid, 1), nonsense: Buffer.from('GET / HTTP/1.1\r\n\r\n'), silence: null };
    await Promise.all(
      Object.entries(says).map(async ([name, bytes]) => {
        const socket = new WebSocket(`ws://127.0.0.1:${server.port}/call`);
        let heard = 0;
        socket.on('message', () => (heard += 1));
        const before = performance.now();
        await once(socket, 'open');
        if (bytes) socket.send(bytes);
        const [code] = await once(socket, 'close');
        const seconds = (performance.now() - before) / 1000;
        assert.equal(heard, 0, name);
        assert.equal(code, 1000, name);
        assert.ok(seconds > 3.9 && seconds < 20, `${name}: ${seconds} s`);
      }),
    );
  });

  it('is a web site to everybody else', async () => {
    const url = `http://127.0.0.1:${server.port}`;
    const [call, other] = await Promise.all([fetch(`${url}/call`), fetch(`${url}/no-such-page`)]);
    assert.equal(call.status, other.status);
    const page = async (response) => (await response.text()).replace(/"request_id":"[^"]*"/, '');
    assert.equal(await page(call), await page(other));
  });

  it('takes early data, and answers with it', async () => {
    calls += 1;
    const [alice, bob] = await Promise.all([person(server, `alice-t${calls}`), person(server, `bob-t${calls}`)]);
    const { callId, configs } = await acceptedCall(alice, bob);
    const { id } = configs[0].xrayConfig.outbounds[0].settings.vnext[0].users[0];
    const [host, port] = configs[0].peerEndpoint.split(':');
    const request = Buffer.concat([
      Buffer.from([0]),
      Buffer.from(id.replaceAll('-', ''), 'hex'),
      Buffer.from([0, 2, Number(port) >> 8, Number(port) & 255, 1, ...host.split('.').map(Number)]),
    ]);
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/call`, request.toString('base64url'));
    const [answer] = await once(socket, 'message');
    assert.equal(socket.protocol, request.toString('base64url'));
    assert.deepEqual([...answer.subarray(0, 2)], [0, 0]);
    const closed = once(socket, 'close');
    alice.says('hangup', { callId });
    await closed;
    alice.leave();
    bob.leave();
  });
});
