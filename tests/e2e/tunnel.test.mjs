// Two Chromiums in networks of their own, from which one TCP port of the server is all that can be reached: they meet in a
// room through SOCKS and VLESS, by ICE-TCP at the virtual address. `zvonok call` makes the call whose tunnels they use.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startRooms, token } from '../rooms/support/server.mjs';
import { launch } from './support/browser.mjs';
import { makeCertificate } from './support/certificate.mjs';
import { makeNamespaces, runIn } from './support/namespaces.mjs';
import { enter, received } from './support/room_page.mjs';
import { binary } from './support/server.mjs';
import { until } from './support/until.mjs';

const port = 8443;
const patienceMs = 30_000;

/** Runs in the page: where its media goes, and what comes of it. */
async function look() {
  const reports = await window.pc.getStats();
  const all = [...reports.values()];
  const pair = reports.get(all.find((report) => report.type === 'transport')?.selectedCandidatePairId);
  const remote = pair && reports.get(pair.remoteCandidateId);
  const inbound = all.filter((report) => report.type === 'inbound-rtp');
  return {
    state: window.pc.connectionState,
    remote: remote && `${remote.protocol} ${remote.address}`,
    frames: inbound.reduce((sum, report) => sum + (report.framesDecoded ?? 0), 0),
    energy: inbound.reduce((sum, report) => sum + (report.totalAudioEnergy ?? 0), 0),
    local: window.pc.localDescription?.sdp.match(/a=candidate:.*/g) ?? [],
    failures: window.failures,
  };
}

describe('browsers without any other way than the tunnel', { timeout: 150_000 }, () => {
  let folder;
  let net;
  let server;
  const calls = [];
  const browsers = [];
  const pages = [];

  const callIn = (client, user, args) => {
    const config = join(folder, `${user}.json`);
    const common = ['call', '--url', `https://${client.server}:${port}`, '--ca', join(folder, 'cert.pem'), '--client', 'v2ray', '--config-out', config];
    const call = runIn(client, binary, [...common, ...args], { env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', ZVONOK_TOKEN: token(user), TMPDIR: folder } });
    calls.push(call);
    const says = (text) => until(`"${text}" of ${user}`, () => ({ done: call.stderr.includes(text), said: call.stderr }), patienceMs);
    return { ...call, says, proxy: () => JSON.parse(readFileSync(config, 'utf8')).inbounds[0].port };
  };
  /** The browser of that client in the room, by its proxy. */
  const joinBy = async (client, user, proxy) => {
    const executable = join(folder, `${user}.sh`);
    writeFileSync(executable, `#!/bin/sh\nexec ${client.prefix.join(' ')} ${process.env.CHROMIUM ?? '/usr/bin/chromium'} "$@"\n`);
    chmodSync(executable, 0o755);
    const browser = await launch({
      executable,
      args: [
        `--proxy-server=socks5://127.0.0.1:${proxy}`,
        `--proxy-bypass-list=${client.server}`,
        '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
        '--webrtc-ip-handling-policy=disable_non_proxied_udp', // its newer name
        '--ignore-certificate-errors',
      ],
    });
    browsers.push(browser);
    const context = await browser.newContext({ permissions: ['camera', 'microphone'], ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`https://${client.server}:${port}/healthz`);
    await page.evaluate(enter, { path: `/api/v1/group/tunnelled/call?token=${token(user)}`, session: `session-${user}`, style: 'waits', frameRate: 15 });
    pages.push(page);
    return page;
  };
  const bothPlay = (what, more = { frames: 10, energy: 0.001 }, since = [{ frames: 0, energy: 0 }, { frames: 0, energy: 0 }]) =>
    until(what, async () => {
      const now = await Promise.all(pages.map((page) => page.evaluate(look)));
      return { done: now.every((one, i) => one.frames > since[i].frames + more.frames && one.energy > since[i].energy + more.energy), now };
    }, patienceMs).then(({ now }) => now);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zvonok-e2e-tunnel-'));
    const { environment } = makeCertificate(folder, ['10.213.0.1', '10.213.1.1', '10.213.2.1']);
    net = makeNamespaces(2, port);
    server = await startRooms(
      { BIND_ADDRESS: '0.0.0.0', MEDIA_ADVERTISED_IP: '203.0.113.9', SHUTDOWN_TIMEOUT: '500ms', ...environment },
      { port, prefix: net.server.prefix },
    );
    const [alice, bob] = net.clients;
    const bobs = callIn(bob, 'bob', ['--wait']);
    await bobs.says('waiting for a call');
    const alices = callIn(alice, 'alice', ['--to', 'bob']);
    await Promise.all([alices.says('talking'), bobs.says('talking')]);
    await joinBy(alice, 'alice', alices.proxy());
    await joinBy(bob, 'bob', bobs.proxy());
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    calls.forEach(({ child }) => child.kill('SIGTERM'));
    await Promise.all(calls.map(({ ended }) => ended));
    await server?.stop();
    net?.remove();
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  });

  it('see and hear each other by ICE-TCP at the virtual address', async () => {
    for (const one of await bothPlay('pictures and sound')) {
      assert.equal(one.remote, 'tcp 198.18.0.2');
      assert.deepEqual(one.failures, []);
      assert.deepEqual(one.local.filter((candidate) => / udp /.test(candidate)), [], 'no way past the proxy was even tried');
    }
    for (const page of pages) assert.deepEqual((({ decoding, hearing }) => [decoding, hearing])(await page.evaluate(received)), [1, 1]);
  });

  it('go on after an ICE restart', async () => {
    const before = await bothPlay('pictures and sound');
    await pages[0].evaluate(async () => {
      window.pc.restartIce();
      await window.pc.setLocalDescription();
      window.ws.send(JSON.stringify({ type: 'offer', payload: window.pc.localDescription, roomId: 1, sessionId: 'session-alice' }));
    });
    await until('an answer', () => pages[0].evaluate(() => window.pc.signalingState === 'stable'), patienceMs);
    for (const one of await bothPlay('pictures and sound go on', { frames: 20, energy: 0.001 }, before)) {
      assert.deepEqual([one.state, one.remote], ['connected', 'tcp 198.18.0.2']);
    }
  });

  it('are cut off with the call', async () => {
    calls[0].child.kill('SIGINT');
    const { code, stdout } = await calls[0].ended;
    assert.equal(code, 0, stdout);
    await calls[1].ended;
    await until('nothing comes any more', async () => {
      const first = await Promise.all(pages.map((page) => page.evaluate(look)));
      await pages[0].waitForTimeout(500);
      const second = await Promise.all(pages.map((page) => page.evaluate(look)));
      return second.every((one, i) => one.frames === first[i].frames && one.state !== 'connected');
    }, patienceMs);
  });
});
