// A telephone that SIP reaches, in a room: a browser and a real SIP user agent hear each other.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { post, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { enterWithTones } from './support/room_phone_page.mjs';
import { freePort, startServer } from './support/server.mjs';
import { number, shareOf, startBaresip } from './support/telephone.mjs';
import { until } from './support/until.mjs';

const itsHz = 440;
const ourHz = 1000;

describe('a telephone in a room by SIP', { timeout: 90_000 }, () => {
  let telephone;
  let server;
  let browser;

  before(async () => {
    telephone = await startBaresip({ hz: itsHz });
    server = await startServer({
      environment: {
        MEDIA_ADVERTISED_IP: '127.0.0.1',
        VOIP_PROVIDER: 'sip',
        VOIP_SIP_SERVER: `sip:127.0.0.1:${telephone.port}`,
        VOIP_SIP_PORT: String(await freePort()),
        VOIP_FROM_NUMBER: '+4930999888',
        VOIP_ALLOW_PREFIXES: '+49',
        VOIP_SIP_KEEP_ALIVE: '0s',
      },
    });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
    await telephone?.stop();
  });

  it('is heard, hears, and leaves when it hangs up', async () => {
    const { token } = await register(server, 'Ada');
    await post(server, '/api/v1/groups', { id: 'team', title: 'Team', members: [] }, token);
    const page = await (await browser.newContext()).newPage();
    await page.goto(new URL('/healthz', server.url).href);
    await page.evaluate(enterWithTones, { path: `/api/v1/group/team/call?token=${token}`, session: 'a' });
    await until('one is in the room', () => page.evaluate(() => window.room.last('joined') !== undefined));
    await page.evaluate((to) => window.room.send('invite-phone', { number: to }), number);
    const { sessionId } = await until('it is called', () => page.evaluate(() => window.room.last('phone-invited')));
    await until('it is answered', () => page.evaluate(() => window.room.last('phone')?.status === 'in_progress'));
    await until('its tone', () => page.evaluate(([who, hz]) => window.room.hears(who, hz), [sessionId, itsHz]));
    await page.evaluate((hz) => window.room.tone(hz), ourHz);
    const received = () => page.evaluate(async (who) => (await window.room.stats(who)).received, sessionId);
    const first = await received();
    await until('sound goes on', async () => (await received()) > first + 100);
    telephone.hangUp();
    await until('it has left', () => page.evaluate((who) => window.room.last('participant-left')?.sessionId === who, sessionId));
    const kept = await until('it has kept what it heard', () => {
      const sound = telephone.heard().at(-1);
      return { done: sound?.length > 8000, sound };
    });
    const share = shareOf(ourHz, kept.sound);
    assert.ok(share > 0.7, `${share} of what the telephone heard is our tone`);
    assert.deepEqual(await page.evaluate(() => window.room.failures), []);
  });
});
