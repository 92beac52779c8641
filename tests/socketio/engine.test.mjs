// The unmodified Engine.IO client against the raw echo.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { Socket } from 'engine.io-client';

import { useEcho } from './support/server.mjs';

const hears = async (socket, event) => await new Promise((resolve) => socket.once(event, resolve));

describe('Engine.IO client', { timeout: 120_000 }, () => {
  const server = useEcho({ 'ping-timeout': 5000 }); // the machine may be busy
  const patient = useEcho({ 'ping-interval': 25_000, 'ping-timeout': 20_000 });

  for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
    it(`echoes text and binary on ${transports.join(' and ')}`, async () => {
      const socket = new Socket(server.url, { transports });
      await hears(socket, 'open');
      socket.send('hello €');
      assert.equal(await hears(socket, 'message'), 'hello €');
      socket.binaryType = 'arraybuffer';
      socket.send(Uint8Array.from([1, 2, 3]));
      assert.deepEqual(new Uint8Array(await hears(socket, 'message')), Uint8Array.from([1, 2, 3]));
      socket.close();
    });
  }

  it('loses, doubles and reorders nothing while it upgrades', async () => {
    for (let round = 0; round < 10; round += 1) {
      const socket = new Socket(server.url, { transports: ['polling', 'websocket'] });
      const back = [];
      let sent = 0;
      let upgraded = false;
      socket.on('message', (text) => back.push(Number(text)));
      socket.on('upgrade', () => {
        upgraded = true;
      });
      await hears(socket, 'open');
      while (!upgraded || sent < 300) {
        socket.send(String(sent));
        sent += 1;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      while (back.length < sent) await hears(socket, 'message');
      assert.deepEqual(back, Array.from({ length: sent }, (_, i) => i));
      socket.close();
    }
  });

  it('upgrades in a moment, not at the next ping', async () => {
    const slow = new Socket(patient.url, { transports: ['polling', 'websocket'] });
    const started = performance.now();
    await hears(slow, 'upgrade');
    assert.ok(performance.now() - started < 20_000);
    slow.close();
  });
});
