// Rooms through the web app: three people in one group, what they see of each other, and what getStats says of it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Device, launch } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const byId = (id) => `[data-testid="${id}"]`;
const patienceMs = 60_000;
const names = ['Ada', 'Boris', 'Clara'];

/** Of the incoming streams: how many pictures move, and how many sounds are heard, since the last question. */
async function awaitOthers(device, pictures, sounds) {
  await device.page.waitForFunction(
    async ([wantedPictures, wantedSounds]) => {
      const connection = window.__zvonok.currentPeerConnection();
      if (!connection) return false;
      const first = (window.__firstStats ??= new Map());
      let moving = 0;
      let heard = 0;
      for (const report of (await connection.getStats()).values()) {
        if (report.type !== 'inbound-rtp') continue;
        const known = first.get(report.id) ?? first.set(report.id, { frames: report.framesDecoded ?? 0, energy: report.totalAudioEnergy ?? 0 }).get(report.id);
        if (report.kind === 'video' && report.framesDecoded > known.frames + 5) moving += 1;
        if (report.kind === 'audio' && report.totalAudioEnergy > known.energy + 0.0005) heard += 1;
      }
      return moving >= wantedPictures && heard >= wantedSounds;
    },
    [pictures, sounds],
    { polling: 200 },
  );
}

/** Stats are compared with those of now from here on. */
const forgetStats = (device) => device.page.evaluate(() => void (window.__firstStats = undefined));

/** Runs in the page: a quarter of the pixels, since three browsers that encode three layers each keep a machine busy. */
function smallCamera() {
  const devices = navigator.mediaDevices;
  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = ({ audio, video }) => open({ audio, video: video ? { ...video, width: 640, height: 360, frameRate: 15 } : video });
}

