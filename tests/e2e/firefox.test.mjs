// Rooms with Firefox: the same bare pages as in Chromium, in one room with Chromium and with each other, judged by getStats.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { post, register } from './support/api.mjs';
import { launch as launchChromium } from './support/browser.mjs';
import { absent, launch as launchFirefox } from './support/firefox.mjs';
import { enter, pictures, received, watchPictures } from './support/room_page.mjs';
import { startServer } from './support/server.mjs';
import { until as waitUntil } from './support/until.mjs';

// Two browsers on one machine take their time.
const until = (what, check) => waitUntil(what, check, 30_000);

/** Runs in the page: what became of the negotiation, for those who ask why nothing comes. */
function story() {
  return [
    window.pc.connectionState,
    window.pc.signalingState,
    ...window.failures,
    ...window.seen.map((m) => `${m.type} ${m.payload?.state ?? ''}${m.payload?.message ?? ''}`),
  ];
}

/** Runs in the page: pictures and sound so far of all that comes in, as numbers to subtract. */
async function played() {
  const all = [...(await window.pc.getStats()).values()].filter((report) => report.type === 'inbound-rtp');
  const sum = (name) => all.reduce((whole, report) => whole + (report[name] ?? 0), 0);
  return { decoded: sum('framesDecoded'), energy: sum('totalAudioEnergy') };
}

/** Runs in the page: both ends' names in ICE, and by which pair media goes. */
async function path() {
  const reports = await window.pc.getStats();
  const fragment = (description) => /a=ice-ufrag:(\S+)/.exec(description.sdp)[1];
  const pair = [...reports.values()].find((report) => report.type === 'candidate-pair' && report.selected);
  return {
    state: window.pc.connectionState,
    local: fragment(window.pc.currentLocalDescription),
    remote: fragment(window.pc.currentRemoteDescription),
    pair: pair?.id,
  };
}

/** Runs in the page. */
async function offer({ restart } = {}) {
  if (restart) window.pc.restartIce();
  await window.pc.setLocalDescription();
  window.ws.send(JSON.stringify({ type: 'offer', payload: window.pc.localDescription }));
}

/** Runs in the page: how tall the page shows the only video. */
function view(height) {
  const { trackId } = window.seen.findLast((m) => m.type === 'track' && m.payload.kind === 'video').payload;
  window.ws.send(JSON.stringify({ type: 'view', payload: { tracks: { [trackId]: { height, priority: 0 } } } }));
}

