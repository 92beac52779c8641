// What the random users of rooms and of calls share: numbers that repeat with their seed, browsers with the SDK, and what
// their pages said and heard last.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { register } from '../support/api.mjs';
import { launch } from '../support/browser.mjs';
import { buildSdkPage } from '../support/sdk_page.mjs';
import { startServer } from '../support/server.mjs';
import { until } from '../support/until.mjs';

const lookEveryMs = 1_200;
const patienceMs = 20_000;
const slowMs = 6_000;
const actsShown = 25;

/** Numbers and switches of the command line, by their names. */
export function options(defaults) {
  const isSwitch = (value) => typeof value === 'boolean';
  const each = (of, make) => Object.fromEntries(Object.entries(of).map(([name, value]) => [name, make(value)]));
  const known = each(defaults, (value) => (isSwitch(value) ? { type: 'boolean', default: value } : { type: 'string', default: String(value) }));
  return each(parseArgs({ options: known }).values, (value) => (isSwitch(value) ? value : Number(value)));
}

/** The same numbers for the same seed; what browsers make of them differs all the same. */
export class Chance {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** 0 to n - 1. */
  below(n) {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * n);
  }

  oneOf(list) {
    return list[this.below(list.length)];
  }

  /** In so many times, on average. */
  once(times) {
    return this.below(times) === 0;
  }
}

/** Runs in the page, before anything: small pictures, a screen that needs no choice, and notes of all that is signalled. */
function prepare({ token }) {
  window.notes = [];
  const note = (...words) => {
    window.notes.push(`${((performance.timeOrigin + performance.now()) / 1_000).toFixed(3)} ${words.join(' ')}`);
    if (window.notes.length > 200) window.notes.shift();
  };
  const sections = (sdp) =>
    sdp.split('\nm=').slice(1).map((each) => `${/a=mid:(\S+)/.exec(each)?.[1]}:${each[0]}:${/a=(sendrecv|sendonly|recvonly|inactive)/.exec(each)?.[1]}`).join(' ');
  const brief = (text) => {
    try {
      const { type, event, payload } = JSON.parse(text);
      return `${type ?? event} ${payload?.sdp ? sections(payload.sdp) : JSON.stringify(payload ?? null).slice(0, 200)}`;
    } catch {
      return text.slice(0, 80);
    }
  };
  const { send } = WebSocket.prototype;
  const known = new WeakSet();
  WebSocket.prototype.send = function (data) {
    if (!known.has(this)) {
      known.add(this);
      this.addEventListener('message', (message) => /^\{"type":"(speakers|quality|layers|pong)/.test(message.data) || note('<', brief(message.data)));
      this.addEventListener('close', ({ code }) => note('socket closed', code));
    }
    note('>', brief(data));
    return send.call(this, data);
  };
  for (const name of ['setLocalDescription', 'setRemoteDescription', 'restartIce', 'close']) {
    const was = RTCPeerConnection.prototype[name];
    RTCPeerConnection.prototype[name] = function (description) {
      note(name, description?.type ?? '', this.signalingState);
      const result = was.call(this, description);
      result?.catch((error) => note(name, 'failed:', error.message));
      return result;
    };
  }
  const devices = navigator.mediaDevices;
  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = ({ audio, video }) => open({ audio, video: video ? { width: 160, height: 90, frameRate: 10 } : video });
  devices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 });
    const context = canvas.getContext('2d');
    let hue = 0;
    setInterval(() => {
      context.fillStyle = `hsl(${(hue += 7)},90%,50%)`;
      context.fillRect(0, 0, 160, 90);
    }, 100);
    return canvas.captureStream(10);
  };
  /** Sound that nobody plays is not decoded either. */
  window.play = (stream) => {
    const player = document.createElement('video');
    player.autoplay = true;
    player.srcObject = stream;
    document.body.append(player);
    return player;
  };
  window.kit = window.sdk.createZvonok({ getToken: async () => token, tones: false, iceServers: [] });
}

/** People with a page each. `run(world)` acts; what it finds wrong it gives to world.wrong(). Ends the process. */
export async function withPeople({ seed, steps, people }, run) {
  const sdkPage = await buildSdkPage();
  const server = await startServer({ environment: { WEB_ROOT: sdkPage.folder } });
  const browser = await launch();
  const acts = [];
  const world = { server, chance: new Chance(seed), people: [], found: 0, slowest: 0, step: 0 };
  for (let i = 0; i < people; i += 1) {
    const { id, token } = await register(server, `P${i}`);
    const page = await (await browser.newContext({ permissions: ['camera', 'microphone'] })).newPage();
    page.on('pageerror', (error) => world.wrong([`P${i}'s page: ${error.message}`], []));
    await page.goto(server.url);
    await until('the SDK', () => page.evaluate(() => window.sdk !== undefined));
    await page.evaluate(prepare, { token });
    world.people.push({ name: `P${i}`, id, token, page });
  }
  world.did = ({ name }, what) => acts.push(`${(performance.now() / 1_000).toFixed(2)} ${name} ${what}`);
  world.wrong = async (problems, of) => {
    world.found += 1;
    console.log(`seed ${seed}, step ${world.step}:\n  ${problems.join('\n  ')}\nwhat was done:\n  ${acts.slice(-actsShown).join('\n  ')}`);
    for (const { name, page } of of) console.log(`${name}:\n  ${(await page.evaluate(() => window.notes.slice(-60))).join('\n  ')}`);
  };
  /** Until `problemsOf(now, before)` are none; what is left when patience ends is told. */
  world.settle = async (look, problemsOf) => {
    const begun = performance.now();
    let before = null;
    let last = [];
    for (;;) {
      const now = await Promise.all(world.people.map(({ page }) => page.evaluate(look)));
      const problems = before ? problemsOf(now, before) : ['only one look'];
      const took = performance.now() - begun;
      if (problems.length === 0) {
        world.slowest = Math.max(world.slowest, took);
        if (took > slowMs) console.log(`seed ${seed}, step ${world.step}: ${took.toFixed(0)} ms until ${last.join(', ')}\n  ${acts.slice(-10).join('\n  ')}`);
        acts.push(`well after ${took.toFixed(0)} ms`);
        return true;
      }
      if (took > patienceMs) {
        await world.wrong(problems, world.people);
        return false;
      }
      [before, last] = [now, problems];
      await sleep(lookEveryMs);
    }
  };
  try {
    for (world.step = 1; world.step <= steps && world.found === 0; world.step += 1) await run(world);
    console.log(`seed ${seed}: ${world.found === 0 ? 'nothing' : 'something'} found in ${world.step - 1} steps; all was well after ${world.slowest.toFixed(0)} ms at most`);
  } finally {
    await browser.close();
    await server.stopAndClean();
    sdkPage.clean();
  }
  process.exit(world.found === 0 ? 0 : 1);
}

export { sleep };
