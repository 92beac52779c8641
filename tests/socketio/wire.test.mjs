// What no library does by itself, but clients, proxies and probes do: HTTP and WebSockets by hand.
import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import WebSocket from 'ws';

import { openPolling, openSocket, request, tcp } from './support/raw.mjs';
import { useEcho } from './support/server.mjs';

const error = (code, message) => JSON.stringify({ code, message });

describe('Engine.IO by hand', { timeout: 120_000 }, () => {
  const server = useEcho({ 'ping-interval': 10_000, 'ping-timeout': 10_000 });
  const websocketPath = '/engine.io/?EIO=4&transport=websocket';

  it('answers polls as plain text that nobody keeps', async () => {
    const { headers } = await request(server, '/engine.io/?EIO=4&transport=polling');
    assert.equal(headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['access-control-allow-origin'], '*');
  });

  it('names its errors, and lets pages of other origins read them', async () => {
    for (const [query, body] of [
      ['EIO=4', error(0, 'Transport unknown')],
      ['EIO=4&transport=polling&sid=x', error(1, 'Session ID unknown')],
      ['EIO=4&transport=websocket', error(3, 'Bad request')],
      ['EIO=3&transport=polling', error(5, 'Unsupported protocol version')],
    ]) {
      const answer = await request(server, `/engine.io/?${query}`, { headers: { Origin: 'https://chat.example.org' } });
      assert.equal(answer.status, 400);
      assert.equal(answer.body, body);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['access-control-allow-origin'], '*');
    }
  });

  it('answers a preflight', async () => {
    const { status, headers, body } = await request(server, '/engine.io/?EIO=4&transport=polling', {
      method: 'OPTIONS',
      headers: { Origin: 'https://chat.example.org', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization,x-own' },
    });
    assert.equal(status, 204);
    assert.equal(body, '');
    assert.match(headers['access-control-allow-methods'], /POST/);
    assert.equal(headers['access-control-allow-headers'], 'authorization,x-own');
  });

  it('takes the path without its slash, too', async () => {
    assert.equal((await request(server, '/engine.io?EIO=4&transport=polling')).status, 200);
    assert.equal((await request(server, '/engine.iox/?EIO=4&transport=polling')).status, 404);
  });

  it('sees that a client dropped its poll', async () => {
    const session = await openPolling(server);
    const dropped = await tcp(server, `GET ${session.path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await session.post('4first').then(() => dropped.until(/4first/));
    dropped.socket.end(`GET ${session.path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await dropped.ended;
    let answer = await session.post('4x');
    for (let i = 0; i < 50 && answer.status === 200; i += 1) answer = await session.post('4x');
    assert.equal(answer.body, error(1, 'Session ID unknown'));
  });

  it('sees that a client reset its poll', async () => {
    const session = await openPolling(server);
    // A reset would take a poll along that has not been read yet: the second has, once the first is answered.
    const poll = `GET ${session.path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const dropped = await tcp(server, poll + poll);
    await session.post('4first').then(() => dropped.until(/4first/));
    dropped.socket.resetAndDestroy();
    let answer = await session.post('4x');
    for (let i = 0; i < 50 && answer.status === 200; i += 1) answer = await session.post('4x');
    assert.equal(answer.body, error(1, 'Session ID unknown'));
  });

  it('answers pipelined requests in order, also behind a waiting poll', async () => {
    const session = await openPolling(server);
    const poll = `GET ${session.path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const client = await tcp(server, poll + poll);
    await session.post('4one');
    await client.until(/4one/);
    await session.post('4two');
    await client.until(/4two/);
    client.socket.destroy();
  });

  it('takes chunked bodies, characters cut in two, and keeps the connection', async () => {
    const session = await openPolling(server);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const text = Buffer.from('4€uro');
    const client = await tcp(server, `POST ${session.path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n`);
    client.socket.write(text.subarray(0, 2));
    client.socket.write(`\r\n${(text.length - 2).toString(16)}\r\n`);
    await pause(20); // a segment of its own
    client.socket.write(text.subarray(2));
    client.socket.write('\r\n0\r\n\r\n');
    await client.until(/ok$/);
    assert.match(client.received(), /^HTTP\/1.1 200/);
    assert.equal((await session.poll({ agent })).body, '4€uro');
    assert.equal((await session.post('4again', { agent })).body, 'ok');
    assert.equal((await session.poll({ agent })).body, '4again');
    client.socket.destroy();
    agent.destroy();
  });

  it('takes exactly the bytes it promised, and no more', async () => {
    const session = await openPolling(server);
    const most = `4${'x'.repeat(999_999)}`;
    assert.equal((await session.post(most)).body, 'ok');
    assert.equal((await session.poll()).body, most);
    const refused = await session.post(`${most}x`);
    assert.equal(refused.status, 413);
    assert.equal(refused.headers['access-control-allow-origin'], '*', 'a page of another origin can read it');
    assert.equal((await session.post('4still')).body, 'ok', 'the session goes on');
    assert.equal((await session.poll()).body, '4still');
  });

  it('refuses a chunked body as soon as it is too long', async () => {
    const session = await openPolling(server);
    const client = await tcp(server, `POST ${session.path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let i = 0; i < 17; i += 1) client.socket.write(chunk);
    await client.until(/^HTTP\/1.1 413[^]*\r\nAccess-Control-Allow-Origin: \*\r\n/);
    client.socket.destroy();
    assert.equal((await session.post('4still')).body, 'ok');
  });

  it('ends a session that has two POSTs under way', async () => {
    const session = await openPolling(server);
    const slow = await tcp(server, `POST ${session.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4`);
    let answer = await session.post('4x');
    for (let i = 0; i < 50 && answer.status === 200; i += 1) answer = await session.post('4x'); // overtook the first
    assert.equal(answer.status, 400);
    assert.equal((await session.poll()).status, 400);
    slow.socket.destroy();
  });

  it('ends a session whose POST is broken off', async () => {
    const session = await openPolling(server);
    const poll = session.poll();
    const slow = await tcp(server);
    slow.socket.end(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4`);
    assert.equal((await poll).body, '1');
    assert.equal((await session.poll()).status, 400);
  });

  it('answers a POST that says it is binary', async () => {
    const session = await openPolling(server);
    assert.equal((await session.post('4x', { headers: { 'Content-Type': 'application/octet-stream' } })).status, 400);
    assert.equal((await session.poll()).status, 400);
  });

  it('joins fragments, also around control frames', async () => {
    const client = openSocket(server, websocketPath);
    await client.next();
    client.socket.send('4hel', { fin: false });
    client.socket.ping();
    client.socket.send('lo ', { fin: false });
    client.socket.send('€', { fin: true });
    assert.equal(await client.next(), '4hello €');
    client.close();
  });

  it('closes a WebSocket for what RFC 6455 says, and only that one', async () => {
    const other = openSocket(server, websocketPath);
    await other.next();
    const large = openSocket(server, websocketPath);
    await large.next();
    large.send(`4${'x'.repeat(1_000_000)}`);
    assert.equal(await large.ended, 1009);
    const broken = openSocket(server, websocketPath);
    await broken.next();
    broken.socket.send(Buffer.from([0x34, 0xff]), { binary: false });
    assert.equal(await broken.ended, 1007);
    const unmasked = openSocket(server, websocketPath);
    await unmasked.next();
    unmasked.socket.send('4x', { mask: false });
    assert.equal(await unmasked.ended, 1002);
    other.send('4here');
    assert.equal(await other.next(), '4here');
    other.send(`4${'x'.repeat(999_999)}`);
    assert.equal((await other.next()).length, 1_000_000);
    other.close();
  });

  it('refuses WebSockets with wrong parameters before they open', async () => {
    for (const query of ['transport=websocket', 'EIO=4', 'EIO=4&transport=abc', 'EIO=4&transport=polling', 'EIO=4&transport=websocket&sid=x']) {
      const client = openSocket(server, `/engine.io/?${query}`);
      client.opened.catch(() => {});
      const status = await new Promise((resolve) => {
        client.socket.on('unexpected-response', (_, response) => {
          assert.equal(response.headers.connection, 'close');
          resolve(response.statusCode);
          response.resume();
        });
      });
      assert.equal(status, 400, query);
      client.socket.terminate();
    }
  });

  it('releases the poll that waits, and the next one, while it upgrades', async () => {
    const session = await openPolling(server);
    const waiting = session.poll();
    const client = openSocket(server, `${websocketPath}&sid=${session.sid}`);
    await client.opened;
    client.send('2probe');
    assert.equal(await client.next(), '3probe');
    assert.equal((await waiting).body, '6');
    const started = performance.now();
    assert.equal((await session.poll()).body, '6');
    assert.ok(performance.now() - started < 8000, 'not at the next ping');
    client.send('5');
    client.send('4hello');
    assert.equal(await client.next(), '4hello');
    assert.equal((await session.poll()).status, 400);
    const second = openSocket(server, `${websocketPath}&sid=${session.sid}`);
    assert.equal(typeof (await second.ended), 'number');
    client.send('4still');
    assert.equal(await client.next(), '4still');
    client.close();
  });

  it('survives a WebSocket that is reset in the middle of its upgrade', async () => {
    const session = await openPolling(server);
    const client = openSocket(server, `${websocketPath}&sid=${session.sid}`);
    await client.opened;
    client.send('2probe');
    await client.next();
    client.socket._socket.resetAndDestroy();
    await client.ended;
    assert.equal((await session.post('4x')).body, 'ok');
    let body = '6';
    while (body === '6') ({ body } = await session.poll());
    assert.equal(body, '4x');
  });

  it('does not take the old protocol for a WebSocket either', async () => {
    const socket = new WebSocket(`${server.wsUrl}/engine.io/?EIO=3&transport=websocket`);
    const [failure] = await new Promise((resolve) => {
      socket.on('error', (...args) => resolve(args));
    });
    assert.match(failure.message, /400/);
  });
});

describe('Engine.IO heartbeats by hand', { timeout: 120_000 }, () => {
  const server = useEcho({ 'ping-timeout': 2000 }); // the machine may be busy; the exact times are unit tests

  it('ends an abandoned session at interval and timeout', async () => {
    const asked = performance.now(); // the server's clock begins between this and the answer
    const session = await openPolling(server);
    const waiting = session.poll();
    assert.equal((await waiting).body, '2');
    const last = await session.poll();
    const lived = performance.now() - asked;
    assert.equal(last.body, '1');
    assert.ok(lived >= 2250 && lived < 20_000, `${lived} ms`);
  });

  it('pings on a WebSocket, and sends no WebSocket pings', async () => {
    const client = openSocket(server, '/engine.io/?EIO=4&transport=websocket');
    client.socket.on('ping', () => assert.fail('a WebSocket ping'));
    await client.next();
    for (let i = 0; i < 4; i += 1) {
      assert.equal(await client.next(), '2');
      client.send('3');
    }
    assert.equal(await client.next(), '2');
    assert.equal(await client.next(), undefined, 'without a pong it is closed');
  });

  it('closes who joins no namespace', async () => {
    const slow = openSocket(server, '/socket.io/?EIO=4&transport=websocket');
    const started = performance.now();
    for (;;) {
      const message = await slow.next();
      if (message === undefined) break;
      if (message === '2') slow.send('3');
    }
    const lived = performance.now() - started;
    assert.ok(lived >= 950 && lived < 20_000, `${lived} ms`);
  });

  it('answers the Socket.IO packets byte for byte', async () => {
    const client = openSocket(server, '/socket.io/?EIO=4&transport=websocket');
    await client.next();
    const next = async () => {
      for (;;) {
        const message = await client.next();
        if (message !== '2') return message;
        client.send('3');
      }
    };
    client.send('40/custom');
    assert.match(await next(), /^40\/custom,\{"sid":"[A-Za-z0-9_-]{20,}"\}$/);
    assert.equal(await next(), '42/custom,["auth",{}]');
    client.send('40{"token":"123"}');
    assert.match(await next(), /^40\{"sid":"[A-Za-z0-9_-]{20,}"\}$/);
    assert.equal(await next(), '42["auth",{"token":"123"}]');
    client.send('42["message",1,"2",{"3":[true]}]');
    assert.equal(await next(), '42["message-back",1,"2",{"3":[true]}]');
    client.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    assert.equal(await next(), '43456[1,"2",{"3":[false]}]');
    client.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    client.send(Buffer.from([1, 2, 3]));
    client.send(Buffer.from([4, 5, 6]));
    assert.equal(await next(), '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    assert.deepEqual(await next(), Buffer.from([1, 2, 3]));
    assert.deepEqual(await next(), Buffer.from([4, 5, 6]));
    client.send('40/random');
    assert.equal(await next(), '44/random,{"message":"Invalid namespace"}');
    client.send('4abc');
    assert.equal(await next(), undefined);
  });
});
