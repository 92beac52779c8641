// Phone calls: a browser calls a telephone of the mock provider, and both hear each other.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { expectEchoWithin150Ms } from './support/echo.mjs';
import { register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { expectKeyBack } from './support/keys.mjs';
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
    await page?.evaluate(() => window.phone?.call && window.phone.api('POST', 'terminate', { call_id: window.phone.call.call_id }));
    await page?.context().close();
    page = undefined;
  });

  async function open() {
    const { token } = await register(server, `Caller${(people += 1)}`);
    const context = await browser.newContext({ permissions: ['microphone'] });
    page = await context.newPage();
    await page.goto(server.url);
    await page.evaluate(preparePhone, { token });
    return { token };
  }
  const dial = (number, options) => page.evaluate(([to, how]) => window.phone.dial(to, how), [number, options]);
  const hears = (hz) => page.evaluate((wanted) => window.phone.hears(wanted), hz);
  const stats = () => page.evaluate(() => window.phone.stats());
  const call = () => page.evaluate(() => window.phone.expect('GET', window.phone.call.call_id));
  const set = (what, on) =>
    page.evaluate(([name, to]) => window.phone.expect('POST', `${window.phone.call.call_id}/${name}`, { [name]: to }), [what, on]);
  const inProgress = () => until('the call is answered', async () => (await call()).status === 'in_progress');

  const ulaw = 'audio/PCMU';
  const alaw = 'audio/PCMA';
  const opus = 'audio/opus';
  const events = 'audio/telephone-event';
  for (const [name, number, how, sent, received] of [
    ['as it is', '+491512345678', {}, ulaw, ulaw],
    ['with a telephone of A-law, unchanged', '+15005550021', { prefer: [ulaw, alaw] }, ulaw, alaw],
    ['with A-law here and mu-law there', '+491512345678', { prefer: [alaw], without: [0] }, alaw, alaw],
    ['by a browser that takes Opus alone and sends the best offered', '+491512345678', { prefer: [opus, events] }, ulaw, opus],
    ['by a browser that knows Opus alone', '+491512345678', { without: [0, 8, 101] }, opus, opus],
    ['with a telephone that wants a steady stream', '+15005550022', {}, ulaw, ulaw],
    ['with Opus and a steady stream', '+15005550022', { without: [0, 8, 101] }, opus, opus],
  ]) {
    it(`is heard both ways, ${name}`, async () => {
      await open();
      await page.evaluate((hz) => window.phone.noteSound(hz), toneHz);
      await dial(number, how);
      await inProgress();
      const answeredAt = Date.now();
      const heardAt = await until('the tone of the telephone', () => page.evaluate(() => window.phone.heardAt));
      assert.ok(heardAt - answeredAt < 2000, `after ${heardAt - answeredAt} ms`);
      await page.evaluate(() => window.phone.tone(600));
      await until('our own tone comes back', () => hears(600));
      const { told } = await until('a second of sound', async () => {
        const now = await stats();
        return { done: now.received > 50, told: now };
      });
      assert.equal(told.state, 'connected');
      assert.equal(told.codec, received);
      assert.equal(told.sentCodec, sent);
      assert.ok(told.energy > 0);
      assert.equal(told.lost, 0);
    });
  }

  for (const [name, how] of [['as it is', {}], ['by a browser that knows Opus alone', { without: [0, 8, 101] }]]) {
    it(`is heard to ring before it is answered, ${name}`, async () => {
      await open();
      await dial('+15005550002', how); // for as long as it takes
      await until('the telephone rings', () => hears(440));
      assert.equal((await call()).status, 'ringing');
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
    await dial('+15005550020');
    await inProgress();
    await expectEchoWithin150Ms(page);
  });

  it('carries digits of the browser, each once', async () => {
    await open();
    await dial('+491512345678', { source: 'device' });
    await inProgress();
    await until('the telephone is done with its tone', async () => !(await hears(toneHz)));
    await expectKeyBack(page, [770, 1336], () => page.evaluate(() => window.phone.sender.dtmf.insertDTMF('5', 160, 70)));
  });

  it('carries digits of the telephone, and tells them', async () => {
    const { token } = await open();
    await dial('+15005550023');
    const digits = await page.evaluate(async (bearer) => {
      const source = new EventSource(`/api/calls/${window.phone.call.call_id}/events?token=${bearer}`);
      let pressed = '';
      return new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error(`only ${pressed}`)), 30_000);
        source.addEventListener('digit', ({ data }) => {
          pressed += JSON.parse(data).digit;
          if (pressed.length === 4) resolve(pressed);
        });
      });
    }, token);
    assert.equal(digits, '123#');
  });

  it('is silent for the telephone while it is muted, and for both on hold', async () => {
    await open();
    await dial('+491512345678');
    await inProgress();
    await page.evaluate(() => window.phone.tone(600));
    await until('our own tone comes back', () => hears(600));
    await set('mute', true);
    await until('it does not any more', async () => !(await hears(600)));
    await set('mute', false);
    await until('and again', () => hears(600));
    await set('hold', true);
    await until('it does not any more', async () => !(await hears(600)));
    await set('hold', false);
    await until('and again', () => hears(600));
  });

  it('goes on through an ICE restart, and with another connection', async () => {
    await open();
    await dial('+491512345678');
    await inProgress();
    await page.evaluate(() => window.phone.tone(600));
    await until('our own tone comes back', () => hears(600));
    await page.evaluate(() => window.phone.restartIce());
    const { received } = await stats();
    await until('sound goes on', async () => (await stats()).received > received + 50);
    await until('and is our own', () => hears(600));
    await page.evaluate(() => window.phone.connectAnew());
    await until('sound goes on there', async () => (await stats()).received > 50);
    await until('both ways', () => hears(600));
  });

  it('ends when the browser is gone for long', async () => {
    await open();
    await dial('+491512345678');
    await inProgress();
    await page.evaluate(() => window.phone.pc.close());
    const ended = await until('the call is over', async () => {
      const now = await call();
      return { done: now.status === 'completed', reason: now.reason };
    }, 45_000);
    assert.equal(ended.reason, 'disconnected');
  });
});
