// Rooms where UDP is blocked: every UDP candidate of the server is taken out of its descriptions by the page before it
// uses them, so that only ICE-TCP is left.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';

import { post, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const connectMsMax = 4_000;

/**
 * Runs in the page: one peer connection and one WebSocket, kept in `window`. `keep` is the protocol of candidates left,
 * `port` stands in the place of theirs.
 */
async function enter({ path, session, keep, port }) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180 } });
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const ws = new WebSocket(`ws://${location.host}${path}`);
  Object.assign(window, { pc, ws, descriptions: [], failures: [], connectedAfterMs: undefined });
  const send = (type, payload) => ws.send(JSON.stringify({ type, payload, roomId: 1, sessionId: session }));
  const filtered = ({ type, sdp }) => ({
    type,
    sdp: sdp
      .split('\r\n')
      .filter((line) => !line.startsWith('a=candidate:') || line.split(' ')[2] === keep)
      .map((line) => (port && line.startsWith('a=candidate:') ? line.replace(/(\S+) \d+ typ/, `127.0.0.1 ${port} typ`) : line))
      .join('\r\n'),
  });
  pc.ontrack = ({ track }) => {
    const element = document.createElement(track.kind);
    element.autoplay = true;
    element.srcObject = new MediaStream([track]);
    document.documentElement.append(element);
  };
  pc.onicecandidate = ({ candidate }) => candidate && send('ice', candidate);
  let started;
  pc.onconnectionstatechange = () => {
    if (pc.connectionState === 'connected') window.connectedAfterMs ??= performance.now() - started;
  };
  ws.onmessage = async ({ data }) => {
    const { type, payload } = JSON.parse(data);
    if (type !== 'offer' && type !== 'answer') return;
    window.descriptions.push(payload.sdp);
    try {
      await pc.setRemoteDescription(filtered(payload));
      if (type === 'answer') return;
      await pc.setLocalDescription();
      send('answer', pc.localDescription);
    } catch (error) {
      window.failures.push(String(error));
    }
  };
  await new Promise((resolve, reject) => {
    ws.onopen = resolve;
    ws.onerror = reject;
  });
  // The server offers, so that nothing crosses.
  started = performance.now();
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  send('join');
}

/** Runs in the page: how it is connected, and what comes in. */
async function observe() {
  const reports = await window.pc.getStats();
  const all = [...reports.values()];
  const pair = reports.get(all.find((report) => report.type === 'transport')?.selectedCandidatePairId);
  const inbound = all.filter((report) => report.type === 'inbound-rtp');
  const of = (kind, name) => inbound.filter((report) => report.kind === kind).reduce((sum, report) => sum + (report[name] ?? 0), 0);
  return {
    state: window.pc.connectionState,
    local: pair && reports.get(pair.localCandidateId)?.protocol,
    remote: pair && reports.get(pair.remoteCandidateId)?.protocol,
    connectedAfterMs: window.connectedAfterMs,
    frames: of('video', 'framesDecoded'),
    energy: of('audio', 'totalAudioEnergy'),
    failures: window.failures,
  };
}

