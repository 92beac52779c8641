// Phone calls in Firefox, judged by getStats: without a sound card it gives Web Audio nothing to measure.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { register } from './support/api.mjs';
import { absent, launch } from './support/firefox.mjs';
import { preparePhone } from './support/phone_page.mjs';
import { startServer } from './support/server.mjs';
import { until as waitUntil } from './support/until.mjs';

const until = (what, check) => waitUntil(what, check, 30_000);

describe('a phone call in Firefox', { timeout: 120_000, skip: absent() }, () => {
  let browser;
  let server;
  let people = 0;

  before(async () => {
    server = await startServer();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
  });

  for (const [name, number, how, codec] of [
    ['as it is', '+491512345678', {}, 'audio/PCMU'],
    ['with Opus alone and a steady stream', '+15005550022', { without: [0, 8, 101] }, 'audio/opus'],
  ]) {
    it(`is heard both ways, ${name}`, async () => {
      const { token } = await register(server, `Fox${(people += 1)}`);
      const page = await browser.newPage();
      await page.goto(new URL('/healthz', server.url).href);
      await page.evaluate(preparePhone, { token });
      await page.evaluate(({ to, with: options }) => window.phone.dial(to, options), { to: number, with: { ...how, source: 'device' } });
      const stats = () => page.evaluate(() => window.phone.stats());
      await until('the tone of the telephone', async () => (await stats()).energy > 0.01);
      // The tone is over after a second of it; what is heard then is the microphone's.
      const { received } = await stats();
      await until('the tone is over', async () => (await stats()).received > received + 100);
      const first = await stats();
      await until('our own sound comes back', async () => {
        const now = await stats();
        return { done: now.energy > first.energy + 0.05, first, now };
      });
      const told = await stats();
      assert.equal(told.state, 'connected');
      assert.equal(told.codec, codec);
      assert.equal(told.sentCodec, codec);
      assert.ok(told.energy > 0);
      await page.evaluate(() => window.phone.api('POST', 'terminate', { call_id: window.phone.call.call_id }));
    });
  }
});
