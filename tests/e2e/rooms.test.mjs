// Rooms through the SFU: bare peer connections in Chromium, in the three styles of negotiation, judged by getStats.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { post, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { enter, received } from './support/room_page.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

describe('rooms', { timeout: 300_000 }, () => {
  let server;
  let browser;
  let people;
  const pages = [];
  let stays = 0; // each page is a stay of its own

  const join = async (person, room, options) => {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    const page = await context.newPage();
    pages.push(page);
    await page.goto(new URL('/healthz', server.url).href);
    const path = `/api/v1/group/${room}/call?token=${people[person].token}`;
    await page.evaluate(enter, { path, session: `session-${(stays += 1)}`, style: 'offers', ...options });
    return page;
  };
  const expectNoFailures = async () => {
    for (const page of pages) assert.deepEqual(await page.evaluate(() => window.failures), []);
  };
  const awaitMedia = async (page, count) => {
    try {
      return await until(`pictures and sound of ${count}`, async () => {
        const now = await page.evaluate(received);
        return { done: now.decoding >= count && now.hearing >= count, ...now };
      });
    } catch (error) {
      const messages = await page.evaluate(() => [
        window.pc.connectionState,
        window.pc.signalingState,
        ...window.failures,
        ...window.seen.map((m) => `${m.type} ${m.payload?.state ?? ''}${m.payload?.message ?? ''}`),
      ]);
      throw new Error(`${error.message} after ${messages.join(', ')}`);
    }
  };

  before(async () => {
    server = await startServer();
    browser = await launch();
    people = [];
    for (const name of ['Ada', 'Boris', 'Clara', 'Dmitri']) people.push(await register(server, name));
    const members = people.slice(1, 3).map((person) => person.id);
    await post(server, '/api/v1/groups', { id: 'team', title: 'Team', members }, people[0].token);
    await post(server, '/api/v1/groups', { id: 'other', title: 'Other' }, people[3].token);
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
  });

  afterEach(async () => {
    await Promise.all(pages.map((page) => page.context().close()));
    pages.length = 0;
  });

  for (const styles of [['offers', 'offers', 'offers'], ['waits', 'waits', 'waits'], ['both', 'waits', 'offers']]) {
    it(`three who ${styles.join(', ')} see and hear each other`, async () => {
      const room = await Promise.all(styles.map((style, person) => join(person, 'team', { style })));
      for (const page of room) await awaitMedia(page, 2);
      await expectNoFailures();
    });
  }

  it('a simulcast publisher is seen', async () => {
    const [, watcher] = [await join(0, 'team', { simulcast: true }), await join(1, 'team', {})];
    await awaitMedia(watcher, 1);
    const { media } = await until('some hundred packets', async () => {
      const now = await watcher.evaluate(received);
      return { done: now.packets > 500, media: now };
    });
    // Neither a switch of layers nor what is held back leaves a gap in the numbers. A busy machine loses a few packets
    // between processes.
    assert.ok(media.lost < media.packets / 100, JSON.stringify(media));
    await expectNoFailures();
  });

  it('one who leaves is gone for the others, and who comes back is seen again', async () => {
    const [first, second] = [await join(0, 'team', {}), await join(1, 'team', {})];
    await Promise.all([awaitMedia(first, 1), awaitMedia(second, 1)]);
    await second.evaluate(() => window.ws.send(JSON.stringify({ type: 'leave' })));
    await until('the leave', () =>
      first.evaluate(() => window.seen.some((m) => m.type === 'participant-left' && m.payload.reason === 'left')),
    );
    const before = await first.evaluate(() => window.seen.length);
    await join(2, 'team', {});
    await until('another offer', () =>
      first.evaluate((seen) => window.seen.slice(seen).some((m) => m.type === 'offer'), before),
    );
    await awaitMedia(first, 1);
    await expectNoFailures();
  });

  it('strangers stay outside', async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(new URL('/healthz', server.url).href);
    const knock = (path) =>
      page.evaluate(
        (target) =>
          new Promise((resolve) => {
            const ws = new WebSocket(`ws://${location.host}${target}`);
            ws.onopen = () => resolve('in');
            ws.onerror = () => resolve('refused');
          }),
        path,
      );
    assert.equal(await knock(`/api/v1/group/team/call?token=${people[3].token}`), 'refused');
    assert.equal(await knock(`/api/v1/chat/team/call?token=${people[0].token}`), 'refused');
    assert.equal(await knock('/api/v1/group/team/call'), 'refused');
    assert.equal(await knock(`/api/v1/group/team/call?token=${people[0].token}`), 'in');
    await page.context().close();
  });
});
