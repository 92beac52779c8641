// Two who call each other, also both at once, and do in the call whatever comes to their minds. After each step both have to see and
// hear what the other sends, and to know it.
//
//   node tests/e2e/random/calls.mjs [--seed 1] [--steps 20] [--encrypted]
//
// Cameras and screens are not on together: the two fake cameras of one browser are one device, which stops while a page has it open
// and shows it nowhere, as behind a screen.
import { until } from '../support/until.mjs';
import { options, sleep, withPeople } from './chance.mjs';

const { encrypted, ...run } = options({ seed: 1, steps: 20, encrypted: false });
const e2e = encrypted ? { e2e: true } : {};

/** Runs in the page. */
function wait(choice) {
  let player = null;
  window.kit.calls.on('call', (call) => {
    player?.remove();
    player = window.play(call.remoteStream);
    window.call = call;
  });
  window.kit.calls.on('incoming', (call) => setTimeout(() => void call.accept({ audio: true, video: window.answer.video, ...choice }), window.answer.after));
  window.kit.signal.connect();
}

/** Runs in the page: what both sides are said to send, and how much of it was decoded so far. */
async function look() {
  const { call } = window;
  const played = { audio: 0, video: 0 };
  for (const report of (await call?.getStats())?.values() ?? []) {
    if (report.type === 'inbound-rtp') played[report.kind] += report.framesDecoded ?? report.totalAudioEnergy ?? 0;
  }
  const counts = (await call?.frameCounts()) ?? null;
  return { state: call?.state ?? 'none', end: call?.end, local: call?.local, remote: call?.remote, played, refused: counts?.refused ?? 0 };
}

function problemsOf(people, now, before) {
  return people.flatMap((person, i) => {
    const other = people[1 - i];
    const [view, theirs] = [now[i], now[1 - i]];
    if (view.state !== 'active') return [`${person.name} is ${view.state}: ${JSON.stringify(view.end)}`];
    other.camera ??= theirs.local?.video;
    const wanted = { muted: !other.microphone, video: other.camera, screen: other.screen };
    const differs = (media, video) => media?.muted !== wanted.muted || media.screen !== wanted.screen || media.video !== video;
    const problems = [];
    if (differs(theirs.local, wanted.video)) problems.push(`${other.name} itself: ${JSON.stringify(theirs.local)}, and was told ${JSON.stringify(wanted)}`);
    if (differs(view.remote, wanted.video || wanted.screen)) problems.push(`${other.name} in the eyes of ${person.name}: ${JSON.stringify(view.remote)}, and was told ${JSON.stringify(wanted)}`);
    if (other.microphone && !(view.played.audio > before[i].played.audio)) problems.push(`${person.name} does not hear ${other.name}`);
    if ((other.camera || other.screen) && !(view.played.video > before[i].played.video)) problems.push(`${person.name} does not see ${other.name}`);
    if (view.refused > 0) problems.push(`${person.name} was sent ${view.refused} frames that were not sealed for it`);
    return problems;
  });
}

async function act({ chance, people, did }) {
  const person = chance.oneOf(people);
  const { page } = person;
  const what = chance.below(9);
  const turn = (source, on) => {
    person[source] = on;
    did(person, `${source} ${on ? 'on' : 'off'}`);
    return on;
  };
  if (what < 3) await page.evaluate((on) => window.call.setMuted(!on), turn('microphone', !person.microphone));
  else if (what < 6 && !people.some(({ screen }) => screen)) await page.evaluate((on) => void window.call.setCamera(on), turn('camera', chance.once(2)));
  else if (what < 8 && people.every(({ camera }) => camera === false)) {
    await page.evaluate((on) => void (on ? window.call.startScreenShare() : window.call.stopScreenShare()), turn('screen', !person.screen));
  } else {
    did(person, 'restarts ICE');
    await page.evaluate(() => window.call.restartIce());
  }
}

async function everybody(people, done) {
  for (let looks = 0; looks < 200; looks += 1) {
    const now = await Promise.all(people.map(({ page }) => page.evaluate(() => window.call?.state)));
    if (now.every(done)) return true;
    await sleep(50);
  }
  return false;
}

const call = ({ page }, { id }, video) => page.evaluate(({ to, choice }) => void window.kit.calls.call(to, choice), { to: id, choice: { audio: true, video, ...e2e } });

await withPeople({ ...run, people: 2 }, async (world) => {
  const { chance, people } = world;
  if (world.step === 1) {
    await Promise.all(people.map(({ page }) => page.evaluate(wait, e2e)));
    for (const { page } of people) await until('the page is connected', () => page.evaluate(() => window.kit.signal.status === 'online'));
  }
  const caller = chance.oneOf(people);
  const callee = people.find((person) => person !== caller);
  const video = chance.once(2);
  const answer = { video: chance.once(2), after: chance.below(3) * 150 };
  const both = chance.once(4);
  for (const person of people) {
    Object.assign(person, { microphone: true, camera: undefined, screen: false });
    await person.page.evaluate((next) => Object.assign(window, { answer: next, call: null }), answer);
  }
  world.did(caller, `calls ${video ? 'with' : 'without'} pictures${both ? ', and is called' : ''}; taken after ${answer.after} ms ${answer.video ? 'with' : 'without'} them`);
  // A call that crosses another is refused, or is that other one.
  await Promise.all([call(caller, callee, video), both ? call(callee, caller, video).catch(() => undefined) : null]);
  // Which of two calls it is, only they know.
  if (!both) [caller.camera, callee.camera] = [video, answer.video];
  if (!(await everybody(people, (state) => state === 'active'))) return world.wrong(['the call is never active'], people);
  for (let rounds = 1 + chance.below(2); rounds > 0; rounds -= 1) {
    for (let acts = chance.below(6); acts > 0; acts -= 1) {
      await act(world);
      await sleep(chance.below(chance.once(3) ? 500 : 40));
    }
    if (!(await world.settle(look, (now, before) => problemsOf(people, now, before)))) return;
  }
  const last = chance.oneOf(people);
  world.did(last, 'hangs up');
  await last.page.evaluate(() => window.call.hangup());
  if (!(await everybody(people, (state) => state === 'ended'))) await world.wrong(['the call is never over'], people);
});