/** Between a page and the server's TCP port: connections that can be broken. */
async function startProxy(target) {
  const sockets = new Set();
  let count = 0;
  const proxy = createServer((inside) => {
    count += 1;
    const outside = connect(target, '127.0.0.1');
    for (const [socket, other] of [[inside, outside], [outside, inside]]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const breakAll = () => sockets.forEach((socket) => socket.resetAndDestroy());
  return {
    port: proxy.address().port,
    connections: () => count,
    breakAll,
    close() {
      breakAll();
      proxy.close();
    },
  };
}

const candidates = (sdp, protocol) =>
  sdp.split('\r\n').filter((line) => line.startsWith('a=candidate:') && line.split(' ')[2] === protocol);

describe('rooms by ICE-TCP', { timeout: 180_000 }, () => {
  let browser;
  let server;
  let people;
  let stays = 0;
  let pages = [];

  const peopleOf = async (at) => {
    const made = [await register(at, 'Ada'), await register(at, 'Boris')];
    await post(at, '/api/v1/groups', { id: 'team', title: 'Team', members: [made[1].id] }, made[0].token);
    return made;
  };
  const join = async (at, person, keep, port) => {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    const page = await context.newPage();
    pages.push(page);
    await page.goto(new URL('/healthz', at.url).href);
    const path = `/api/v1/group/team/call?token=${person.token}`;
    await page.evaluate(enter, { path, session: `session-${(stays += 1)}`, keep, port });
    return page;
  };
  const awaitMedia = (page) =>
    until('pictures and sound', async () => {
      const now = await page.evaluate(observe);
      return { done: now.frames > 10 && now.energy > 0.001, ...now };
    });
  const expectBy = (protocol, seen) => {
    assert.deepEqual([seen.local, seen.remote, seen.failures], [protocol, protocol, []]);
    assert.ok(seen.connectedAfterMs < connectMsMax, `connected after ${seen.connectedAfterMs} ms`);
  };

  before(async () => {
    browser = await launch();
    server = await startServer({ environment: { SHUTDOWN_TIMEOUT: '500ms' } });
    people = await peopleOf(server);
  });
  afterEach(async () => {
    for (const page of pages) await page.context().close();
    pages = [];
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
  });

  it('offers TCP candidates after those of UDP, passive ones', async () => {
    const page = await join(server, people[0], 'udp');
    await until('an offer', () => page.evaluate(() => window.descriptions.length > 0));
    const [sdp] = await page.evaluate(() => window.descriptions);
    const tcp = candidates(sdp, 'tcp');
    const udp = candidates(sdp, 'udp');
    assert.ok(tcp.length > 0 && tcp.length === udp.length, sdp);
    const priority = (line) => Number(line.split(' ')[3]);
    assert.ok(Math.max(...tcp.map(priority)) < Math.min(...udp.map(priority)), sdp);
    for (const line of tcp) assert.match(line, / typ host tcptype passive$/);
    assert.match(sdp, /^m=audio 9 UDP\/TLS\/RTP\/SAVPF /m); // the transport of the default candidate is nobody's
    assert.match(sdp, /^c=IN IP4 0\.0\.0\.0\r$/m);
  });

  it('connects two who have TCP alone, with pictures and sound', async () => {
    const first = await join(server, people[0], 'tcp');
    const second = await join(server, people[1], 'tcp');
    expectBy('tcp', await awaitMedia(first));
    expectBy('tcp', await awaitMedia(second));
    const before = await first.evaluate(observe);
    await until('more pictures', async () => (await first.evaluate(observe)).frames > before.frames + 30);
  });

  it('brings one who has UDP and one who has TCP together', async () => {
    const first = await join(server, people[0], 'udp');
    const second = await join(server, people[1], 'tcp');
    expectBy('udp', await awaitMedia(first));
    expectBy('tcp', await awaitMedia(second));
  });

  it('comes back after an ICE restart', async () => {
    const first = await join(server, people[0], 'tcp');
    const second = await join(server, people[1], 'tcp');
    await awaitMedia(first);
    const before = await awaitMedia(second);
    await first.evaluate(async (session) => {
      window.pc.restartIce();
      await window.pc.setLocalDescription();
      window.ws.send(JSON.stringify({ type: 'offer', payload: window.pc.localDescription, roomId: 1, sessionId: session }));
    }, `session-${stays - 1}`);
    await until('an answer to the restart', () =>
      first.evaluate(() => window.pc.signalingState === 'stable' && window.descriptions.length > 1));
    await until('pictures go on', async () => (await second.evaluate(observe)).frames > before.frames + 60);
    assert.deepEqual([(await first.evaluate(observe)).remote, (await first.evaluate(observe)).failures], ['tcp', []]);
  });

  it('goes on by a new connection when the one it has breaks', async () => {
    const watcher = await join(server, people[0], 'udp');
    await until('an offer', () => watcher.evaluate(() => window.descriptions.length > 0));
    const [sdp] = await watcher.evaluate(() => window.descriptions);
    const proxy = await startProxy(Number(candidates(sdp, 'tcp')[0].split(' ')[5]));
    try {
      const page = await join(server, people[1], 'tcp', proxy.port);
      expectBy('tcp', await awaitMedia(page));
      const before = await awaitMedia(watcher);
      const connections = proxy.connections();
      assert.ok(connections > 0);
      proxy.breakAll();
      await until('another connection', () => proxy.connections() > connections);
      await until('pictures go on', async () => (await watcher.evaluate(observe)).frames > before.frames + 60);
      const heard = await page.evaluate(observe);
      await until('pictures come back', async () => (await page.evaluate(observe)).frames > heard.frames + 30);
    } finally {
      proxy.close();
    }
  });

  it('offers no TCP when it is turned off', async () => {
    const other = await startServer({ environment: { MEDIA_TCP_PORT: 'off', SHUTDOWN_TIMEOUT: '500ms' } });
    try {
      const page = await join(other, (await peopleOf(other))[0], 'udp');
      await until('an offer', () => page.evaluate(() => window.descriptions.length > 0));
      const [sdp] = await page.evaluate(() => window.descriptions);
      assert.equal(candidates(sdp, 'tcp').length, 0);
      assert.ok(candidates(sdp, 'udp').length > 0);
    } finally {
      await other.stopAndClean();
    }
  });
});
