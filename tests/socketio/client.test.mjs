// The unmodified Socket.IO client, on each of its transports.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import { Manager, io } from 'socket.io-client';

import { useEcho } from './support/server.mjs';

const kTransports = { websocket: ['websocket'], polling: ['polling'], 'polling, then websocket': ['polling', 'websocket'] };

function dial(server, nsp, transports, options = {}) {
  return io(`${server.url}${nsp}`, { transports, forceNew: true, reconnection: false, ...options });
}

/** Resolves to the arguments of the event. */
const hears = async (socket, event) => await new Promise((resolve) => socket.once(event, (...args) => resolve(args)));

for (const [name, transports] of Object.entries(kTransports)) {
  describe(`Socket.IO client on ${name}`, { timeout: 120_000 }, () => {
    const server = useEcho({ 'ping-interval': 25_000, 'ping-timeout': 20_000, 'connect-timeout': 45_000 });

    it('joins with what it brings', async () => {
      const socket = dial(server, '/', transports, { auth: { token: '123', n: 1, deep: [{}] } });
      assert.deepEqual(await hears(socket, 'auth'), [{ token: '123', n: 1, deep: [{}] }]);
      assert.notEqual(socket.id, socket.io.engine.id);
      socket.disconnect();
    });

    it('joins a namespace of its own, and no other', async () => {
      const socket = dial(server, '/custom', transports);
      assert.deepEqual(await hears(socket, 'auth'), [{}]);
      socket.disconnect();
    });

    it('is told of an unknown namespace', async () => {
      const socket = dial(server, '/nowhere', transports);
      const [error] = await hears(socket, 'connect_error');
      assert.equal(error.message, 'Invalid namespace');
      socket.disconnect();
    });

    it('shares one connection between namespaces, and leaves them one by one', async () => {
      const manager = new Manager(server.url, { transports, reconnection: false });
      const [main, custom] = [manager.socket('/'), manager.socket('/custom')];
      await Promise.all([hears(main, 'auth'), hears(custom, 'auth')]);
      custom.disconnect();
      main.emit('message', 'still here');
      assert.deepEqual(await hears(main, 'message-back'), ['still here']);
      main.disconnect();
    });

    it('gets back every kind of value', async () => {
      const socket = dial(server, '/', transports);
      const values = [1, -0.5, 1e21, 'zwölf €\u{1F600}\u2028"\\\n', '\ud800', null, true, [], {}, [[['x']]], { b: 1, a: { 3: [true] } }, '\u001e'];
      socket.emit('message', ...values);
      assert.deepEqual(await hears(socket, 'message-back'), values);
      socket.disconnect();
    });

    it('gets back binary values where they stood', async () => {
      const socket = dial(server, '/', transports);
      const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));
      socket.emit('message', bytes, { deep: [{ b: Buffer.from([1]) }, 'text'] }, Buffer.alloc(0));
      const [first, second, third] = await hears(socket, 'message-back');
      assert.deepEqual(Buffer.from(first), bytes);
      assert.deepEqual(Buffer.from(second.deep[0].b), Buffer.from([1]));
      assert.equal(second.deep[1], 'text');
      assert.equal(third.byteLength, 0);
      socket.disconnect();
    });

    it('gets its acknowledgements, with and without binary values', async () => {
      const socket = dial(server, '/', transports);
      assert.deepEqual(await new Promise((resolve) => socket.emit('message-with-ack', 1, '2', { 3: [false] }, (...args) => resolve(args))), [1, '2', { 3: [false] }]);
      assert.deepEqual(Buffer.from(await socket.emitWithAck('message-with-ack', Buffer.from([7]))), Buffer.from([7]));
      await assert.rejects(socket.timeout(100).emitWithAck('nobody-acks-this'));
      socket.disconnect();
    });

    it('gets everything once and in order, from the first packet on', async () => {
      const socket = dial(server, '/', transports);
      const count = 2000;
      const back = [];
      const done = new Promise((resolve) => {
        socket.on('message-back', (...args) => {
          back.push(args.length > 1 ? Buffer.from(args[1]).readUInt32LE() : args[0]);
          if (back.length === count) resolve();
        });
      });
      for (let i = 0; i < count; i += 1) {
        if (i % 10 === 3) {
          const bytes = Buffer.alloc(4);
          bytes.writeUInt32LE(i);
          socket.emit('message', 'binary', bytes);
        } else {
          socket.emit('message', i);
        }
        if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await done;
      assert.deepEqual(back, Array.from({ length: count }, (_, i) => i));
      if (transports.length === 2) assert.equal(socket.io.engine.transport.name, 'websocket');
      socket.disconnect();
    });

    it('gets back a large message', async () => {
      const socket = dial(server, '/', transports);
      const text = 'ж'.repeat(450_000);
      socket.emit('message', text);
      assert.deepEqual(await hears(socket, 'message-back'), [text]);
      socket.disconnect();
    });

    it('many at once', async () => {
      const sockets = Array.from({ length: 20 }, () => dial(server, '/', transports));
      await Promise.all(sockets.map((socket) => hears(socket, 'connect')));
      const answers = await Promise.all(sockets.map((socket, i) => socket.emitWithAck('message-with-ack', i)));
      assert.deepEqual(answers, sockets.map((_, i) => i));
      for (const socket of sockets) socket.disconnect();
    });
  });
}

describe('Socket.IO client, long enough', { timeout: 120_000 }, () => {
  const server = useEcho({ 'ping-timeout': 5000, 'connect-timeout': 5000 }); // the machine may be busy

  for (const [name, transports] of Object.entries(kTransports)) {
    it(`stays for many heartbeats on ${name}`, async () => {
      const socket = dial(server, '/', transports);
      await hears(socket, 'auth');
      let pings = 0;
      await new Promise((resolve, reject) => {
        socket.once('disconnect', reject);
        socket.io.on('ping', () => {
          pings += 1;
          if (pings === 6) resolve();
        });
      });
      assert.equal(await socket.emitWithAck('message-with-ack', 'here'), 'here');
      socket.removeAllListeners('disconnect');
      socket.disconnect();
    });
  }

  it('comes back by itself when its transport is lost', async () => {
    const socket = dial(server, '/', ['websocket'], { reconnection: true, reconnectionDelay: 10 });
    await hears(socket, 'auth');
    const before = socket.id;
    socket.io.engine.transport.ws.terminate?.() ?? socket.io.engine.transport.ws.close();
    await once(socket.io, 'reconnect');
    await hears(socket, 'auth');
    assert.notEqual(socket.id, before);
    socket.disconnect();
  });

  it('with credentials in its query joins as any other', async () => {
    const socket = dial(server, '/custom', ['polling'], { query: { token: 'a b&c' }, extraHeaders: { 'X-Own': '1' } });
    await hears(socket, 'auth');
    socket.disconnect();
  });
});
