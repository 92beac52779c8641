// Offers that cross, by the SDK in Chromium: a camera alone, whose first offer crosses the server's first. After a rollback Chromium
// offers header extensions by numbers that the other side's offer had given to others, and refuses that itself.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { post, register } from './support/api.mjs';
import { launch } from './support/browser.mjs';
import { buildSdkPage } from './support/sdk_page.mjs';
import { startServer } from './support/server.mjs';
import { until } from './support/until.mjs';

const names = ['Ada', 'Boris'];

/**
 * Runs in the page, before anything else: notes what is signalled in rooms and how many connections are made. With `holds` the
 * first offer goes only when the server's offer is there, so that to both sides the two cross. With `hides` the server does not
 * hear of `polite`, as if it did not know the word.
 */
function watch({ holds, hides }) {
  window.signalled = [];
  window.connections = 0;
  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...options) {
      super(...options);
      window.connections += 1;
    }
  };
  let held = holds;
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...options) {
      super(...options);
      this.offered = new Promise((resolve) => {
        this.addEventListener('message', ({ data }) => {
          const { type } = JSON.parse(data);
          window.signalled.push(`gets ${type}`);
          if (type === 'offer') resolve();
        });
      });
    }
    send(text) {
      const message = JSON.parse(text);
      const { type, payload } = message;
      const go = () => {
        window.signalled.push(`sends ${type}${payload?.polite === false ? ' that does not yield' : ''}`);
        if (hides) delete payload?.polite;
        super.send(JSON.stringify(message));
      };
      if (type !== 'offer' || !held) return go();
      held = false;
      void this.offered.then(go);
    }
  };
}

/** Runs in the page: into the room with a camera alone. Pictures are small, since two browsers that encode layers keep a machine busy. */
function enter({ token, id, options }) {
  const devices = navigator.mediaDevices;
  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = ({ audio, video }) => open({ audio, video: video ? { width: 320, height: 180, frameRate: 15 } : video });
  const kit = window.sdk.createZvonok({ getToken: async () => token, tones: false, iceServers: [] });
  const room = kit.joinRoom({ kind: 'group', id, audio: false, video: true, ...options });
  Object.assign(window, { kit, room, states: [room.state] });
  room.on('state', ({ state }) => window.states.push(state));
  const players = new Map();
  room.on('change', ({ participants }) => {
    for (const { trackId, stream } of participants.flatMap(({ tracks }) => tracks)) {
      if (!stream || players.get(trackId)?.srcObject === stream) continue;
      const player = document.createElement('video');
      player.autoplay = true;
      player.srcObject = stream;
      document.body.append(player);
      players.get(trackId)?.remove();
      players.set(trackId, player);
    }
  });
}

/** Runs in the page: pictures decoded so far, whether there was sound, and what was signalled for it. */
async function look() {
  const reports = [...((await window.room.getStats())?.values() ?? [])];
  const decoded = reports.filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video').map(({ framesDecoded }) => framesDecoded ?? 0);
  const heard = reports.some(({ type, kind, totalAudioEnergy }) => type === 'inbound-rtp' && kind === 'audio' && totalAudioEnergy > 0);
  const { end, media } = window.room.snapshot;
  return { decoded: Math.max(0, ...decoded), heard, media, end, states: window.states, connections: window.connections, signalled: window.signalled };
}

describe('offers that cross', { timeout: 180_000 }, () => {
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

  const join = async (person, id, { holds = false, hides = false, ...options } = {}) => {
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    const page = await context.newPage();
    pages.push(page);
    await page.addInitScript(watch, { holds, hides });
    await page.goto(server.url);
    await until('the SDK', () => page.evaluate(() => window.sdk !== undefined));
    await page.evaluate(enter, { token: people[person].token, id, options });
    return page;
  };
  const both = (...some) => Promise.all(some.map((page) => page.evaluate(look)));
  /** Pictures go on to be decoded in both, and the connections hold. */
  const seeEachOther = async (...some) => {
    const first = await both(...some);
    await until('pictures both ways', async () => {
      const now = await both(...some);
      return { done: now.every(({ decoded, media }, i) => media === 'connected' && decoded > first[i].decoded + 15), now };
    }, 45_000);
  };
  const begunOnce = ({ connections, states, end, signalled }) => {
    assert.deepEqual([connections, end, states.includes('reconnecting')], [1, null, false], signalled.join(', '));
    assert.deepEqual(signalled.filter((what) => what === 'sends join' || what === 'sends leave'), ['sends join']);
  };

  const cases = [
    ['in the open', {}],
    ['encrypted', { e2e: true }],
    ['at a server that does not know who yields', { hides: true }],
  ];
  for (const [name, { e2e = false, hides = false }] of cases) {
    it(`two cameras see each other, one's first offer crosses the server's first, ${name}: nothing is begun anew`, async () => {
      const { id } = await post(server, '/api/v1/groups', { id: `crossing-${(rooms += 1)}`, title: 'Team', members: [people[1].id] }, people[0].token);
      const ada = await join(0, id, { e2e });
      await until('a camera in the room', async () => {
        const { media, ...rest } = await ada.evaluate(look);
        return { done: media === 'connected', rest };
      });
      const boris = await join(1, id, { e2e, hides, holds: true });
      await seeEachOther(ada, boris);
      const [first, second] = await both(ada, boris);
      const described = second.signalled.filter((what) => /offer|answer|error/.test(what));
      // The server's comes first, is not answered, and comes again after the answer.
      assert.deepEqual(described.slice(0, 4), ['gets offer', 'sends offer that does not yield', 'gets answer', 'gets offer']);
      for (const each of [first, second]) begunOnce(each);

      // And it goes on from there: a microphone that is switched on later.
      await boris.evaluate(() => window.room.setMuted(false));
      await until('sound', async () => {
        const now = await ada.evaluate(look);
        return { done: now.heard, now };
      });
      await seeEachOther(ada, boris);
      for (const each of await both(ada, boris)) begunOnce(each);
    });
  }
});
