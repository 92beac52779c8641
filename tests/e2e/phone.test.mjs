// Phone calls: a browser calls a telephone of the mock provider, and both hear each other.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { preparePhone } from './support/phone_page.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const toneHz = 1000; // of the mock, when it is answered

describe('a phone call', () => {
  let browser;
  let server;
  let page;
  let people = 0;

  before(async () => {
    server = await startServer({ environment: { MEDIA_ADVERTISED_IP: '127.0.0.1' } });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
  });
  afterEach(async () => {
    await page?.context().close();
    page = undefined;
  });

  async function open() {
    const { token } = await register(server, `Caller${(people += 1)}`);
    const context = await browser.newContext({ permissions: ['microphone'] });
    page = await context.newPage();
    await page.goto(server.url);
    await page.evaluate(preparePhone, { token });
    return page;
  }
  const dial = (number, options) => page.evaluate(([to, how]) => window.phone.dial(to, how), [number, options]);
  const hears = (hz) => page.evaluate((wanted) => window.phone.hears(wanted), hz);
  const stats = () => page.evaluate(() => window.phone.stats());
  const call = async () =>
    (await page.evaluate(() => window.phone.expect('GET', window.phone.call.call_id)));
  const inProgress = () => until('the call is answered', async () => (await call()).status === 'in_progress');

  for (const [name, number, prefer, codec] of [
    ['as it is', '+491512345678', undefined, 'audio/PCMU'],
    ['with a telephone of A-law, unchanged', '+15005550011', ['audio/PCMU', 'audio/PCMA'], 'audio/PCMA'],
    ['with A-law here and mu-law there', '+491512345678', ['audio/PCMA'], 'audio/PCMA'],
  ]) {
    it(`is heard both ways, ${name}`, async () => {
      await open();
      await dial(number, { prefer });
      await until('the telephone rings', () => hears(440));
      await inProgress();
      const answeredAt = Date.now();
      await until('the tone of the telephone', () => hears(toneHz), 2000);
      assert.ok(Date.now() - answeredAt < 2000);
      await page.evaluate(() => window.phone.tone(600));
      await until('our own tone comes back', () => hears(600));
      const told = await stats();
      assert.equal(told.state, 'connected');
      assert.equal(told.codec, codec);
      assert.ok(told.energy > 0);
      assert.ok(told.received > 50);
      assert.equal(told.lost, 0);
    });
  }

  it('carries the microphone', async () => {
    await open();
    await dial('+491512345678', { source: 'device' });
    await inProgress();
    const first = await stats();
    await until('sound comes back', async () => (await stats()).energy > first.energy + 0.001);
  });

  it('comes back from the telephone within 150 ms', async () => {
    await open();
    await dial('+15005550010');
    await inProgress();
    const delays = [];
    for (let i = 0; i < 5; i += 1) {
      const delay = await page.evaluate((hz) => window.phone.echoDelay(hz), 700 + 200 * i);
      assert.notEqual(delay, null);
      delays.push(delay);
    }
    delays.sort((a, b) => a - b);
    console.log(`round trip: ${delays.map((ms) => Math.round(ms)).join(', ')} ms`);
    assert.ok(delays[2] < 150 + 85, `${delays}`); // the analyser needs 85 ms of sound
  });
});
