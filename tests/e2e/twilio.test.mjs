// Phone calls by Twilio: a browser and a telephone at the other end of Media Streams hear each other.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { ask, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { expectKeyBack } from './support/keys.mjs';
import { preparePhone } from './support/phone_page.mjs';
import { freePort, startServer } from './support/server.mjs';
import { startTwilio } from './support/twilio.mjs';
import { until } from './support/until.mjs';

const number = '+491512345678';

describe('a phone call by Twilio', () => {
  let browser;
  let twilio;
  let server;
  let page;
  let token;

  before(async () => {
    twilio = await startTwilio();
    const port = await freePort();
    server = await startServer({
      port,
      environment: { ...twilio.environment, MEDIA_ADVERTISED_IP: '127.0.0.1', PUBLIC_URL: `http://127.0.0.1:${port}` },
    });
    browser = await launch();
    ({ token } = await register(server, 'Caller'));
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
    await twilio?.stop();
  });
  afterEach(async () => {
    await page?.evaluate(() => window.phone.api('POST', 'terminate', { call_id: window.phone.call.call_id }));
    await page?.context().close();
  });

  async function dial() {
    const context = await browser.newContext({ permissions: ['microphone'] });
    page = await context.newPage();
    await page.goto(server.url);
    await page.evaluate(preparePhone, { token });
    await page.evaluate((to) => window.phone.dial(to), number);
    await until('the call is answered', async () => (await status()).status === 'in_progress');
    await until('the stream is there', () => twilio.last().timer !== undefined);
  }
  const status = () => page.evaluate(() => window.phone.expect('GET', window.phone.call.call_id));
  const hears = (hz) => page.evaluate((wanted) => window.phone.hears(wanted), hz);
  const speak = (hz) => page.evaluate((wanted) => window.phone.tone(wanted), hz);

  it('is heard both ways, and ends at both ends', async () => {
    await dial();
    await speak(600);
    await until('our own tone comes back', () => hears(600));
    await page.evaluate(() => window.phone.expect('POST', `${window.phone.call.call_id}/hold`, { hold: true }));
    await until('on hold there is silence', async () => !(await hears(600)));
    await until('Twilio is told to forget what it has not said yet', () => twilio.last().clears === 1);
    await page.evaluate(() => window.phone.expect('POST', `${window.phone.call.call_id}/hold`, { hold: false }));
    await until('and then sound again', () => hears(600));
    await page.evaluate(() => window.phone.expect('POST', 'terminate', { call_id: window.phone.call.call_id }));
    await until('Twilio has heard of the end', () => twilio.last().status === 'completed');
    assert.ok(twilio.answers.every((code) => code < 300), 'webhooks that the library of Twilio signs are believed');
  });

  it('carries keys both ways', async () => {
    await dial();
    const pressed = page.evaluate(async (bearer) => {
      const source = new EventSource(`/api/calls/${window.phone.call.call_id}/events?token=${bearer}`);
      return new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error('no key')), 30_000);
        source.addEventListener('digit', ({ data }) => resolve(JSON.parse(data).digit));
      });
    }, token);
    await until('the telephone has pressed a key', async () => {
      twilio.last().say('dtmf', { track: 'inbound_track', digit: '5' });
      return (await Promise.race([pressed, new Promise((resolve) => setTimeout(resolve, 100))])) === '5';
    });
    await expectKeyBack(page, [852, 1477], () => page.evaluate(() => window.phone.expect('POST', `${window.phone.call.call_id}/dtmf`, { digits: '9' })));
  });

  it('has its sound back after a stream that broke', async () => {
    await dial();
    await speak(700);
    await until('our own tone comes back', () => hears(700));
    const broken = twilio.last().socket;
    broken.terminate();
    await until('another stream', () => twilio.last().socket !== broken && twilio.last().socket.readyState === 1);
    await speak(900);
    await until('our new tone comes back', () => hears(900));
  });

  it('is over when the telephone hangs up', async () => {
    await dial();
    await twilio.last().end('completed');
    await until('the call is over', async () => (await status()).status === 'completed');
    const { body } = await ask(server, 'GET', '/api/calls/history?limit=1', { token });
    assert.equal(body.calls[0].status, 'completed');
  });
});