describe('Firefox in rooms', { timeout: 300_000, skip: absent() }, () => {
  let server;
  const browsers = {};
  const people = [];
  const pages = [];
  let room = 0;

  const join = async (browser, options) => {
    const page = await browsers[browser].newPage();
    const person = pages.push(page) - 1;
    await page.goto(new URL('/healthz', server.url).href);
    const address = `/api/v1/group/room-${room}/call?token=${people[person].token}`;
    await page.evaluate(enter, { path: address, session: `session-${person}`, ...options });
    return page;
  };
  const awaitConnected = (page) =>
    until('a connection', async () => {
      const state = await page.evaluate(() => window.pc.connectionState);
      return { done: state === 'connected', state };
    });
  const telling = async (waiting) => {
    try {
      await waiting;
    } catch (error) {
      const stories = await Promise.all(pages.map((each) => each.evaluate(story)));
      throw new Error([`${error.message} after, of each:`, ...stories.map((events) => events.join(', '))].join('\n'));
    }
  };
  const awaitMedia = (page, count) =>
    telling(until(`pictures and sound of ${count}`, async () => {
      const now = await page.evaluate(received);
      return { done: now.decoding === count && now.hearing === count, ...now };
    }));
  /** More pictures and more sound than now come in. */
  const awaitMore = async (page) => {
    const first = await page.evaluate(played);
    await telling(until('more pictures and sound', async () => {
      const now = await page.evaluate(played);
      return { done: now.decoded > first.decoded + 20 && now.energy > first.energy + 0.001, first, now };
    }));
  };
  // Of three layers the smallest is a quarter of the camera's 360 or 480 lines. A busy machine may do without the largest.
  const isLarge = (height) => height > 120;
  const awaitHeight = (page, fits) =>
    until('another layer', async () => {
      const { heights } = await page.evaluate(pictures, 0);
      return { done: heights.length > 5 && heights.slice(-5).every(fits), heights: heights.slice(-5) };
    });
  const expectNoFailures = async () => {
    for (const page of pages) {
      assert.deepEqual(await page.evaluate(() => [...window.failures, ...window.seen.filter((m) => m.type === 'error')]), []);
    }
  };

  before(async () => {
    server = await startServer();
    [browsers.chromium, browsers.firefox] = await Promise.all([launchChromium(), launchFirefox()]);
    for (const name of ['Ada', 'Boris', 'Clara']) people.push(await register(server, name));
    const members = people.slice(1).map((person) => person.id);
    for (let i = 0; i < 10; i += 1) {
      await post(server, '/api/v1/groups', { id: `room-${i}`, title: 'Team', members }, people[0].token);
    }
  });
  after(async () => {
    await Promise.all([browsers.chromium?.close(), browsers.firefox?.close()]);
    await server?.stopAndClean();
  });
  afterEach(async () => {
    await Promise.all(pages.map((page) => page.context().close()));
    pages.length = 0;
    room += 1; // nobody of the last one lingers in the next
  });

  for (const style of ['offers', 'waits', 'both']) {
    it(`that ${style}, and Chromium, see and hear each other`, async () => {
      const both = await Promise.all([join('firefox', { style }), join('chromium', { style })]);
      await Promise.all(both.map((page) => awaitMedia(page, 1)));
      await Promise.all(both.map((page) => awaitMore(page)));
      await expectNoFailures();
    });
  }

  it('twice and Chromium, each in a style of its own, see and hear each other', async () => {
    const all = [await join('firefox', { style: 'offers' }), await join('chromium', { style: 'both' }), await join('firefox', { style: 'waits' })];
    await Promise.all(all.map((page) => awaitMedia(page, 2)));
    await expectNoFailures();
  });

  for (const [publisher, watcher] of [['firefox', 'chromium'], ['chromium', 'firefox']]) {
    it(`${watcher} watches the simulcast of ${publisher} and gets the layer that fits`, async () => {
      // Layers fit into no section of the server's offer: they have one of their own, once nothing can cross any more.
      const source = await join(publisher, { style: 'waits', simulcast: true });
      await awaitConnected(source);
      await source.evaluate(offer);
      const page = await join(watcher, { style: 'waits' });
      await awaitMedia(page, 1);
      await page.evaluate(watchPictures);
      await awaitHeight(page, isLarge);
      await page.evaluate(view, 80);
      await awaitHeight(page, (height) => !isLarge(height));
      await page.evaluate(view, 720);
      await awaitHeight(page, isLarge);
      await expectNoFailures();
    });
  }

  const restarts = {
    'its own offer': (page) => page.evaluate(offer, { restart: true }),
    "the server's offer": (page) => page.evaluate(() => window.ws.send(JSON.stringify({ type: 'restart' }))),
  };
  for (const [name, restart] of Object.entries(restarts)) {
    it(`goes on after an ICE restart by ${name}`, async () => {
      const [firefox, chromium] = [await join('firefox', { style: 'waits' }), await join('chromium', { style: 'waits' })];
      await Promise.all([firefox, chromium].map((page) => awaitMedia(page, 1)));
      const first = await firefox.evaluate(path);
      await restart(firefox);
      await until('another pair', async () => {
        const now = await firefox.evaluate(path);
        const fresh = ['local', 'remote', 'pair'].every((end) => now[end] && now[end] !== first[end]);
        return { done: fresh && now.state === 'connected', first, now };
      });
      await Promise.all([firefox, chromium].map((page) => awaitMore(page)));
      await expectNoFailures();
    });
  }
});
