// Phone calls by SIP: a browser and a real SIP user agent hear each other.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { expectEchoWithin150Ms } from './support/echo.mjs';
import { ask, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { preparePhone } from './support/phone_page.mjs';
import { binary, freePort, startServer } from './support/server.mjs';
import { number, shareOf, startBaresip, startEcho } from './support/telephone.mjs';
import { until } from './support/until.mjs';

const ourNumber = '+4930999888';
const itsHz = 440;
const ourHz = 1000;

/** A server whose trunk is that telephone, and a page of a person who calls by it. */
async function world(telephone) {
  const sipPort = await freePort();
  const environment = {
    MEDIA_ADVERTISED_IP: '127.0.0.1',
    VOIP_PROVIDER: 'sip',
    VOIP_SIP_SERVER: `sip:127.0.0.1:${telephone.port}`,
    VOIP_SIP_PORT: String(sipPort),
    VOIP_FROM_NUMBER: ourNumber,
    VOIP_ALLOW_PREFIXES: '+49',
    VOIP_SIP_KEEP_ALIVE: '0s',
  };
  const server = await startServer({ environment });
  const { token } = await register(server, 'Caller');
  let page;
  return {
    server,
    environment,
    sipPort,
    token,
    async open(browser) {
      const context = await browser.newContext({ permissions: ['microphone'] });
      page = await context.newPage();
      await page.goto(server.url);
      await page.evaluate(preparePhone, { token });
      return page;
    },
    async close() {
      await page?.evaluate(() => window.phone.call && window.phone.api('POST', 'terminate', { call_id: window.phone.call.call_id }));
      await page?.context().close();
      page = undefined;
    },
    async dial(how) {
      await page.evaluate(([to, options]) => window.phone.dial(to, options), [number, how]);
      await until('the call is answered', async () => (await this.status()) === 'in_progress');
    },
    status: async () => (await page.evaluate(() => window.phone.expect('GET', window.phone.call.call_id))).status,
    hears: (hz) => page.evaluate((wanted) => window.phone.hears(wanted), hz),
    speak: (hz) => page.evaluate((wanted) => window.phone.tone(wanted), hz),
    stats: () => page.evaluate(() => window.phone.stats()),
    /** Resolves with the first `count` keys of the telephone. */
    keys: (count) =>
      page.evaluate(
        ([bearer, wanted]) =>
          new Promise((resolve, reject) => {
            const source = new EventSource(`/api/calls/${window.phone.call.call_id}/events?token=${bearer}`);
            let pressed = '';
            setTimeout(() => reject(new Error(`only ${pressed}`)), 30_000);
            source.addEventListener('digit', ({ data }) => {
              pressed += JSON.parse(data).digit;
              if (pressed.length === wanted) resolve(pressed);
            });
          }),
        [token, count],
      ),
  };
}

describe('a phone call by SIP', () => {
  let browser;
  let telephone;
  let calls;
  let page;

  before(async () => {
    telephone = await startBaresip({ hz: itsHz });
    calls = await world(telephone);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await calls?.server.stopAndClean();
    await telephone?.stop();
  });
  afterEach(() => calls.close());

  /** What the telephone has heard in the call that is over now. */
  async function heardThere(before) {
    const all = await until('it has kept what it heard', () => {
      const kept = telephone.heard();
      return { done: kept.length > before && kept.at(-1).length > 8000, kept };
    });
    return all.kept.at(-1);
  }

  for (const [name, how, codec] of [
    ['with the law of the telephone', {}, 'audio/PCMU'],
    ['by a browser that knows Opus alone', { without: [0, 8, 101] }, 'audio/opus'],
  ]) {
    it(`is heard both ways, ${name}, and ends when the telephone hangs up`, async () => {
      const before = telephone.heard().length;
      page = await calls.open(browser);
      await calls.dial(how);
      await until('the tone of the telephone', () => calls.hears(itsHz));
      await calls.speak(ourHz);
      const first = await calls.stats();
      await until('sound goes on', async () => (await calls.stats()).received > first.received + 100);
      const told = await calls.stats();
      assert.equal(told.state, 'connected');
      assert.equal(told.codec, codec);
      assert.ok(told.energy > first.energy + 0.001, `${told.energy}`);
      assert.equal(told.lost, 0);
      await until('its tone still', () => calls.hears(itsHz));

      telephone.hangUp();
      await until('the call is over', async () => (await calls.status()) === 'completed');
      const { body } = await ask(calls.server, 'GET', '/api/calls/history?limit=1', { token: calls.token });
      assert.equal(body.calls[0].status, 'completed');
      const share = shareOf(ourHz, await heardThere(before));
      assert.ok(share > 0.8, `${share} of what the telephone heard is our tone`);
    });
  }

  it('carries keys both ways, and ends when we hang up', async () => {
    page = await calls.open(browser);
    await calls.dial({ source: 'device' });
    await until('the browser is connected', () => page.evaluate(() => window.phone.sender.dtmf.canInsertDTMF));
    await page.evaluate(() => window.phone.sender.dtmf.insertDTMF('5', 160, 70));
    await until('the key of the browser', () => ({ done: telephone.keys() === '5', keys: telephone.keys() }));
    await page.evaluate(() => window.phone.expect('POST', `${window.phone.call.call_id}/dtmf`, { digits: '9#' }));
    await until('keys of the API', () => ({ done: telephone.keys() === '59#', keys: telephone.keys() }));
    const pressed = calls.keys(1);
    let got;
    pressed.then((keys) => (got = keys), () => {});
    await until('a key of the telephone', () => {
      telephone.press('7');
      return got === '7';
    });
    const closed = telephone.count('CALL_CLOSED');
    await page.evaluate(() => window.phone.expect('POST', 'terminate', { call_id: window.phone.call.call_id }));
    await until('the telephone has heard of the end', () => telephone.count('CALL_CLOSED') === closed + 1);
    assert.equal(await calls.status(), 'completed');
  });

  it('comes in from the telephone, and is heard both ways', async () => {
    const { server } = calls;
    execFileSync(binary, ['number', 'add', ourNumber, 'caller@example.org'], {
      cwd: server.folder,
      env: { PATH: process.env.PATH, DATA_DIR: join(server.folder, 'data') },
    });
    const before = telephone.heard().length;
    page = await calls.open(browser);
    await page.evaluate(async (bearer) => {
      const source = new EventSource(`/api/calls/events?token=${bearer}`);
      source.addEventListener('status', ({ data }) => {
        const call = JSON.parse(data);
        if (call.direction === 'incoming' && call.status === 'ringing') window.phone.call = call;
      });
      await new Promise((resolve) => source.addEventListener('open', resolve));
    }, calls.token);
    telephone.dial(`sip:${ourNumber}@127.0.0.1:${calls.sipPort}`);
    await until('it rings', () => page.evaluate(() => window.phone.call !== undefined));
    const shown = await page.evaluate(() => window.phone.call.phone_number);
    assert.equal(shown, number);
    await page.evaluate(() => window.phone.expect('POST', `${window.phone.call.call_id}/accept`));
    await page.evaluate(() => window.phone.connectAnew());
    await until('the call is answered', async () => (await calls.status()) === 'in_progress');
    await calls.speak(ourHz);
    await until('the tone of the telephone', () => calls.hears(itsHz));
    const { sent } = await calls.stats();
    await until('ours goes out', async () => (await calls.stats()).sent > sent + 75);
    telephone.hangUp();
    await until('the call is over', async () => (await calls.status()) === 'completed');
    const share = shareOf(ourHz, await heardThere(before));
    assert.ok(share > 0.8, `${share} of what the telephone heard is our tone`);
  });
});

describe('a phone call by SIP of a server that is killed', () => {
  it('is ended by the next one', async () => {
    const telephone = await startBaresip({ hz: itsHz });
    const calls = await world(telephone);
    const browser = await launch();
    let next;
    try {
      await calls.open(browser);
      await calls.dial();
      await calls.server.stop('SIGKILL');
      assert.equal(telephone.count('CALL_CLOSED'), 0);
      next = await startServer({ environment: calls.environment, port: calls.server.port, folder: calls.server.folder });
      await until('the telephone has heard of the end', () => telephone.count('CALL_CLOSED') === 1);
    } finally {
      await browser.close();
      await (next ?? calls.server).stopAndClean();
      await telephone.stop();
    }
  });
});

describe('a phone call by SIP to a telephone that echoes', () => {
  let browser;
  let telephone;
  let calls;
  let page;

  before(async () => {
    telephone = await startEcho();
    calls = await world(telephone);
    browser = await launch();
    page = await calls.open(browser);
    await calls.dial();
  });
  after(async () => {
    await calls?.close();
    await browser?.close();
    await calls?.server.stopAndClean();
    await telephone?.stop();
  });

  it('comes back within 150 ms', async () => {
    await expectEchoWithin150Ms(page);
  });

  it('carries keys as tones where the telephone knows no others', async () => {
    const pressed = calls.keys(4);
    await page.evaluate(() => window.phone.expect('POST', `${window.phone.call.call_id}/dtmf`, { digits: '15#D' }));
    assert.equal(await pressed, '15#D', 'what comes back as tones is read');
  });
});
