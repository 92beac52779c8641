// A telephone in a room: two browsers and a telephone of the mock provider, each heard by all others and by nobody as an
// echo of themselves.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { ask, post, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { enterWithTones } from './support/room_phone_page.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const answers = '+491512345678'; // says a tone, and what it hears a second later
const mutesItself = '+15005550024';
const toneHz = 1000;

describe('a telephone in a room', { timeout: 180_000 }, () => {
  let server;
  let browser;
  let ada;
  let boris;
  const pages = [];

  before(async () => {
    server = await startServer({ environment: { MEDIA_ADVERTISED_IP: '127.0.0.1' } });
    browser = await launch();
    [ada, boris] = [await register(server, 'Ada'), await register(server, 'Boris')];
    await post(server, '/api/v1/groups', { id: 'team', title: 'Team', members: [boris.id] }, ada.token);
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
  });
  afterEach(async () => {
    await Promise.all(pages.map((page) => page.evaluate(() => window.room.send('leave')).catch(() => {})));
    await Promise.all(pages.map((page) => page.context().close()));
    pages.length = 0;
  });

  const join = async (person, session) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    pages.push(page);
    await page.goto(new URL('/healthz', server.url).href);
    await page.evaluate(enterWithTones, { path: `/api/v1/group/team/call?token=${person.token}`, session });
    return page;
  };
  const hears = (page, from, hz) => page.evaluate(([who, wanted]) => window.room.hears(who, wanted), [from, hz]);
  const tone = (page, hz) => page.evaluate((wanted) => window.room.tone(wanted), hz);
  const last = (page, type) => page.evaluate((wanted) => window.room.last(wanted), type);
  const invite = async (page, number, name) => {
    await page.evaluate(([to, as]) => window.room.send('invite-phone', { number: to, name: as, requestId: 'r' }), [number, name]);
    const invited = await until('the invitation is answered', () => page.evaluate(() => window.room.last('phone-invited') ?? window.room.last('error')));
    assert.equal(invited.code, undefined, JSON.stringify(invited));
    return invited;
  };
  const answered = (page) => until('the telephone is answered', async () => (await last(page, 'phone'))?.status === 'in_progress');
  const trackOf = (page, session) => page.evaluate((who) => window.room.last('track', (track) => track.sessionId === who), session);

  it('is heard by both, hears both, and never itself', async () => {
    const [here, there] = [await join(ada, 'a'), await join(boris, 'b')];
    const { sessionId: phone } = await invite(here, answers, 'Anna');
    await until('it rings', () => there.evaluate(() => window.room.last('phone')?.status === 'ringing'));
    const came = await last(there, 'participant-joined');
    assert.equal(came.name, 'Anna');
    assert.match(came.phone.number, /^\+49\*+78$/);
    await answered(there);
    for (const page of [here, there]) await until('the tone of the telephone', () => hears(page, phone, toneHz));
    for (const page of [here, there]) {
      const { codec } = await until('getStats knows of sound', async () => {
        const stats = await page.evaluate((who) => window.room.stats(who), phone);
        return { done: stats.energy > 0 && stats.received > 20, ...stats };
      });
      assert.equal(codec, 'audio/opus');
    }
    await until('the telephone is among the speakers', () =>
      here.evaluate((who) => window.room.seen.some((each) => each.type === 'speakers' && each.payload.speakers.some(({ sessionId }) => sessionId === who)), phone),
    );
    // What both say at once it hears as one, and says it back a second later, to both.
    await tone(here, 600);
    await tone(there, 1500);
    for (const page of [here, there]) {
      for (const hz of [600, 1500]) await until(`${hz} Hz back from the telephone`, () => hears(page, phone, hz));
    }
    await until('each browser by itself', () => hears(there, 'a', 600));
    assert.ok(!(await hears(there, 'a', 1500)));
    // If it heard itself, what was said once would come back for ever.
    await tone(here, 0);
    await tone(there, 0);
    await until('silence', async () => !(await hears(there, phone, 600)) && !(await hears(here, phone, 1500)));
    await until('the next tone of its own', () => hears(there, phone, toneHz));
    assert.ok(!(await hears(there, phone, 600)));
    for (const page of [here, there]) assert.deepEqual(await page.evaluate(() => window.room.failures), []);
    await here.evaluate((sessionId) => window.room.send('hang-up-phone', { sessionId }), phone);
    await until('it has left', () => there.evaluate(() => window.room.last('participant-left')?.reason === 'hung-up'));
  });

  it('mutes itself by its keys, and a participant who is muted is not heard by it', async () => {
    const [here, there] = [await join(ada, 'a'), await join(boris, 'b')];
    const { sessionId: phone } = await invite(here, mutesItself);
    await answered(here);
    await until('the telephone comes', async () => (await trackOf(there, phone))?.mid !== undefined);
    await tone(here, 600);
    await until('it is muted', async () => (await trackOf(there, phone))?.muted === true);
    await until('and not heard', async () => !(await hears(there, phone, toneHz)) && !(await hears(there, phone, 600)));
    await until('it is not any more', async () => (await trackOf(there, phone))?.muted === false);
    await until('what one says comes back', () => hears(there, phone, 600));
    // Its owner says that the track is muted, and sends on: the telephone need not believe the sound.
    const mid = await here.evaluate(() => {
      window.room.send('track', { mid: '0', muted: true });
      return '0';
    });
    assert.equal(mid, '0');
    await until('the muted one is not heard by the telephone', async () => !(await hears(there, phone, 600)));
    await until('its sound does come', () => hears(there, 'a', 600));
  });

  it('does not stay when the last person has left', async () => {
    const here = await join(ada, 'a');
    await invite(here, answers);
    await answered(here);
    await here.evaluate(() => window.room.send('leave'));
    const record = await until('the call is over', async () => {
      const { body } = await ask(server, 'GET', '/api/calls/history?kind=phone&limit=1', { token: ada.token });
      return body.calls[0]?.end_time !== null && body.calls[0];
    });
    assert.equal(record.status, 'completed');
    assert.equal(record.chat_id, 'team');
    assert.equal(record.room_kind, 'group');
  });
});
