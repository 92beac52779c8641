// Rooms that are encrypted end to end, by the SDK in browsers, through the server's SFU: who decodes what, with simulcast, with
// another secret, after somebody came or left; and who is not let in.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { post, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { absent, launch as launchFirefox } from './support/firefox.mjs';
import { buildSdkPage } from './support/sdk_page.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const patienceMs = 45_000;
const names = ['Ada', 'Boris', 'Clara'];

/** Runs in the page: into the room. Pictures are small, since three browsers that encode layers keep a machine busy. */
function enter({ token, id, width = 320, options }) {
  const devices = navigator.mediaDevices;
  const open = (window.openDevices ??= devices.getUserMedia.bind(devices));
  devices.getUserMedia = ({ audio, video }) => open({ audio, video: video ? { width, height: (width * 9) / 16, frameRate: 15 } : video });
  const kit = window.sdk.createZvonok({ getToken: async () => token, tones: false, iceServers: [] });
  const room = kit.joinRoom({ kind: 'group', id, audio: true, video: true, ...options });
  window.kit = kit;
  window.room = room;
  window.codes = [];
  const players = new Map();
  room.on('change', ({ participants, encryption }) => {
    if (encryption.code && window.codes.at(-1) !== encryption.code) window.codes.push(encryption.code);
    for (const { tracks } of participants) {
      for (const { trackId, stream } of tracks) {
        if (!stream || players.get(trackId)?.srcObject === stream) continue;
        // Sound that nobody plays is not decoded either.
        const player = document.createElement('video');
        player.autoplay = true;
        player.srcObject = stream;
        document.body.append(player);
        players.get(trackId)?.remove();
        players.set(trackId, player);
      }
    }
  });
}

/** Runs in the page: what came of it. `streams`: of each that comes in, by its number: what is decoded so far. */
async function look() {
  const { room } = window;
  const { snapshot } = room;
  const streams = {};
  let packets = 0;
  let layers = 0;
  for (const report of (await room.getStats())?.values() ?? []) {
    if (report.type === 'outbound-rtp' && report.kind === 'video' && report.framesEncoded > 0) layers += 1;
    if (report.type !== 'inbound-rtp') continue;
    packets += report.packetsReceived ?? 0;
    streams[report.ssrc] = { kind: report.kind, played: report.framesDecoded ?? report.totalAudioEnergy ?? 0, height: report.frameHeight };
  }
  return {
    state: snapshot.state,
    media: snapshot.media,
    end: snapshot.end,
    encryption: snapshot.encryption,
    people: snapshot.participants.map(({ sessionId }) => sessionId),
    session: room.sessionId,
    streams,
    packets,
    layers,
    counts: await room.frameCounts(),
  };
}

