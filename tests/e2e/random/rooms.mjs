// People who do in a room whatever comes to their minds: come, go, speak, show themselves or a screen, restart ICE, several at
// once. After each step everybody has to see and hear what the others send, and nothing else.
//
//   node tests/e2e/random/rooms.mjs [--seed 1] [--steps 25] [--people 3] [--encrypted]
import { post } from '../support/api.mjs';
import { options, sleep, withPeople } from './chance.mjs';

const room = 'random';
const { encrypted, ...run } = options({ seed: 1, steps: 25, people: 3, encrypted: false });

/** Runs in the page. */
function enter(choice) {
  const players = new Map();
  window.room = window.kit.joinRoom({ kind: 'group', ...choice });
  window.room.on('change', ({ participants }) => {
    for (const { trackId, stream } of participants.flatMap(({ tracks }) => tracks)) {
      if (!stream || players.get(trackId)?.srcObject === stream) continue;
      players.get(trackId)?.remove();
      players.set(trackId, window.play(stream));
    }
  });
}

/** Runs in the page: who is there, and of each track how much of it was decoded so far. */
async function look() {
  if (!window.room) return null;
  const played = {};
  for (const report of (await window.room.getStats())?.values() ?? []) {
    if (report.type === 'inbound-rtp') played[report.trackIdentifier] = report.framesDecoded ?? report.totalAudioEnergy ?? 0;
  }
  const { state, end, participants } = window.room.snapshot;
  const seen = ({ sessionId, tracks }) => ({
    sessionId,
    tracks: tracks.map(({ source, muted, stream }) => ({ source, muted, played: played[stream?.getTracks()[0]?.id] })),
  });
  return { state, end, sessionId: window.room.sessionId, participants: participants.map(seen) };
}

/** Of one source, as one sees the other. */
function problemOf(source, on, track, before) {
  if (!on) return track && !track.muted ? 'is on' : null;
  if (!track) return 'is not there';
  if (track.muted) return 'is muted';
  if (track.played === undefined) return 'has no stream';
  return before !== undefined && track.played > before ? null : 'stands still';
}

function problemsOf(people, now, before) {
  const inside = people.map((person, i) => ({ person, view: now[i], earlier: before[i] })).filter(({ person }) => person.inside);
  return inside.flatMap(({ person, view, earlier }) => {
    if (view.state !== 'joined') return [`${person.name} is ${view.state}: ${JSON.stringify(view.end)}`];
    const others = inside.filter((other) => other.person !== person);
    const strangers = view.participants.filter(({ sessionId }) => !others.some((other) => other.view.sessionId === sessionId));
    const problems = strangers.length > 0 ? [`${person.name} sees ${strangers.length} who left`] : [];
    for (const { person: other, view: { sessionId } } of others) {
      const find = (of, source) => of?.participants.find((each) => each.sessionId === sessionId)?.tracks.find((track) => track.source === source);
      if (!view.participants.some((each) => each.sessionId === sessionId)) problems.push(`${person.name} does not know ${other.name}`);
      for (const source of ['microphone', 'camera', 'screen']) {
        const problem = problemOf(source, other[source], find(view, source), find(earlier, source)?.played);
        if (problem) problems.push(`${other.name}'s ${source} ${problem} at ${person.name}'s`);
      }
    }
    return problems;
  });
}

async function act({ chance, people, did }) {
  const person = chance.oneOf(people);
  const { page } = person;
  const turn = (source) => {
    person[source] = !person[source];
    did(person, `${source} ${person[source] ? 'on' : 'off'}`);
    return person[source];
  };
  if (!person.inside) {
    const choice = { id: room, audio: !chance.once(3), video: chance.once(2), ...(encrypted ? { e2e: true } : {}) };
    Object.assign(person, { inside: true, microphone: choice.audio, camera: choice.video, screen: false });
    did(person, `comes${choice.audio ? ' with sound' : ''}${choice.video ? ' with pictures' : ''}`);
    await page.evaluate(enter, choice);
    return;
  }
  const what = chance.below(12);
  if (what < 4) await page.evaluate((on) => window.room.setMuted(!on), turn('microphone'));
  else if (what < 8) await page.evaluate((on) => void window.room.setCamera(on), turn('camera'));
  else if (what < 10) await page.evaluate((on) => void (on ? window.room.startScreenShare() : window.room.stopScreenShare()), turn('screen'));
  else if (what < 11) {
    person.inside = false;
    did(person, 'leaves');
    await page.evaluate(() => window.room.leave());
  } else {
    did(person, 'restarts ICE');
    await page.evaluate(() => window.room.restartIce());
  }
}

await withPeople(run, async (world) => {
  const { chance, people } = world;
  if (world.step === 1) await post(world.server, '/api/v1/groups', { id: room, title: 'Random', members: people.slice(1).map(({ id }) => id) }, people[0].token);
  for (let acts = 2 + chance.below(6); acts > 0; acts -= 1) {
    await act(world);
    await sleep(chance.below(chance.once(3) ? 600 : 60));
  }
  await world.settle(look, (now, before) => problemsOf(people, now, before));
});
