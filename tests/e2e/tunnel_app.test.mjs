// Calls through a tunnel in the web app, in browsers whose proxy was set by hand: one calls the other, both start v2ray with the
// file that the app gives them, and their media goes through it, since the address that the server has outside leads nowhere.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ask, post } from './support/api.mjs';
import { Device, launch } from './support/browser.mjs';
import { freePort, startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const patienceMs = 45_000;
const byId = (id) => `[data-testid="${id}"]`;

/** Runs in the page: where media goes, and what is heard. */
async function hear() {
  const connection = window.__zvonok.currentPeerConnection();
  const reports = connection ? await connection.getStats() : new Map();
  const all = [...reports.values()];
  const pair = reports.get(all.find(({ type }) => type === 'transport')?.selectedCandidatePairId);
  const remote = pair && reports.get(pair.remoteCandidateId);
  const sound = all.filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio');
  return { remote: remote && `${remote.protocol} ${remote.address}`, energy: sound.reduce((sum, { totalAudioEnergy }) => sum + totalAudioEnergy, 0) };
}

describe('the tunnel in the web app', { timeout: 240_000 }, () => {
  let server;
  let folder;
  const browsers = [];
  const programs = [];
  const devices = [];
  const people = ['Ada', 'Boris'].map((name) => ({ name, email: `${name.toLowerCase()}@tunnel.example`, password: 'correct horse battery' }));

  const open = async (person, proxy) => {
    const args = [
      `--proxy-server=socks5://127.0.0.1:${proxy}`,
      '--proxy-bypass-list=127.0.0.1',
      '--webrtc-ip-handling-policy=disable_non_proxied_udp',
      '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
    ];
    const browser = await launch({ args: proxy ? args : [] });
    browsers.push(browser);
    const device = await Device.open(browser, server.url);
    await device.signUp(person);
    return Object.assign(device, { proxy });
  };
  /** Downloads the file, lets v2ray run with it where the browser's proxy is, and says so. */
  const startByHand = async (device, name) => {
    await device.find('tunnel-file').waitFor();
    const [download] = await Promise.all([device.page.waitForEvent('download'), device.click('tunnel-file')]);
    const config = JSON.parse(readFileSync(await download.path(), 'utf8'));
    config.inbounds[0].port = device.proxy;
    delete config.version;
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const program = spawn('v2ray', ['-config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    programs.push(program);
    let said = '';
    for (const stream of [program.stdout, program.stderr]) stream.on('data', (data) => (said += data));
    await until('v2ray runs', () => ({ done: /started/.test(said), said }), patienceMs);
    await device.click('tunnel-runs');
  };
  const openSettings = async (device) => {
    await device.click('nav-settings');
    await device.find('tunnel-check').waitFor();
  };
  const makeGroup = async ({ email, password }, id) => {
    const { body } = await ask(server, 'POST', '/api/auth/login', { body: { email, password } });
    await post(server, '/api/v1/groups', { id, title: 'Try' }, body.access_token);
  };
  /** The room goes on under every page. */
  const openSettingsBesideRoom = async (device) => {
    await device.page.evaluate(() => history.back());
    await openSettings(device);
  };
  const check = async (device) => {
    await device.click('tunnel-check');
    const way = device.find('tunnel-way');
    await way.waitFor();
    return way.evaluate((element) => ({ ...element.dataset }));
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zvonok-e2e-tunnel-app-'));
    server = await startServer({ environment: { MEDIA_ADVERTISED_IP: '203.0.113.9' } });
    devices.push(await open(people[0], await freePort()), await open(people[1], await freePort()));
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    for (const program of programs) {
      if (program.exitCode !== null) continue;
      program.kill('SIGTERM');
      await once(program, 'exit');
    }
    await server?.stopAndClean();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('says what a browser can do and which proxy it needs, and that media has no way yet', async () => {
    const [ada] = devices;
    await openSettings(ada);
    await ada.find('tunnel-plain').waitFor();
    assert.equal(await ada.find('tunnel-socks').textContent(), '127.0.0.1:10808');
    assert.equal((await check(ada)).path, 'none', 'there is no room to try it with');
    await ada.click('nav-groups');
    await makeGroup(people[0], 'try');
    await openSettings(ada);
    assert.deepEqual((({ path, leaks }) => ({ path, leaks }))(await check(ada)), { path: 'none', leaks: 'false' });
  });

  it('a call: both start the tunnel by hand, hear each other through it, and are told so', async () => {
    const [ada, boris] = devices;
    for (const device of devices) {
      await openSettings(device);
      await device.page.getByRole('switch', { name: 'Take and make calls through a tunnel' }).click();
    }
    await ada.click('nav-people');
    const person = ada.page.locator('[data-testid^="person-"]').filter({ hasText: 'Boris' }).first();
    await person.click();
    await ada.click('person-tunnel');
    await boris.click('tunnel-accept');
    await Promise.all([startByHand(ada, 'ada'), startByHand(boris, 'boris')]);
    for (const device of devices) await device.page.locator(`${byId('room-screen')}[data-state="joined"][data-media="connected"]`).waitFor();
    const heard = await until('sound', async () => {
      const now = await Promise.all(devices.map(({ page }) => page.evaluate(hear)));
      return { done: now.every(({ energy }) => energy > 0.001), now };
    }, patienceMs);
    assert.deepEqual(heard.now.map(({ remote }) => remote), ['tcp 198.18.0.2', 'tcp 198.18.0.2']);
    await openSettingsBesideRoom(ada);
    assert.deepEqual((({ path, leaks }) => ({ path, leaks }))(await check(ada)), { path: 'tunnel', leaks: 'false' });
  });

  it('ends for both when one leaves', async () => {
    const [ada, boris] = devices;
    await boris.click('room-leave');
    await until('the call is over', async () => {
      const left = await ada.page.locator(byId('room-screen')).count();
      const { energy } = await ada.page.evaluate(hear);
      await ada.page.waitForTimeout(300);
      return left === 0 && (await ada.page.evaluate(hear)).energy === energy;
    }, patienceMs);
    assert.deepEqual([ada.errors, boris.errors], [[], []]);
  });

  it('tells a browser without a proxy that its media would go past a tunnel', async () => {
    const person = { name: 'Clara', email: 'clara@tunnel.example', password: 'correct horse battery' };
    const clara = await open(person, null);
    await openSettings(clara);
    await clara.find('tunnel-plain').waitFor();
    await makeGroup(person, 'hers');
    assert.equal((await check(clara)).leaks, 'true');
  });
});
