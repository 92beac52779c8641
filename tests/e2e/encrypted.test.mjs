// Pair calls that are encrypted end to end, by the SDK in two browsers: what is decoded, with the same secret and with another,
// and what becomes of a call whose other side does not encrypt.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { buildSdkPage } from './support/sdk_page.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const patienceMs = 30_000;

/** Runs in the page: logs in, and accepts whoever calls with `accept`. */
function enter({ token, accept, noTransforms, acceptAfter = 0 }) {
  window.streams = 0;
  if (noTransforms) {
    delete window.RTCRtpScriptTransform;
    for (const { prototype } of [RTCRtpSender, RTCRtpReceiver]) {
      const create = prototype.createEncodedStreams;
      prototype.createEncodedStreams = function count() {
        window.streams += 1;
        return create.call(this);
      };
    }
  }
  const kit = window.sdk.createZvonok({ getToken: async () => token, tones: false, iceServers: [] });
  window.kit = kit;
  kit.calls.on('call', (call) => {
    window.call = call;
    // Sound that nobody plays is not decoded either.
    const player = document.createElement('video');
    player.autoplay = true;
    player.srcObject = call.remoteStream;
    document.body.append(player);
  });
  kit.calls.on('incoming', (call) => setTimeout(() => void call.accept({ audio: true, video: true, ...accept }), acceptAfter));
  kit.signal.connect();
}

/** Runs in the page: the call, and what its connection has received and decoded. */
async function look() {
  const { call } = window;
  const found = { state: call?.state ?? 'none', online: window.kit.signal.status, encryption: call?.encryption, end: call?.end, frames: 0, received: 0, energy: 0, sound: 0 };
  for (const report of (await call?.getStats())?.values() ?? []) {
    if (report.type !== 'inbound-rtp') continue;
    if (report.kind === 'video') {
      found.frames += report.framesDecoded ?? 0;
      found.received += report.packetsReceived ?? 0;
    } else {
      found.energy += report.totalAudioEnergy ?? 0;
      found.sound += report.packetsReceived ?? 0;
    }
  }
  found.counts = (await call?.frameCounts()) ?? null;
  return found;
}

describe('calls that are encrypted end to end', { timeout: 300_000 }, () => {
  let page;
  let server;
  let browser;
  let people;
  let rounds = 0;
  const pages = [];

  before(async () => {
    page = await buildSdkPage();
    server = await startServer({ environment: { WEB_ROOT: page.folder } });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await server?.stopAndClean();
    page?.clean();
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((each) => each.context().close()));
  });

  /** Ada calls Boris. */
  const call = async (ofCaller, ofCallee = {}) => {
    rounds += 1;
    people = [await register(server, `Ada${rounds}`), await register(server, `Boris${rounds}`)];
    for (const [i, options] of [ofCaller, ofCallee].entries()) {
      const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
      const each = await context.newPage();
      pages.push(each);
      await each.goto(server.url);
      await until('the SDK', () => each.evaluate(() => window.sdk !== undefined));
      await each.evaluate(enter, { token: people[i].token, ...options });
      await until('the page is connected', async () => (await each.evaluate(look)).online === 'online', patienceMs);
    }
    await pages[0].evaluate(({ to, options }) => void window.kit.calls.call(to, { audio: true, video: true, ...options }), { to: people[1].id, options: ofCaller.call ?? {} });
    return pages;
  };
  const both = (done, what) =>
    until(what, async () => {
      const now = await Promise.all(pages.map((each) => each.evaluate(look)));
      return { done: now.every(done), now };
    }, patienceMs).then(({ now }) => now);
  const mediaPlays = ({ frames, energy }) => frames > 10 && energy > 0.001;
  const mediaArrives = ({ received, sound }) => received > 30 && sound > 200;

  it('media is decoded on both sides, which show the same code', async () => {
    await call({ call: { e2e: true } });
    const [a, b] = await both(mediaPlays, 'pictures and sound play');
    assert.match(a.encryption.code, /^\d{8}$/);
    assert.deepEqual(a.encryption, { state: 'on', code: b.encryption.code, problem: null });
    assert.deepEqual(b.encryption, a.encryption);
    for (const { counts } of [a, b]) {
      assert.ok(counts.sealed > 20 && counts.opened > 20, JSON.stringify(counts));
      assert.deepEqual([counts.unsealed, counts.refused], [0, 0]);
    }
  });

  it('with another secret nothing is decoded, and the codes differ', async () => {
    await call({ call: { e2e: { secret: 'one' } } }, { accept: { e2e: { secret: 'another' } } });
    const [a, b] = await both(mediaArrives, 'packets arrive');
    assert.notEqual(a.encryption.code, b.encryption.code);
    for (const { frames, energy, counts } of [a, b]) {
      assert.equal(frames, 0);
      assert.equal(energy, 0);
      assert.equal(counts.opened, 0);
      assert.ok(counts.keyless > 100, JSON.stringify(counts));
    }
  });

  it('a page that is loaded again agrees on other keys, and media goes on', async () => {
    const [first] = await call({ call: { e2e: true } });
    const [before] = await both(mediaPlays, 'pictures and sound play');
    await first.reload();
    await until('the SDK', () => first.evaluate(() => window.sdk !== undefined));
    await first.evaluate(enter, { token: people[0].token });
    const [a, b] = await both(mediaPlays, 'pictures and sound play again');
    assert.equal(a.encryption.code, b.encryption.code);
    assert.notEqual(a.encryption.code, before.encryption.code);
  });

  it('a camera that is switched on later is sealed as well, however early candidates came', async () => {
    const [, callee] = await call({ call: { e2e: true, video: false } }, { accept: { video: false }, acceptAfter: 500 });
    await both(({ energy }) => energy > 0.001, 'sound plays');
    await callee.evaluate(() => void window.call.setCamera(true));
    const seen = await until('pictures of the callee', async () => {
      const now = await pages[0].evaluate(look);
      return { done: now.frames > 10, now };
    }, patienceMs);
    assert.equal(seen.now.counts.refused, 0, JSON.stringify(seen.now.counts));
  });

  it('where a browser has only createEncodedStreams, that is used', async () => {
    await call({ call: { e2e: true }, noTransforms: true }, { noTransforms: true });
    const [a, b] = await both(mediaPlays, 'pictures and sound play');
    assert.equal(a.encryption.code, b.encryption.code);
    // Sender and receiver, of sound and of pictures.
    for (const each of pages) assert.equal(await each.evaluate(() => window.streams), 4);
  });
});
