// Telephones through the web app: the pad, a call's progress and keys, how ends are told, and a telephone that calls two
// devices of one person. That sound comes is seen here,
// what it is like in phone.test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Device, launch } from './support/browser.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const answers = '+491512345678';
const busy = '+15005550001';
const ringsForEver = '+15005550002';
const cannotBeDialed = '+15005550003';
const callsBack = '+15005550010';
const callsBackAndGivesUp = '+15005550011';

const byId = (id) => `[data-testid="${id}"]`;

describe('phone calls in the web app', { timeout: 180_000 }, () => {
  let server;
  let browser;
  let desk;
  let pocket;
  const alice = { name: 'Alice', email: 'alice@example.org', password: 'correct horse' };

  /** Notes every status that the page shows, however shortly, and that a telephone calls. */
  const noteStatuses = ({ page }) =>
    page.evaluate(() => {
      window.shown = new Set();
      const look = () => {
        const status = document.querySelector('[data-testid="phone-screen"]')?.dataset.status;
        if (status) window.shown.add(status);
        if (document.querySelector('[data-testid="phone-incoming"]')) window.shown.add('incoming');
      };
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
  const awaitShown = ({ page }, what) => until(what, () => page.evaluate((wanted) => window.shown.has(wanted), what), 30_000);
  const dial = async (device, number) => {
    for (const { page } of [desk, pocket]) await page.evaluate(() => window.shown.clear());
    await device.click('nav-phone');
    await device.page.locator(`${byId('dial-number')}:visible`).fill(number);
    await device.page.locator(`${byId('dial')}:visible`).click();
  };
  const awaitEnded = (device, status) => device.page.locator(`${byId('phone-ended')}[data-status="${status}"]`).waitFor();
  const close = async (device) => {
    // Some ends go by themselves after a while.
    await device.find('phone-close').click({ timeout: 3000 }).catch(() => {});
    await device.find('phone-ended').waitFor({ state: 'detached' });
  };

  before(async () => {
    server = await startServer({ environment: { MEDIA_ADVERTISED_IP: '127.0.0.1', VOIP_DENY_PREFIXES: '+7', SHUTDOWN_TIMEOUT: '100ms' } });
    browser = await launch();
    desk = await Device.open(browser, server.url);
    await desk.signUp(alice);
    pocket = await Device.open(browser, server.url);
    await pocket.signIn(alice);
    await Promise.all([desk, pocket].map(noteStatuses));
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
  });

  it('are dialed with the keys, held, muted and hung up', async () => {
    await desk.click('nav-phone');
    for (const key of answers.slice(1)) await desk.page.locator(`${byId(`key-${key}`)}:visible`).click();
    const field = desk.page.locator(`${byId('dial-number')}:visible`);
    assert.equal(await field.inputValue(), answers.slice(1));
    await desk.page.locator(`${byId('dial')}:visible`).click();
    assert.equal(await field.getAttribute('aria-invalid'), 'true', 'it begins with no plus');

    await dial(desk, '0049 151 2345678');
    await awaitShown(desk, 'ringing');
    await awaitShown(desk, 'in_progress');
    await desk.find('phone-timer').waitFor();
    await desk.page.locator(`${byId('phone-screen')}[data-media="connected"]`).waitFor();
    await desk.awaitSound();
    await desk.click('phone-keypad');
    await desk.find('phone-screen').locator(byId('key-5')).click();
    await desk.page.keyboard.press('7');
    await desk.page.waitForFunction(() => document.querySelector('[data-testid="phone-pressed"]')?.textContent === '57');
    await desk.click('phone-hold');
    await desk.page.locator(`${byId('phone-hold')}[data-active="true"]`).waitFor();
    await desk.page.keyboard.press('m');
    await desk.page.locator(`${byId('phone-mute')}[data-active="true"]`).waitFor();
    await desk.click('phone-hangup');
    await awaitEnded(desk, 'completed');
    await close(desk);
    await desk.page.locator(`${byId('history-item')}[data-status="completed"][data-direction="outgoing"]:visible`).first().waitFor();
  });

  it('end in words: busy, refused, not allowed, cancelled', async () => {
    await dial(desk, busy);
    await awaitEnded(desk, 'busy');
    await close(desk);
    await dial(desk, cannotBeDialed);
    await desk.page.locator(`${byId('phone-ended')}[data-why="refused"]`).waitFor();
    await close(desk);
    await dial(desk, '+74951234567');
    await desk.find('phone-ended').filter({ hasText: 'This number may not be called' }).waitFor();
    await close(desk);
    await dial(desk, ringsForEver);
    await awaitShown(desk, 'ringing');
    await desk.click('phone-hangup');
    await awaitEnded(desk, 'canceled');
    await close(desk);
  });

  it('ring on every device until one has answered', async () => {
    await dial(desk, callsBack);
    await awaitEnded(desk, 'busy');
    await close(desk);
    await desk.find('phone-incoming').waitFor();
    await pocket.find('phone-incoming').waitFor();
    await pocket.click('phone-accept');
    await awaitShown(pocket, 'in_progress');
    await pocket.awaitSound();
    await desk.find('phone-incoming').waitFor({ state: 'detached' });
    assert.equal(await desk.find('phone-screen').count(), 0, 'the call is on the other device');
    await pocket.click('phone-hangup');
    await awaitEnded(pocket, 'completed');
    await close(pocket);
  });

  it('are missed when the caller gives up, and declined when they are not wanted', async () => {
    await dial(desk, callsBackAndGivesUp);
    await awaitEnded(desk, 'busy');
    await close(desk);
    await awaitShown(pocket, 'incoming');
    await awaitEnded(desk, 'canceled');
    await awaitEnded(pocket, 'canceled');
    await close(desk);
    await close(pocket);
    await dial(desk, callsBack);
    await awaitEnded(desk, 'busy');
    await close(desk);
    await desk.find('phone-incoming').waitFor();
    await desk.click('phone-decline');
    await desk.find('phone-incoming').waitFor({ state: 'detached' });
    await pocket.find('phone-incoming').waitFor({ state: 'detached' });
    await pocket.click('nav-phone');
    await pocket.page.locator('.phone-recents input[value="missed"]').check();
    await pocket.page.locator(`${byId('history-item')}[data-missed="true"]:visible`).first().waitFor();
    assert.equal(await pocket.page.locator(`${byId('history-item')}[data-direction="outgoing"]`).count(), 0);
  });

  it('leave no errors on the page', () => {
    assert.deepEqual([...desk.errors, ...pocket.errors], []);
  });
});
