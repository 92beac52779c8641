// The dialect of tunnelled calls (docs/protocol/tunnel.md), by the unmodified Socket.IO client on each transport.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import WebSocket from 'ws';

import { until } from '../e2e/support/until.mjs';
import { Person, acceptedCall, person, startCalls, token } from './support/calls.mjs';

const kTransports = { websocket: ['websocket'], polling: ['polling'], 'polling, then websocket': ['polling', 'websocket'] };

const setupMs = 4000;

let server;
let hasty; // with times that are to pass
let users = 0;
const pair = async (options = {}, at = server) => {
  users += 1;
  const names = [`alice-${users}`, `bob-${users}`];
  return Promise.all(names.map((name) => person(at, name, options)));
};

before(async () => {
  [server, hasty] = await Promise.all([
    startCalls({ VPN_SETUP_TIMEOUT: `${setupMs}ms`, CALL_RECONNECT_GRACE: '4s' }),
    startCalls({ CALL_RING_TIMEOUT: '2s', VPN_SETUP_TIMEOUT: '2s' }),
  ]);
});
after(async () => Promise.all([server?.stop(), hasty?.stop()]));

describe('a call', { timeout: 60_000, concurrency: true }, () => {
  for (const [name, transports] of Object.entries(kTransports)) {
    it(`on ${name} goes from initiate-call to hangup as in the contract`, async () => {
      const [alice, bob] = await pair({ transports });
      alice.says('initiate-call', { calleeId: bob.user });
      const initiated = await alice.hears('call-initiated');
      assert.deepEqual(initiated, { callId: initiated.callId, callerId: alice.user, calleeId: bob.user });
      assert.deepEqual(await bob.hears('incoming-call'), initiated);
      const { callId } = initiated;
      bob.says('accept-call', { callId });
      assert.deepEqual(await alice.hears('call-accepted'), { callId });
      const [hers, his] = await Promise.all([alice.hears('vpn-config-received'), bob.hears('vpn-config-received')]);
      assert.equal(hers.callId, callId);
      assert.equal(hers.encryptionKey, his.encryptionKey);
      assert.equal(Buffer.from(hers.encryptionKey, 'base64').length, 32);
      const [herId, hisId] = [hers, his].map(({ xrayConfig }) => xrayConfig.outbounds[0].settings.vnext[0].users[0].id);
      assert.match(herId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.notEqual(herId, hisId);
      assert.notEqual(hers.encryptionKey, herId);
      alice.says('vpn-ready', { callId, localEndpoint: '192.168.1.100' });
      const connected = await bob.hears('vpn-connected');
      assert.equal(connected.callId, callId);
      assert.match(connected.peerEndpoint, /^198\.1[89]\.\d+\.\d+:\d+$/);
      bob.says('vpn-ready', { callId });
      assert.equal((await alice.hears('vpn-connected')).callId, callId);
      await new Promise((resolve) => setTimeout(resolve, setupMs)); // the set-up's timer no more
      bob.says('hangup', { callId });
      assert.deepEqual(await alice.hears('call-hangup'), { callId });
      assert.equal([...alice.heard, ...bob.heard].some(({ event }) => event === 'call-error'), false);
      alice.leave();
      bob.leave();
    });
  }
});

describe('the namespace /call', { timeout: 60_000 }, () => {
  it('lets in by auth, query and header, and says why not', async () => {
    const nobody = { auth: { token: undefined } };
    for (const options of [
      { ...nobody, query: { token: token('carol') } },
      { ...nobody, extraHeaders: { Authorization: `Bearer ${token('carol')}` } },
    ]) {
      (await person(server, 'carol', options)).leave();
    }
    for (const bad of [undefined, '', 'nonsense', `${token('carol')}x`, token('carol', [], { exp: 1 }), 5, {}]) {
      const stranger = new Person(server, 'carol', { auth: { token: bad } });
      assert.equal(await stranger.hears('connect_error'), 'Unauthorized', String(bad));
      stranger.leave();
    }
  });

  it('answers the six mistakes with the six texts', async () => {
    const [alice, bob] = await pair();
    const mallory = await person(server, `mallory-${users}`);
    const error = async (who, event, data) => (await who.says(event, data).hears('call-error')).message;
    assert.equal(await error(alice, 'initiate-call', { calleeId: alice.user }), 'Cannot call yourself');
    assert.equal(await error(alice, 'initiate-call', { calleeId: 'nobody-at-all' }), 'User not found');
    const gone = await person(server, `gone-${users}`);
    alice.says('watch-presence', { userIds: [gone.user] });
    assert.equal((await alice.hears('presence')).users[0].online, true);
    gone.leave();
    assert.equal((await alice.hears('presence')).users[0].online, false);
    assert.equal(await error(alice, 'initiate-call', { calleeId: gone.user }), 'User is offline');
    for (const event of ['accept-call', 'reject-call', 'vpn-ready', 'hangup']) {
      assert.equal(await error(alice, event, { callId: 'no-such-call' }), 'Call not found');
    }
    alice.says('initiate-call', { calleeId: bob.user });
    const { callId } = await bob.hears('incoming-call');
    for (const event of ['reject-call', 'vpn-ready', 'hangup']) {
      assert.equal(await error(mallory, event, { callId }), 'Not authorized for this call');
    }
    assert.equal(await error(mallory, 'accept-call', { callId }), 'Not authorized to accept this call');
    assert.equal(await error(alice, 'accept-call', { callId }), 'Not authorized to accept this call');
    bob.says('reject-call', { callId });
    assert.deepEqual(await alice.hears('call-rejected'), { callId });
    for (const one of [alice, bob, mallory]) one.leave();
  });

  it('takes nonsense for what it is, and goes on', async () => {
    const [alice, bob] = await pair();
    for (const nonsense of [undefined, null, 5, 'bob', [], {}, { calleeId: null }, { calleeId: { id: 1 } }, { calleeId: 'x'.repeat(200) }]) {
      assert.ok((await alice.says('initiate-call', nonsense).hears('call-error')).message);
    }
    alice.says('no-such-event', { a: 1 }).says('initiate-call', { calleeId: bob.user, __proto__: null, extra: [[[[1]]]] });
    const { callId } = await alice.hears('call-initiated');
    alice.says('hangup', { callId });
    assert.deepEqual(await bob.hears('call-hangup'), { callId, reason: 'canceled' });
    alice.leave();
    bob.leave();
  });

  it('ends calls that nobody answers, and tunnels that do not come up', async () => {
    const [alice, bob] = await pair({}, hasty);
    alice.says('initiate-call', { calleeId: bob.user });
    const { callId } = await bob.hears('incoming-call');
    await alice.hears('call-initiated');
    assert.deepEqual(await alice.hears('call-hangup'), { callId, reason: 'no-answer' });
    assert.deepEqual(await bob.hears('call-hangup'), { callId, reason: 'no-answer' });
    const { callId: second } = await acceptedCall(alice, bob);
    alice.says('vpn-ready', { callId: second });
    assert.deepEqual(await bob.hears('call-hangup'), { callId: second, reason: 'vpn-setup-timeout' });
    const history = async () => (await hasty.api('GET', '/api/calls/history', alice.user)).body.calls.map(({ kind, reason }) => `${kind} ${reason}`);
    await until('the history', async () => (await history()).join() === 'tunnel failed,tunnel no-answer');
    alice.leave();
    bob.leave();
  });

  it('rings every device, and a device that comes back hears what it has to know', async () => {
    const [alice, bob] = await pair();
    const desk = await person(server, bob.user, { auth: { device: 'desk' } });
    alice.says('initiate-call', { calleeId: bob.user });
    const { callId } = await desk.hears('incoming-call');
    await bob.hears('incoming-call');
    bob.says('accept-call', { callId });
    assert.deepEqual(await desk.hears('call-hangup'), { callId, reason: 'answered-elsewhere' });
    const { xrayConfig } = await alice.hears('vpn-config-received');
    alice.leave();
    const again = await person(server, alice.user);
    await again.hears('call-initiated');
    await again.hears('call-accepted');
    assert.deepEqual((await again.hears('vpn-config-received')).xrayConfig, xrayConfig);
    again.says('vpn-ready', { callId });
    await bob.hears('vpn-connected');
    bob.says('vpn-ready', { callId });
    await again.hears('vpn-connected');
    again.leave();
    assert.deepEqual(await bob.hears('call-hangup'), { callId, reason: 'disconnected' });
    bob.leave();
    desk.leave();
  });

  it('shows the presence of both dialects, and refuses a call from one to the other', async () => {
    users += 1;
    const alice = await person(server, `alice-${users}`);
    const bob = `bob-${users}`;
    assert.deepEqual(await alice.says('watch-presence', { userIds: [bob] }).hears('presence'), { users: [{ userId: bob, online: false }] });
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws?token=${token(bob)}`);
    const told = [];
    socket.onmessage = ({ data }) => told.push(JSON.parse(data));
    assert.deepEqual(await alice.hears('presence'), { users: [{ userId: bob, online: true }] });
    await until('the WebSocket is open', () => socket.readyState === WebSocket.OPEN); // it may hear of it later than alice
    assert.equal((await alice.says('initiate-call', { calleeId: bob }).hears('call-error')).message, 'User is connected, but not for tunnelled calls');
    socket.send(JSON.stringify({ event: 'client:hello', payload: {} }));
    socket.send(JSON.stringify({ event: 'presence:watch', payload: { userIds: [alice.user] } }));
    socket.send(JSON.stringify({ event: 'call:offer', payload: { userId: alice.user, sdp: 'v=0' } }));
    await until('the error', () => told.some(({ event, payload }) => event === 'call:error' && payload.code === 'offline'));
    alice.leave();
    await until('the absence', () => told.some(({ event, payload }) => event.startsWith('presence') && payload.users?.[0]?.online === false));
    socket.close();
  });

  it('leaves `version` out of the configuration for an Xray that refuses it', async () => {
    users += 1;
    const old = await person(server, `old-${users}`);
    const current = await person(server, `new-${users}`, { auth: { xrayVersion: '25.8.3' } });
    const { configs } = await acceptedCall(old, current);
    assert.equal(typeof configs[0].xrayConfig.version, 'string');
    assert.equal('version' in configs[1].xrayConfig, false);
    assert.equal(typeof configs[1].version, 'string');
    for (const { xrayConfig } of configs) assert.equal(JSON.stringify(xrayConfig).includes('allowInsecure'), false);
    old.leave();
    current.leave();
  });
});
