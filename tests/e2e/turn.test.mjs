// The STUN and TURN servers that clients are told of, with a real coturn: what `GET /api/v1/ice-servers` says works in a
// browser as it stands, credentials end when they say, and `zvonok doctor` finds out what is wrong.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ask, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { binary, freePort, startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const secret = 'shared with the TURN server';

async function startCoturn() {
  const folder = mkdtempSync(join(tmpdir(), 'zvonok-turn-'));
  const port = await freePort();
  const child = spawn(
    'turnserver',
    [
      '-n', '--listening-ip=127.0.0.1', `--listening-port=${port}`, '--relay-ip=127.0.0.1', '--allow-loopback-peers',
      '--use-auth-secret', `--static-auth-secret=${secret}`, '--realm=example.org', '--no-tls', '--no-dtls', '--no-cli',
      '--log-file=stdout', '--simple-log', `--pidfile=${join(folder, 'pid')}`, `--userdb=${join(folder, 'users')}`,
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  await until('coturn', () => {
    if (child.exitCode !== null) throw new Error(`coturn ended; its output:\n${output}`);
    return { done: output.includes('admin thread'), output };
  });
  await until('coturn listens', async () => {
    const socket = connect(port, '127.0.0.1');
    const is = await once(socket, 'connect').then(() => true, () => false);
    socket.destroy();
    return is;
  });
  return {
    port,
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs in the page: what is gathered with these servers, of relays alone. */
async function gatherRelays(iceServers) {
  const pc = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
  const found = { relays: [], errors: [] };
  pc.onicecandidateerror = ({ errorCode, errorText }) => found.errors.push(`${errorCode} ${errorText}`);
  const done = new Promise((resolve) => {
    pc.onicecandidate = ({ candidate }) => {
      if (!candidate) resolve();
      else if (candidate.type === 'relay') found.relays.push(candidate.candidate);
    };
  });
  pc.createDataChannel('any');
  await pc.setLocalDescription();
  await done;
  pc.close();
  return found;
}

/** Runs in the page: a message from one connection to another, by relays alone. */
async function sendByRelays(iceServers) {
  const [a, b] = [0, 0].map(() => new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' }));
  a.onicecandidate = ({ candidate }) => b.addIceCandidate(candidate);
  b.onicecandidate = ({ candidate }) => a.addIceCandidate(candidate);
  const heard = new Promise((resolve) => {
    b.ondatachannel = ({ channel }) => (channel.onmessage = ({ data }) => resolve(data));
  });
  const channel = a.createDataChannel('words');
  channel.onopen = () => channel.send('by relay');
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  const text = await heard;
  a.close();
  b.close();
  return text;
}

/** What a STUN server on this port of loopback says that it sees; the local port for comparison. */
async function askStun(port) {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const request = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
  socket.send(request, port, '127.0.0.1');
  const [answer] = await once(socket, 'message');
  const local = socket.address().port;
  socket.close();
  assert.equal(answer.readUInt16BE(0), 0x0101);
  assert.equal(answer.readUInt16BE(20), 0x0020); // XOR-MAPPED-ADDRESS
  return { seen: answer.readUInt16BE(26) ^ 0x2112, local, bytes: answer.length };
}

function doctor(environment) {
  const folder = mkdtempSync(join(tmpdir(), 'zvonok-doctor-'));
  return new Promise((resolve) => {
    execFile(
      binary,
      ['doctor'],
      { cwd: folder, env: { PATH: '/usr/bin:/bin', DATA_DIR: join(folder, 'data'), ...environment } },
      (error, stdout) => {
        rmSync(folder, { recursive: true, force: true });
        resolve({ status: error ? error.code : 0, stdout });
      },
    );
  });
}

describe('STUN and TURN', { timeout: 180_000 }, () => {
  let coturn;
  let server;
  let stunPort;
  let browser;
  let page;
  let listed;

  before(async () => {
    coturn = await startCoturn();
    stunPort = await freePort();
    server = await startServer({
      environment: {
        STUN_PORT: String(stunPort),
        MEDIA_ADVERTISED_IP: '127.0.0.1',
        TURN_URLS: `turn:127.0.0.1:${coturn.port},turn:127.0.0.1:${coturn.port}?transport=tcp`,
        TURN_SECRET: secret,
        SHUTDOWN_TIMEOUT: '500ms',
      },
    });
    const { token } = await register(server, 'Ada');
    listed = (await ask(server, 'GET', '/api/v1/ice-servers', { token })).body.ice_servers;
    browser = await launch();
    // With a device granted the browser gathers on every interface, loopback relays included.
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    page = await context.newPage();
    await page.goto(new URL('/healthz', server.url).href);
    await page.evaluate(() => navigator.mediaDevices.getUserMedia({ audio: true }));
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
    await coturn?.stop();
  });

  const turn = () => listed.find(({ username }) => username);
  const signed = (seconds, key = secret) => {
    const username = `${Math.floor(Date.now() / 1000) + seconds}:ada`;
    const credential = createHmac('sha1', key).update(username).digest('base64');
    return [{ urls: turn().urls, username, credential }];
  };

  it('lists our own STUN server first, and it answers', async () => {
    assert.deepEqual(listed[0], { urls: [`stun:127.0.0.1:${stunPort}`] });
    const { seen, local, bytes } = await askStun(stunPort);
    assert.equal(seen, local);
    assert.ok(bytes <= 32, `${bytes} bytes`);
  });

  it('gives credentials that the browser gets relays with, over UDP and TCP', async () => {
    const { relays } = await page.evaluate(gatherRelays, listed);
    assert.ok(relays.length > 0);
    for (const url of turn().urls) {
      const { relays: given, errors } = await page.evaluate(gatherRelays, [{ ...turn(), urls: [url] }]);
      assert.ok(given.length > 0, `${url}: ${errors}`);
    }
    assert.equal(await page.evaluate(sendByRelays, listed), 'by relay');
  });

  it('makes credentials as the tests of other programs make them', async () => {
    const { username, credential } = turn();
    assert.match(username, /^\d+:[-0-9a-f]+$/);
    assert.equal(credential, createHmac('sha1', secret).update(username).digest('base64'));
    assert.ok((await page.evaluate(gatherRelays, signed(60))).relays.length > 0);
  });

  it('credentials that have ended, or are of another secret, get nothing', async () => {
    for (const servers of [signed(-10), signed(60, 'another secret')]) {
      const { relays, errors } = await page.evaluate(gatherRelays, servers);
      assert.deepEqual(relays, []);
      assert.ok(errors.some((error) => error.startsWith('401')), String(errors));
    }
  });

  it('the doctor says what is well and what is not', async () => {
    const url = `turn:127.0.0.1:${coturn.port}`;
    const environment = { STUN_PORT: String(stunPort), MEDIA_ADVERTISED_IP: '127.0.0.1' };
    const well = await doctor({ ...environment, TURN_URLS: `${url},${url}?transport=tcp`, TURN_SECRET: secret });
    assert.equal(well.status, 0, well.stdout);
    assert.ok(well.stdout.includes(`ok    TURN: ${url} gives allocations to our credentials`), well.stdout);
    assert.ok(well.stdout.includes(`ok    TURN: ${url}?transport=tcp gives allocations to our credentials`), well.stdout);
    assert.ok(well.stdout.includes(`ok    STUN answers on UDP port ${stunPort}: a server runs there`), well.stdout);
    assert.match(well.stdout, /media is advertised at loopback addresses only/);
    assert.match(well.stdout, /(ok {4}media: UDP port|warn {2}media: bind UDP)/);
    const other = await doctor({ ...environment, TURN_URLS: url, TURN_SECRET: 'another secret' });
    assert.equal(other.status, 1, other.stdout);
    assert.match(other.stdout, /FAIL {2}TURN: .*401/);
    const nobody = await doctor({ ...environment, TURN_URLS: `turn:127.0.0.1:${await freePort()}?transport=tcp`, TURN_SECRET: secret });
    assert.match(nobody.stdout, /FAIL {2}TURN: .*refused/);
    const half = await doctor({ ...environment, TURN_SECRET: secret });
    assert.match(half.stdout, /FAIL {2}TURN_SECRET is set and TURN_URLS is not/);
    const alone = await doctor({ STUN_PORT: String(await freePort()) });
    assert.match(alone.stdout, /ok {4}STUN answers on UDP port \d+; let the firewall pass it/);
  });
});
