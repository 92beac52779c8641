// Connection state recovery, by the unmodified Socket.IO client on each of its transports: connections end in every way
// there is, and who comes back has missed nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';

import { Manager, io } from 'socket.io-client';

import { until } from '../e2e/support/until.mjs';
import { openSocket } from './support/raw.mjs';
import { useEcho } from './support/server.mjs';

const kTransports = { websocket: ['websocket'], polling: ['polling'], 'polling, then websocket': ['polling', 'websocket'] };
const kPatient = { 'ping-interval': 25_000, 'ping-timeout': 20_000, 'connect-timeout': 45_000 };

/** A relay that can go dark: connections through it stay open to the server, and nothing comes through any more. */
async function startRelay(target) {
  let pairs = [];
  const sockets = [];
  const relay = net.createServer((near) => {
    const far = net.connect(target.port, '127.0.0.1');
    pairs.push([near, far]);
    sockets.push(near, far);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('data', (chunk) => !from.dark && to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => !from.dark && to.destroy());
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return {
    url: `http://127.0.0.1:${relay.address().port}`,
    /** Both ends are told. */
    cut: () => {
      for (const one of pairs.flat()) one.destroy();
      pairs = [];
    },
    /** The client is told, the server is not. */
    goDark: () => {
      for (const [near, far] of pairs) {
        near.dark = far.dark = true;
        near.destroy();
      }
      pairs = [];
    },
    close: () => {
      for (const one of sockets) one.destroy();
      relay.close();
    },
  };
}

/** A client that joins "team" and writes down what it hears there, without the offsets. */
async function member(url, transports, { user = 'anna', nsp = '/', ...options } = {}) {
  const socket = io(`${url}${nsp}`, { transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 100, auth: { user }, ...options });
  const said = [];
  const readable = (arg) => (arg instanceof ArrayBuffer || ArrayBuffer.isView(arg) ? Buffer.from(arg).toString() : arg);
  socket.on('said', (...args) => said.push(args.slice(0, -1).map(readable)));
  await once(socket, 'connect');
  await socket.emitWithAck('join', 'team');
  return { socket, said };
}
const upgraded = async ({ socket }) =>
  await until('an upgrade', () => ({ done: socket.io.engine.transport.name === 'websocket', name: socket.io.engine.transport.name }));
async function hasHeard(one, expected) {
  await until(`${expected.length} events`, () => ({ done: one.said.length >= expected.length, heard: one.said.length }));
  assert.deepEqual(one.said, expected);
}
/** While it is away: the client does not try before `meanwhile` is over. */
async function away(one, leave, meanwhile = async () => {}) {
  const { socket } = one;
  socket.io.reconnection(false);
  const gone = once(socket, 'disconnect');
  await leave(socket);
  await gone;
  await meanwhile();
  socket.io.reconnection(true);
  socket.connect();
  await once(socket, 'connect');
}

for (const [name, transports] of Object.entries(kTransports)) {
  describe(`recovery on ${name}`, { timeout: 120_000 }, () => {
    const server = useEcho({ ...kPatient, 'recovery-max': 120_000 });

    const speakerOf = async () => (await member(server.url, ['websocket'], { user: 'boris' })).socket;
    const ways = {
      'the client closes its engine': (socket) => socket.io.engine.close(),
      'the server drops the connection': (socket) => socket.emit('drop-me'),
    };
    for (const [way, leave] of Object.entries(ways)) {
      it(`${way}: same id, rooms and data, and nothing is missing`, async () => {
        const speaker = await speakerOf();
        const one = await member(server.url, transports);
        if (transports.length === 2) await upgraded(one);
        const { socket } = one;
        await socket.emitWithAck('remember', 'blue');
        const { id } = socket;
        assert.equal(socket.recovered, false);
        await speaker.emitWithAck('say', 'team', 0);
        const expected = [[0]];
        await hasHeard(one, expected);
        for (let round = 1; round <= 3; round += 1) {
          await away(one, leave, async () => {
            await speaker.emitWithAck('say', 'team', round, 'text');
            await speaker.emitWithAck('say', 'team', Buffer.from(`binary ${round}`), Buffer.from('too'));
            await speaker.emitWithAck('say-volatile', 'team', 'lost');
          });
          assert.equal(socket.recovered, true);
          assert.equal(socket.id, id);
          assert.deepEqual(await socket.emitWithAck('who'), [id, true, 'blue', 'team']);
          await speaker.emitWithAck('say', 'team', 'live');
          expected.push([round, 'text'], [`binary ${round}`, 'too'], ['live']);
          await hasHeard(one, expected);
        }
        socket.disconnect();
        speaker.disconnect();
      });
    }

    for (const way of ['cut', 'goDark']) {
      it(`a network that ${way === 'cut' ? 'breaks' : 'is gone without a word'}, in the middle of events`, async () => {
        const relay = await startRelay(server);
        const speaker = await speakerOf();
        const one = await member(relay.url, transports);
        const { id } = one.socket;
        const count = 600;
        let recoveries = 0;
        one.socket.on('connect', () => {
          assert.equal(one.socket.recovered, true);
          assert.equal(one.socket.id, id);
          recoveries += 1;
        });
        for (let i = 0; i < count; i += 1) {
          if (i % 10 === 3) speaker.emit('say', 'team', i, Buffer.from(`b${i}`));
          else speaker.emit('say', 'team', i);
          if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
          if (i % 150 === 100) {
            await until('its connection', () => ({ done: one.socket.connected }));
            const before = recoveries;
            // Between two polls there is nothing to break.
            await until('its loss', () => {
              if (one.socket.connected && recoveries === before) relay[way]();
              return { done: !one.socket.connected || recoveries > before };
            });
          }
        }
        await hasHeard(one, Array.from({ length: count }, (_, i) => (i % 10 === 3 ? [i, `b${i}`] : [i])));
        assert.equal(recoveries, 4);
        assert.equal(one.socket.id, id);
        one.socket.disconnect();
        speaker.disconnect();
        relay.close();
      });
    }

    it('is not for who leaves, or is put out', async () => {
      const one = await member(server.url, transports);
      const { socket } = one;
      const first = socket.id;
      await away(one, () => socket.disconnect());
      assert.equal(socket.recovered, false);
      const second = socket.id;
      assert.notEqual(second, first);
      assert.deepEqual(await socket.emitWithAck('who'), [second, false, '']);
      await away(one, () => socket.emit('put-me-out'));
      assert.equal(socket.recovered, false);
      socket.disconnect();
    });

    it('asks for admission again', async () => {
      const one = await member(server.url, transports);
      const { socket } = one;
      const { id } = socket;
      socket.io.reconnection(false);
      const gone = once(socket, 'disconnect');
      socket.io.engine.close();
      await gone;
      socket.auth = { user: 'anna', token: 'bad' };
      socket.connect();
      const [error] = await once(socket, 'connect_error');
      assert.equal(error.message, 'Unauthorized');
      socket.auth = { user: 'anna' };
      socket.connect();
      await once(socket, 'connect');
      assert.equal(socket.recovered, true, 'what was refused has used nothing up');
      assert.equal(socket.id, id);
      socket.disconnect();
    });

    it('gives nobody the session of somebody else', async () => {
      const speaker = await speakerOf();
      const anna = await member(server.url, transports);
      await speaker.emitWithAck('say', 'team', 'for the team');
      await hasHeard(anna, [['for the team']]);
      const known = { pid: anna.socket._pid, offset: anna.socket._lastOffset };
      for (const isHere of [true, false]) {
        const steal = async () => {
          const thief = io(server.url, { transports, forceNew: true, reconnection: false, auth: { user: 'mallory', ...known } });
          await once(thief, 'connect');
          assert.notEqual(thief.id, anna.socket.id);
          const [id, recovered, , ...rooms] = await thief.emitWithAck('who');
          assert.equal(id, thief.id);
          assert.deepEqual([recovered, rooms], [false, []]);
          thief.disconnect();
        };
        if (isHere) {
          await steal();
          assert.deepEqual((await anna.socket.emitWithAck('who')).slice(1), [false, '', 'team'], 'she is not disturbed');
        } else {
          await away(anna, (socket) => socket.io.engine.close(), steal);
          assert.equal(anna.socket.recovered, true);
        }
      }
      anna.socket.disconnect();
      speaker.disconnect();
    });
  });
}

describe('recovery within its limits', { timeout: 120_000 }, () => {
  const brief = useEcho({ ...kPatient, 'recovery-max': 300 });
  const small = useEcho({ ...kPatient, 'recovery-max': 120_000, 'recovery-events': 3 });
  const off = useEcho(kPatient);

  it('is over when its time is', async () => {
    const one = await member(brief.url, ['websocket']);
    const { id } = one.socket;
    const speaker = await member(brief.url, ['websocket'], { user: 'boris' });
    await away(one, (socket) => socket.io.engine.close(), async () => {
      const started = performance.now();
      await until('the end of its time', async () => {
        await speaker.socket.emitWithAck('who');
        return { done: performance.now() - started > 600 };
      });
    });
    assert.equal(one.socket.recovered, false);
    assert.notEqual(one.socket.id, id);
    one.socket.disconnect();
    speaker.socket.disconnect();
  });

  it('is refused to whom too much has happened, who begins anew', async () => {
    const one = await member(small.url, ['websocket']);
    const speaker = await member(small.url, ['websocket'], { user: 'boris' });
    for (const [count, recovered] of [[3, true], [4, false]]) {
      await away(one, (socket) => socket.io.engine.close(), async () => {
        for (let i = 0; i < count; i += 1) await speaker.socket.emitWithAck('say', 'team', i);
      });
      assert.equal(one.socket.recovered, recovered);
      if (recovered) await hasHeard(one, [[0], [1], [2]]);
    }
    assert.deepEqual((await one.socket.emitWithAck('who')).slice(1), [false, '']);
    assert.equal(one.said.length, 3);
    one.socket.disconnect();
    speaker.socket.disconnect();
  });

  it('is for each namespace of a connection', async () => {
    const manager = new Manager(small.url, { transports: ['websocket'], reconnectionDelay: 50 });
    const sockets = ['/', '/custom'].map((nsp) => manager.socket(nsp, { auth: { user: 'anna' } }));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const ids = sockets.map(({ id }) => id);
    manager.engine.close();
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    assert.deepEqual(sockets.map(({ id, recovered }) => [id, recovered]), ids.map((id) => [id, true]));
    for (const socket of sockets) socket.disconnect();
  });

  it('tells nothing of itself when it is off', async () => {
    const raw = openSocket(off, '/socket.io/?EIO=4&transport=websocket');
    await raw.next();
    raw.send('40{"pid":"x","offset":"y"}');
    assert.match(await raw.next(), /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
    assert.equal(await raw.next(), '42["auth",{"pid":"x","offset":"y"}]');
    raw.send('42["join","team"]');
    raw.send('42["message",1]');
    assert.equal(await raw.next(), '42["message-back",1]');
    raw.close();
  });
});
