// Rooms that fill up: how soon who comes is seen and heard and sees and hears the others, and a room of six.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { post, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { arrivals, enter, noteArrivals } from './support/room_page.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const soonMs = 2_000;
/** Three browsers on few cores stand still at times, which says nothing of the server: one of so many has to be quick. */
const attempts = 3;
const names = ['Ada', 'Boris', 'Clara', 'Dmitri', 'Elena', 'Felix'];

/** Runs in the page: pictures and sound so far of each track that comes in. */
async function playedByTrack() {
  const played = {};
  for (const report of (await window.pc.getStats()).values()) {
    if (report.type === 'inbound-rtp') played[report.ssrc] = report.framesDecoded ?? report.totalAudioEnergy;
  }
  return played;
}

const joinOf = ({ moments }) => moments.find(({ what }) => what === 'sends join').at;

/** What happened in a page how many ms after it joined. */
function story(told) {
  return told.moments.map(({ at, what }) => `${at - joinOf(told)} ${what}`).join(', ');
}

describe('rooms that fill up', { timeout: 300_000 }, () => {
  let server;
  let browser;
  let people;
  const pages = [];
  let rooms = 0;

  const newRoom = async () => {
    const members = people.slice(1).map(({ id }) => id);
    const { id } = await post(server, '/api/v1/groups', { id: `room-${(rooms += 1)}`, title: 'Team', members }, people[0].token);
    return id;
  };
  const open = async () => {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    const page = await context.newPage();
    pages.push(page);
    await page.goto(new URL('/healthz', server.url).href);
    return page;
  };
  const join = async (page, room, person, options) => {
    await page.evaluate(noteArrivals);
    const path = `/api/v1/group/${room}/call?token=${people[person].token}`;
    await page.evaluate(enter, { path, session: names[person], style: 'offers', ...options });
  };
  /** From now on pictures and sound come in from so many, and from no more. */
  const awaitAll = async (some, count) => {
    const first = await Promise.all(some.map((page) => page.evaluate(playedByTrack)));
    await until(`pictures and sound of ${count}`, async () => {
      const now = await Promise.all(some.map((page) => page.evaluate(playedByTrack)));
      const growing = now.map((tracks, i) => Object.keys(tracks).filter((ssrc) => tracks[ssrc] > (first[i][ssrc] ?? 0)).length);
      return { done: growing.every((tracks) => tracks === 2 * count), growing };
    }, 30_000);
  };
  const closePages = () => Promise.all(pages.splice(0).map((page) => page.context().close()));
  const awaitLeave = (page, who, why) =>
    until(`that ${who} is gone`, () =>
      page.evaluate(
        ([sessionId, reason]) =>
          window.seen.some((m) => m.type === 'participant-left' && m.payload.sessionId === sessionId && m.payload.reason === reason),
        [who, why],
      ),
    );

  before(async () => {
    server = await startServer();
    browser = await launch();
    people = await Promise.all(names.map((name) => register(server, name)));
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
  });
  afterEach(() => closePages());

  /** Each one's times from joining, or from the other's joining if that was later, to each other's first picture and sound. */
  const threeCome = async (style, t) => {
    const room = await newRoom();
    const three = await Promise.all([open(), open(), open()]);
    for (const [person, page] of three.entries()) {
      await join(page, room, person, { style });
      await until('the others, as far as they are there', async () => {
        const seen = await Promise.all(three.slice(0, person + 1).map((each) => each.evaluate(arrivals)));
        const done = seen.every((each) => each.arrivals.filter(({ played }) => played).length === 2 * person);
        return { done, stories: seen.map(story) };
      });
    }
    const told = await Promise.all(three.map((page) => page.evaluate(arrivals)));
    const joinedAt = told.map(joinOf);
    const times = told.flatMap((each, watcher) =>
      each.arrivals.map(({ sessionId, kind, packet, played }) => {
        const since = Math.max(joinedAt[watcher], joinedAt[names.indexOf(sessionId)]);
        return { what: `${names[watcher]} gets ${sessionId}'s ${kind}`, packet: packet - since, played: played - since };
      }),
    );
    for (const { what, packet, played } of times) t.diagnostic(`${what}: first packet ${packet} ms, played ${played} ms`);
    assert.equal(times.length, 12);
    const late = times.filter(({ played }) => !(played <= soonMs));
    if (late.length > 0) for (const each of told) t.diagnostic(story(each));
    return late;
  };

  for (const style of ['offers', 'waits', 'both']) {
    it(`three who come one after the other (${style}) have each other's pictures and sound soon`, async (t) => {
      let late = await threeCome(style, t);
      for (let attempt = 1; late.length > 0 && attempt < attempts; attempt += 1) {
        await closePages();
        late = await threeCome(style, t);
      }
      assert.deepEqual(late, []);
    });
  }

  it('six see and hear each other, while one goes and comes back and one is removed', async (t) => {
    const room = await newRoom();
    const six = await Promise.all(names.map(open));
    const enterAs = (person) => join(six[person], room, person, { width: 160, frameRate: 10 });
    const began = Date.now();
    for (const person of six.keys()) await enterAs(person);
    await awaitAll(six, 5);
    t.diagnostic(`six have each other's pictures and sound ${Date.now() - began} ms after the first came`);

    await six[5].evaluate(() => window.ws.send(JSON.stringify({ type: 'leave' })));
    await awaitLeave(six[0], 'Felix', 'left');
    await awaitAll(six.slice(0, 5), 4);
    await six[5].evaluate(() => window.pc.close());
    const back = Date.now();
    await enterAs(5);
    await awaitAll(six, 5);
    t.diagnostic(`and again ${Date.now() - back} ms after one came back`);

    await six[0].evaluate(() => window.ws.send(JSON.stringify({ type: 'kick', payload: { sessionId: 'Boris' } })));
    await awaitLeave(six[2], 'Boris', 'kicked');
    await until('the end of the removed one', () => six[1].evaluate(() => window.closedWith === 4003));
    await awaitAll([six[0], ...six.slice(2)], 4);
    for (const page of six) assert.deepEqual(await page.evaluate(() => window.failures), []);
  });
});
