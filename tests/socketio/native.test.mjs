// `zvonok call` on both sides of a call, each in a network of its own that has one TCP port of the server and no other way to
// anywhere: what is said on one side is heard on the other, through Debian's v2ray, until somebody hangs up.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { makeCertificate } from '../e2e/support/certificate.mjs';
import { makeNamespaces, runIn } from '../e2e/support/namespaces.mjs';
import { binary } from '../e2e/support/server.mjs';
import { until } from '../e2e/support/until.mjs';
import { startCalls, token } from './support/calls.mjs';

const port = 8443;
let net;
let server;
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zvonok-native-'));
  const { environment } = makeCertificate(folder, ['10.213.0.1', '10.213.1.1', '10.213.2.1']);
  net = makeNamespaces(2, port);
  server = await startCalls(
    { BIND_ADDRESS: '0.0.0.0', MEDIA_ADVERTISED_IP: '203.0.113.9', ...environment },
    { port, prefix: net.server.prefix },
  );
});
after(async () => {
  await server?.stop();
  net?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const programs = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' };

/** `zvonok call` in the namespace of that client. */
function call(client, user, args) {
  const temp = mkdtempSync(join(folder, 'tmp-'));
  const common = ['call', '--url', `https://${client.server}:${port}`, '--ca', join(folder, 'cert.pem'), '--client', 'v2ray'];
  const run = runIn(client, binary, [...common, ...args], { env: { ...programs, ZVONOK_TOKEN: token(user), TMPDIR: temp } });
  return Object.assign(run, {
    temp,
    says: (text) => until(`"${text}" of ${user}`, () => ({ done: run.stderr.includes(text), said: run.stderr })),
    report: async () => {
      const { code, stdout, stderr } = await run.ended;
      assert.ok(stdout.startsWith('{'), `${user}: ${stdout}${stderr}`);
      return { ...JSON.parse(stdout), code, temp, stderr };
    },
  });
}

/** How much of the sound is that tone, 0 to 1, after the first tenth of a second. */
function shareOf(hertz, path) {
  const bytes = readFileSync(path);
  assert.equal(bytes.toString('latin1', 0, 4), 'RIFF');
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset + 44, (bytes.length - 44) >> 1).subarray(800);
  assert.ok(samples.length > 8000, `${samples.length} samples in ${path}`);
  let [real, imaginary, energy] = [0, 0, 0];
  samples.forEach((sample, at) => {
    real += sample * Math.cos((2 * Math.PI * hertz * at) / 8000);
    imaginary += sample * Math.sin((2 * Math.PI * hertz * at) / 8000);
    energy += sample * sample;
  });
  return (2 * (real ** 2 + imaginary ** 2)) / (samples.length * energy);
}

let calls = 0;
/** Alice calls Bob, both say a tone for two seconds; then somebody hangs up. */
async function talk(argsOfAlice, argsOfBob, { end = (alice) => alice.child.kill('SIGINT') } = {}) {
  calls += 1;
  const [atAlice, atBob] = [join(folder, `alice${calls}.wav`), join(folder, `bob${calls}.wav`)];
  const bob = call(net.clients[1], `bob-n${calls}`, ['--wait', '--tone', '1000', '--record', atBob, ...argsOfBob]);
  await bob.says('waiting for a call');
  const alice = call(net.clients[0], `alice-n${calls}`, ['--to', `bob-n${calls}`, '--tone', '440', '--record', atAlice, ...argsOfAlice]);
  await Promise.all([alice.says('talking'), bob.says('talking')]);
  await new Promise((resolve) => setTimeout(resolve, 2000)); // what is measured is two seconds of sound
  const during = { connections: connectionsOf(net.clients[0]) };
  const ended = performance.now();
  end(alice, bob);
  const reports = await Promise.all([alice.report(), bob.report()]);
  return { alice: reports[0], bob: reports[1], atAlice, atBob, during, seconds: (performance.now() - ended) / 1000 };
}

/** Where the TCP connections of a namespace go that are not its own. */
function connectionsOf(client) {
  const text = execFileSync('ip', ['netns', 'exec', client.name, 'cat', '/proc/net/tcp', '/proc/net/tcp6'], { env: programs }).toString();
  const addresses = text.split('\n').map((line) => line.trim().split(/\s+/)).filter((row) => row[3] === '01').map((row) => row[2]);
  const hexIp = Buffer.from(client.server.split('.').map(Number).reverse()).toString('hex').toUpperCase();
  const outside = addresses.filter((address) => !address.startsWith('0100007F:') && !address.includes('0100007F:'));
  return { outside, strange: outside.filter((address) => !address.endsWith(`${hexIp}:${port.toString(16).toUpperCase().padStart(4, '0')}`)) };
}

const exits = (client, script) => runIn(client, 'bash', ['-c', script], { env: programs }).ended;
const ask = async (path, headers = {}) => {
  const request = https.get({ host: net.server.address, port, path, headers, ca: readFileSync(join(folder, 'cert.pem')), agent: false });
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
};
const history = async (user) => JSON.parse(await ask('/api/calls/history', { Authorization: `Bearer ${token(user)}` }));
const metric = async (line) => {
  const text = await ask('/metrics');
  return Number(text.split('\n').find((one) => one.startsWith(`${line} `))?.split(' ')[1]);
};

describe('native clients without any other way than the tunnel', { timeout: 55_000 }, () => {
  it('reach the one port of the server, and neither each other nor its media', async () => {
    const [alice] = net.clients;
    assert.equal((await exits(alice, `exec 3<>/dev/tcp/${alice.server}/${port}`)).code, 0);
    for (const target of [`tcp/${net.clients[1].server}/${port}`, 'tcp/10.213.2.2/22', 'udp/10.213.2.2/9', `udp/${alice.server}/10000`, `tcp/${alice.server}/10000`]) {
      assert.notEqual((await exits(alice, `exec 3<>/dev/${target}`)).code, 0, target);
    }
  });

  it('hear each other by UDP, and nothing is left when one hangs up', async () => {
    const config = join(folder, 'kept.json');
    const cutBefore = await metric('zvonok_tunnel_streams_ended_total{reason="call_ended"}');
    const { alice, bob, atAlice, atBob, during, seconds } = await talk([], ['--config-out', config]);
    assert.deepEqual([alice.code, bob.code], [0, 0], `${alice.stderr}${bob.stderr}`);
    assert.deepEqual([alice.reason, bob.reason], ['interrupted', 'hangup']);
    assert.match(alice.stderr, /code \d{4} \d{4}/);
    assert.equal(/code [\d ]+/.exec(alice.stderr)[0], /code [\d ]+/.exec(bob.stderr)[0], 'both show the same digits');
    for (const one of [alice, bob]) {
      assert.equal(one.received.by_tcp, 0);
      assert.ok(one.received.packets > 90, `${one.self} heard ${one.received.packets} packets`);
      assert.equal(one.received.undecodable + one.received.malformed + one.received.foreign, 0);
      assert.ok(one.received.lost <= 2, `${one.received.lost} lost`);
      assert.deepEqual(readdirSync(one.temp), [], 'no file of the tunnel client is left');
    }
    assert.ok(shareOf(1000, atAlice) > 0.95, `at Alice's: ${shareOf(1000, atAlice)}`);
    assert.ok(shareOf(440, atBob) > 0.95, `at Bob's: ${shareOf(440, atBob)}`);
    assert.ok(during.connections.outside.length >= 2, 'signalling and the tunnel');
    assert.deepEqual(during.connections.strange, [], 'all of it to the one port');
    assert.ok(seconds < 2, `both were done ${seconds} s after the hangup`);
    assert.ok((await metric('zvonok_tunnel_streams_ended_total{reason="call_ended"}')) > cutBefore);

    // What the call has used is in the history, for both.
    for (const [viewer, direction] of [[alice.self, 'outgoing'], [bob.self, 'incoming']]) {
      const { calls } = await history(viewer);
      assert.deepEqual([calls[0].kind, calls[0].direction], ['tunnel', direction]);
      const { tunnel } = calls[0];
      assert.ok(tunnel.seconds >= 2 && tunnel.seconds <= 10, JSON.stringify(tunnel));
      for (const [side, one, other] of [['caller', alice, bob], ['callee', bob, alice]]) {
        // Besides the sound: STUN to the server, and its answer. What was still on its way when the call ended is cut and not counted,
        // so what the other has heard is the least, and what one has said the most.
        const { bytes_sent: bytes, packets_sent: packets } = tunnel[side];
        const figures = JSON.stringify({ tunnel, sent: one.sent, received: one.received, heard: other.received });
        assert.ok(packets >= other.received.packets && packets < one.sent.packets + 20, figures);
        assert.ok(bytes >= other.received.bytes && bytes < one.sent.bytes + 20 * 100, figures);
        assert.ok(tunnel[side].bytes_received >= one.received.bytes && tunnel[side].packets_received >= one.received.packets, figures);
      }
    }

    // The key of the call that is over opens nothing.
    assert.equal(statSync(config).mode & 0o777, 0o600);
    const { inbounds } = JSON.parse(readFileSync(config, 'utf8'));
    const late = runIn(net.clients[1], 'v2ray', ['-config', config], { env: programs });
    const script = `for i in $(seq 100); do exec 3<>/dev/tcp/127.0.0.1/${inbounds[0].port} && break; sleep 0.05; done 2>/dev/null
      printf '\\x05\\x01\\x00' >&3; head -c 2 <&3 >/dev/null; printf '\\x05\\x01\\x00\\x01\\xc6\\x12\\x00\\x02\\x27\\x10' >&3; head -c 10 <&3 >/dev/null
      printf '\\x00\\x14\\x00\\x01\\x00\\x00\\x21\\x12\\xa4\\x42abcdefghijkl' >&3; timeout 3 head -c 1 <&3 | wc -c`;
    const { stdout } = await exits(net.clients[1], script);
    assert.equal(stdout.trim(), '0', 'STUN at the virtual address does not answer any more');
    late.child.kill('SIGKILL');
  });

  it('hear each other by TCP, and so do a client of TCP and one of UDP', async () => {
    for (const bobs of [['--transport', 'tcp'], []]) {
      const { alice, bob, atAlice, atBob } = await talk(['--transport', 'tcp'], bobs, { end: (_, other) => other.child.kill('SIGTERM') });
      assert.deepEqual([alice.code, bob.code], [0, 0], `${alice.stderr}${bob.stderr}`);
      assert.equal(bob.received.by_udp, 0);
      assert.ok(shareOf(1000, atAlice) > 0.95 && shareOf(440, atBob) > 0.95);
    }
  });

  it('decode nothing with another secret, and show other digits', async () => {
    const secrets = ['one', 'another'].map((text) => {
      writeFileSync(join(folder, text), `${text}\n`);
      return ['--secret-file', join(folder, text)];
    });
    const { alice, bob, atAlice } = await talk(...secrets);
    assert.deepEqual([alice.code, bob.code], [4, 4]);
    assert.notEqual(/code [\d ]+/.exec(alice.stderr)[0], /code [\d ]+/.exec(bob.stderr)[0]);
    assert.equal(alice.received.packets, 0);
    assert.ok(alice.received.undecodable > 90);
    assert.equal(statSync(atAlice).size, 44, 'nothing was recorded');
  });

  it('say why there was no call', async () => {
    const offline = await call(net.clients[0], 'alice-n', ['--to', 'nobody-at-all']).report();
    assert.deepEqual([offline.code, offline.outcome], [3, 'not-answered'], offline.reason);
    const alone = await call(net.clients[0], 'alice-n', ['--wait', '--wait-max', '200ms']).report();
    assert.deepEqual([alone.code, alone.reason], [3, 'nobody called']);
    const stranger = runIn(net.clients[0], binary, ['call', '--url', `https://${net.clients[0].server}:${port}`, '--wait'], { env: { ...programs, ZVONOK_TOKEN: 'x' } });
    const refused = await stranger.ended;
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /certificate/, 'which nobody has said to trust');
  });
});