describe('a room in the web app', { timeout: 300_000 }, () => {
  let server;
  let browser;
  let link;
  let ada;
  let boris;
  let clara;

  const enter = async (device) => {
    await device.page.goto(link);
    await device.click('room-join');
  };
  const inside = (device) => device.page.locator(`${byId('room-screen')}[data-state="joined"][data-media="connected"]`).waitFor();
  const line = (device, name) => device.find('room-person').filter({ hasText: name });

  before(async () => {
    server = await startServer();
    browser = await launch();
    [ada, boris, clara] = await Promise.all(names.map(() => Device.open(browser, server.url)));
    for (const { page } of [ada, boris, clara]) {
      page.setDefaultTimeout(patienceMs);
      await page.addInitScript(smallCamera);
      await page.evaluate(smallCamera);
    }
    await Promise.all(
      [ada, boris, clara].map((device, index) =>
        device.signUp({ name: names[index], email: `${names[index].toLowerCase()}@example.org`, password: 'a long password' }),
      ),
    );
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
  });

  it('is made with its group, and entered by its link', async () => {
    await ada.click('nav-groups');
    await ada.click('group-new');
    await ada.find('group-title').fill('Team');
    for (const name of names.slice(1)) await ada.page.locator('.picker-person', { hasText: name }).click();
    await ada.click('group-create');
    await ada.click('group-join');
    link = ada.page.url();
    assert.match(link, /\/room\/group\//);
    await ada.click('room-join');
    await inside(ada);
    await Promise.all([enter(boris), enter(clara)]);
    await Promise.all([inside(boris), inside(clara)]);
  });

  it('shows and plays everybody the two others', async () => {
    await Promise.all([ada, boris, clara].map((device) => awaitOthers(device, 2, 2)));
    for (const device of [ada, boris, clara]) {
      assert.equal(await device.find('room-tile').count(), 3);
      assert.equal(await device.find('room-count').textContent(), '3 here');
    }
  });

  it('shows a shared screen large to the others, until it is taken away', async () => {
    await forgetStats(boris);
    await clara.click('room-screen-share');
    await Promise.all([ada, boris].map((device) => device.find('room-screen-tile').waitFor()));
    await awaitOthers(boris, 3, 2);
    await clara.click('room-screen-share');
    await Promise.all([ada, boris].map((device) => device.find('room-screen-tile').waitFor({ state: 'detached' })));
  });

  it('lets its host mute somebody, who is told and can speak again', async () => {
    await ada.click('room-people');
    await line(ada, 'Boris').locator(byId('room-mute-other')).click();
    await boris.page.locator('.toast', { hasText: 'Ada muted you' }).waitFor();
    await ada.page.locator(`${byId('room-person')}[data-muted="true"]`, { hasText: 'Boris' }).waitFor();
    await boris.page.locator(`${byId('room-mute')}[data-active="true"]`).waitFor();
    await boris.click('room-mute');
    await ada.page.locator(`${byId('room-person')}[data-muted="false"]`, { hasText: 'Boris' }).waitFor();
    await forgetStats(ada);
    await awaitOthers(ada, 2, 2);
  });

  it('is come back into after a reload of the page', async () => {
    await clara.page.reload();
    await inside(clara);
    await Promise.all([awaitOthers(clara, 2, 2), awaitOthers(boris, 2, 2)]);
  });

  it('tells who is removed, and lets nobody new into a locked room', async () => {
    await line(ada, 'Boris').locator(byId('room-kick')).click();
    await ada.click('room-kick-confirm');
    await boris.page.locator(`${byId('room-ended')}[data-reason="kicked"]`).waitFor();
    await enter(boris);
    await boris.page.locator(`${byId('room-ended')}[data-reason="forbidden"]`).waitFor();
    await ada.click('room-lock');
    await clara.click('room-leave');
    await clara.find('group-join').waitFor();
    await enter(clara);
    await clara.page.locator(`${byId('room-ended')}[data-reason="locked"]`).waitFor();
    await ada.find('room-count').filter({ hasText: /^1 here$/ }).waitFor();
  });

  it('of a private chat is for two: they meet, and nobody else gets in', async () => {
    await ada.click('room-leave');
    await ada.click('nav-people');
    await ada.page.locator('[data-testid^="person-"]').filter({ hasText: 'Clara' }).first().click();
    await ada.click('person-meet');
    await ada.find('room-join').waitFor();
    link = ada.page.url();
    assert.match(link, /\/room\/chat\//);
    await ada.click('room-join');
    await inside(ada);
    await Promise.all([enter(boris), enter(clara)]);
    await inside(clara);
    await Promise.all([ada, clara].map(forgetStats));
    await Promise.all([ada, clara].map((device) => awaitOthers(device, 1, 1)));
    assert.equal(await ada.page.locator('h1').last().textContent(), 'Clara');
    await boris.page.locator(`${byId('room-ended')}[data-reason="forbidden"]`).waitFor();
    await ada.find('room-panel').waitFor(); // still open from the last room
    for (const control of ['room-kick', 'room-lock', 'room-mute-other']) assert.equal(await ada.find(control).count(), 0);
  });

  it('calls a telephone in, which all see and hear, and hangs it up', async () => {
    const tile = (device) => device.page.locator(`${byId('room-tile')}[data-phone="in_progress"]`, { hasText: 'Grandma' });
    await ada.click('room-add-phone');
    await ada.find('room-phone-number').fill('112');
    await ada.click('room-phone-call');
    await ada.page.locator('.dialog .has-error').waitFor();
    await ada.find('room-phone-number').fill('+49 151 2345678');
    await ada.find('room-phone-name').fill('Grandma');
    await ada.click('room-phone-call');
    await Promise.all([ada, clara].map((device) => tile(device).waitFor()));
    await Promise.all([ada, clara].map(forgetStats));
    await Promise.all([ada, clara].map((device) => awaitOthers(device, 1, 2)));
    assert.equal(await ada.find('room-tile').count(), 3);
    await ada.page.locator(`${byId('room-phone')}[data-status="in_progress"][data-muted="false"]`).waitFor();
    await ada.click('room-phone-hangup');
    await Promise.all([ada, clara].map((device) => tile(device).waitFor({ state: 'detached' })));
  });

  it('shows the other large without a stop of the picture', async () => {
    const video = await ada.page.locator(`${byId('room-tile')}[data-self="false"] video`).elementHandle();
    await ada.click('room-layout');
    await ada.page.locator(`${byId('room-scene')}[data-layout="focus"]`).waitFor();
    assert.ok(await video.evaluate((element) => element.isConnected && !element.paused && element.readyState === 4));
    await ada.click('room-layout');
  });

  it('makes no script errors and breaks no content security policy', async () => {
    await ada.click('room-leave');
    await ada.find('person-meet').or(ada.find('nav-people')).first().waitFor();
    assert.deepEqual([ada, boris, clara].flatMap((device) => device.errors), []);
  });
});