describe('rooms that are encrypted end to end', { timeout: 420_000 }, () => {
  let sdkPage;
  let server;
  let browser;
  let people;
  let rooms = 0;
  const pages = [];

  before(async () => {
    sdkPage = await buildSdkPage();
    server = await startServer({ environment: { WEB_ROOT: sdkPage.folder } });
    browser = await launch();
    people = [];
    for (const name of names) people.push(await register(server, name));
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
    sdkPage?.clean();
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.context().close()));
  });

  const newRoom = async () => {
    const members = people.slice(1).map(({ id }) => id);
    const { id } = await post(server, '/api/v1/groups', { id: `sealed-${(rooms += 1)}`, title: 'Team', members }, people[0].token);
    return id;
  };
  const open = async (by = browser) => {
    const from = by === browser ? await browser.newContext({ permissions: ['camera', 'microphone'] }) : by;
    const page = await from.newPage();
    pages.push(page);
    await page.goto(server.url);
    await until('the SDK', () => page.evaluate(() => window.sdk !== undefined));
    return page;
  };
  const join = async (page, person, id, options = {}, more = {}) => {
    await page.evaluate(enter, { token: people[person].token, id, options, ...more });
    return page;
  };
  const lookAt = (some) => Promise.all(some.map((page) => page.evaluate(look)));
  const awaitAll = (some, what, done) =>
    until(what, async () => {
      const now = await lookAt(some);
      return { done: now.every(done), now };
    }, patienceMs).then(({ now }) => now);
  /** From now on each plays pictures and sound of so many others. */
  const allPlay = async (some, others, what = 'pictures and sound play') => {
    const first = await lookAt(some);
    return until(what, async () => {
      const now = await lookAt(some);
      const growing = now.map(({ streams }, i) => {
        const kinds = { audio: 0, video: 0 };
        for (const [ssrc, { kind, played }] of Object.entries(streams)) {
          if (played > (first[i].streams[ssrc]?.played ?? 0) + (kind === 'video' ? 5 : 0.0005)) kinds[kind] += 1;
        }
        return kinds;
      });
      return { done: growing.every(({ audio, video }) => audio >= others && video >= others), growing, now };
    }, patienceMs).then(({ now }) => now);
  };
  const sameCode = async (some) => {
    const now = await awaitAll(some, 'digits', ({ encryption }) => encryption.code !== null && encryption.missing.length === 0);
    const [code] = now.map(({ encryption }) => encryption.code);
    assert.deepEqual(now.map(({ encryption }) => encryption.code), now.map(() => code));
    return code;
  };

  it('three decode each other, see the same digits, and go on when one leaves and comes back', async () => {
    const id = await newRoom();
    const [ada, boris, clara] = [await open(), await open(), await open()];
    await join(ada, 0, id, { e2e: true });
    await awaitAll([ada], 'the room', ({ encryption }) => encryption.state === 'on');
    await join(boris, 1, id);
    await join(clara, 2, id, { e2e: true });
    const all = [ada, boris, clara];
    await allPlay(all, 2);
    const code = await sameCode(all);
    assert.match(code, /^(\d{5} ){5}\d{5}$/);
    for (const { counts } of await lookAt(all)) {
      assert.ok(counts.sealed > 20 && counts.opened > 40, JSON.stringify(counts));
      assert.deepEqual([counts.unsealed, counts.refused], [0, 0]);
    }
    // Who has left: the digits change at once, and the keys a moment later, without a gap that anybody would see.
    await clara.evaluate(() => window.room.leave());
    await awaitAll([ada, boris], 'two are left', ({ people: others }) => others.length === 1);
    assert.notEqual(await sameCode([ada, boris]), code);
    await allPlay([ada, boris], 1, 'two go on');
    await join(clara, 2, id, { e2e: true });
    await allPlay(all, 2, 'three again');
    assert.notEqual(await sameCode(all), code, 'who comes back has another key');
    for (const { counts } of await lookAt([ada, boris])) assert.equal(counts.refused, 0, JSON.stringify(counts));
  });

  it('one with another secret gets packets and decodes nothing', async () => {
    const id = await newRoom();
    const [ada, boris, clara] = [await open(), await open(), await open()];
    await join(ada, 0, id, { e2e: { secret: 'one' } });
    await awaitAll([ada], 'the room', ({ encryption }) => encryption.state === 'on');
    await join(boris, 1, id, { e2e: { secret: 'one' } });
    await join(clara, 2, id, { e2e: { secret: 'another' } });
    await allPlay([ada, boris], 1);
    const [stranger] = await awaitAll([clara], 'packets arrive', ({ packets, counts }) => packets > 400 && counts.keyless > 200);
    assert.equal(stranger.counts.opened, 0);
    assert.equal(stranger.encryption.missing.length, 2);
    for (const { kind, played } of Object.values(stranger.streams)) assert.equal(played, 0, kind);
    const [first] = await lookAt([ada]);
    assert.deepEqual(first.encryption.missing, [stranger.session]);
  });

  it('layers and key frames work as ever: who looks at a small and then at a great picture gets it', async () => {
    const id = await newRoom();
    const [ada, boris] = [await open(), await open()];
    await join(ada, 0, id, { e2e: true }, { width: 640 });
    await awaitAll([ada], 'the room', ({ encryption }) => encryption.state === 'on');
    await join(boris, 1, id);
    await allPlay([boris], 1);
    // Of three layers the smallest is a quarter of the camera's 360 lines. A busy machine may do without the largest.
    const heightSeen = (what, fits) => until(what, async () => {
      const { streams, counts } = await boris.evaluate(look);
      const heights = Object.values(streams).filter(({ kind }) => kind === 'video').map(({ height }) => height);
      return { done: heights.length > 0 && heights.every((height) => height > 0 && fits(height)), heights, counts };
    }, patienceMs);
    const show = (height) => boris.evaluate((tall) => {
      const track = window.room.participants[0].tracks.find(({ kind }) => kind === 'video');
      window.view ??= window.room.view(track.trackId);
      window.view.set(tall);
    }, height);
    await show(90);
    await heightSeen('a small picture', (height) => height <= 120);
    await show(360);
    await heightSeen('a larger picture', (height) => height > 120);
    const [{ layers }] = await awaitAll([ada], 'several layers', (now) => now.layers > 1);
    assert.ok(layers > 1);
    // Who comes later begins with a key frame that was asked for.
    const clara = await join(await open(), 2, id);
    await allPlay([clara], 2);
  });

  it('who does not encrypt is not let in, and who wants to is not let into a room without', async () => {
    const sealed = await newRoom();
    const plain = await newRoom();
    const [ada, boris, clara] = [await open(), await open(), await open()];
    await join(ada, 0, sealed, { e2e: true });
    await awaitAll([ada], 'the room', ({ encryption }) => encryption.state === 'on');
    await join(boris, 1, sealed, { e2e: false });
    const [refused] = await awaitAll([boris], 'a refusal', ({ end }) => end !== null);
    assert.equal(refused.end.reason, 'encrypted');
    const { e2e } = await (await fetch(new URL(`/api/v1/group/${sealed}/room`, server.url), { headers: { authorization: `Bearer ${people[1].token}` } })).json();
    assert.equal(e2e, true);
    await join(clara, 2, plain);
    await awaitAll([clara], 'a room', ({ state }) => state === 'joined');
    await join(boris, 1, plain, { e2e: true });
    const [other] = await awaitAll([boris], 'a refusal', ({ end }) => end !== null);
    assert.equal(other.end.reason, 'not-encrypted');
  });

  it('Firefox and Chromium decode each other', { skip: absent() }, async () => {
    const id = await newRoom();
    const firefox = await launchFirefox();
    try {
      const ada = await join(await open(), 0, id, { e2e: true });
      await awaitAll([ada], 'the room', ({ encryption }) => encryption.state === 'on');
      const boris = await join(await open(firefox), 1, id);
      await allPlay([ada, boris], 1);
      await sameCode([ada, boris]);
    } finally {
      await pages.at(-1).context().close();
      pages.pop();
      await firefox.close();
    }
  });
});
