// Encrypted rooms: several participants over a relay that reads nothing, each with a true sealer and opener of frames.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FrameOpener, FrameSealer } from '../src/e2e/frames.js';
import { makeKeyPair, type KeyPair } from '../src/e2e/key-schedule.js';
import { RoomEncryption } from '../src/e2e/room-encryption.js';
import type { ChainPosition } from '../src/e2e/room-keys.js';
import type { SframeKey } from '../src/e2e/sframe.js';
import type { EncryptionChoice } from '../src/index.js';
import { toBase64Url, utf8, type Bytes } from '../src/e2e/bytes.js';
import { createEnvironment } from '../src/environment.js';
import { FakeClock, FakeGuard, FakePeerConnection, FakeTrack, settle } from './fakes.js';
import { RoomServer, bob, bobsCamera, follow } from './room-server.js';

type Data = Record<string, unknown>;

/** Seals and opens in this thread. */
class OpenGuard extends FakeGuard {
  readonly sealer = new FrameSealer();
  readonly opener = new FrameOpener();
  override sendWith(key: SframeKey): void {
    super.sendWith(key);
    this.sealer.install(key);
  }
  override receiveChain(sender: string, tag: number, position: ChainPosition): void {
    super.receiveChain(sender, tag, position);
    this.opener.installChain(sender, tag, position);
  }
  override forget(sender: string): void {
    super.forget(sender);
    this.opener.forget(sender);
  }
}

interface Person {
  readonly name: string;
  readonly guard: OpenGuard;
  readonly encryption: RoomEncryption;
  readonly problems: string[];
}

const frame = utf8('what was said');

/** The server's part: who is there, and words passed on in order. */
class Relay {
  readonly clock = new FakeClock();
  readonly people = new Map<string, Person>();
  /** What was passed on: from, to, data. */
  readonly passed: { from: string; to: string; data: Data }[] = [];
  /** What somebody in between makes of it; null: nothing comes. */
  between: (from: string, to: string, data: Data) => Data | null = (_, __, data) => data;
  connected = new Set<string>();

  async make(name: string, choice: EncryptionChoice = true, identity?: KeyPair): Promise<Person> {
    const guard = new OpenGuard();
    const problems: string[] = [];
    const env = createEnvironment({ now: () => this.clock.now, setTimeout: this.clock.setTimeout, clearTimeout: this.clock.clearTimeout });
    const encryption = new RoomEncryption({
      env,
      context: { kind: 'group', roomId: 'team' },
      sessionId: name,
      choice,
      identity: identity ?? (await makeKeyPair()),
      guard,
      say: (to, data) => this.pass(name, to, data),
      onChange: () => undefined,
      onCarry: () => undefined,
      onProblem: (message) => problems.push(message),
    });
    return { name, guard, encryption, problems };
  }

  async enter(name: string, choice: EncryptionChoice = true): Promise<Person> {
    const person = await this.make(name, choice);
    const others = [...this.people.keys()].map((sessionId) => ({ sessionId, userId: `user-${sessionId}` }));
    for (const other of this.people.values()) other.encryption.join({ sessionId: name, userId: `user-${name}` });
    this.people.set(name, person);
    this.connected.add(name);
    person.encryption.enter(`user-${name}`, others, false);
    return person;
  }
  leave(name: string): void {
    this.people.get(name)?.encryption.stop();
    this.people.delete(name);
    for (const other of this.people.values()) other.encryption.leave(name);
  }
  resume(name: string): void {
    this.connected.add(name);
    const others = [...this.people.keys()].filter((each) => each !== name).map((sessionId) => ({ sessionId, userId: `user-${sessionId}` }));
    this.people.get(name)?.encryption.enter(`user-${name}`, others, true);
  }

  private pass(from: string, to: string | null, data: Data): boolean {
    if (!this.connected.has(from)) return false;
    const text = JSON.stringify(data);
    expect(text.length).toBeLessThanOrEqual(2_048);
    for (const receiver of to === null ? [...this.people.keys()].filter((each) => each !== from) : [to]) {
      const passed = this.between(from, receiver, JSON.parse(text) as Data);
      if (!passed || !this.people.has(receiver) || !this.connected.has(receiver)) continue;
      this.passed.push({ from, to: receiver, data: passed });
      queueMicrotask(() => this.people.get(receiver)?.encryption.hear(from, passed));
    }
    return true;
  }
}

let relay: Relay;
beforeEach(() => {
  relay = new Relay();
});

const seal = async ({ guard }: Person): Promise<Bytes> => {
  const sealed = await guard.sealer.seal('audio', frame);
  if (!sealed) throw new Error('not sealed');
  return sealed;
};
const opens = async (by: Person, sealed: Bytes, from: Person): Promise<string> => (await by.guard.opener.open('audio', sealed, from.name)).outcome;
const reads = async (by: Person, from: Person): Promise<boolean> => (await opens(by, await seal(from), from)) === 'opened';
const allRead = async (people: Person[]): Promise<boolean> => {
  const pairs = people.flatMap((by) => people.filter((from) => from !== by).map((from) => reads(by, from)));
  return (await Promise.all(pairs)).every(Boolean);
};
const everybodyReads = (...people: Person[]): Promise<void> =>
  vi.waitFor(async () => expect(await allRead(people)).toBe(true), { timeout: 20_000, interval: 10 });
const codes = (...people: Person[]): Promise<string> =>
  vi.waitFor(() => {
    const seen = new Set(people.map(({ encryption }) => encryption.state.code));
    expect(seen.size).toBe(1);
    const [code] = [...seen];
    if (!code) throw new Error('no code yet');
    return code;
  }, { timeout: 20_000, interval: 10 });
const generationOf = ({ guard }: Person): number => Math.floor((guard.sent.at(-1)?.kid ?? 0) / 256) % 65_536;
/** The keys after somebody left: told within a second, used a second later. */
const rotate = async (...people: Person[]): Promise<void> => {
  const before = people.map(generationOf);
  await vi.waitFor(async () => {
    await relay.clock.advance(200);
    people.forEach((person, at) => expect(generationOf(person)).toBeGreaterThan(before[at] as number));
  }, { timeout: 20_000, interval: 5 });
};

describe('an encrypted room', () => {
  it('is read by everybody in it, and all see the same digits', async () => {
    const people = [await relay.enter('a'), await relay.enter('b'), await relay.enter('c')];
    await everybodyReads(...people);
    const code = await codes(...people);
    expect(code).toMatch(/^(\d{5} ){5}\d{5}$/);
    for (const { encryption, problems } of people) {
      expect(encryption.state).toEqual({ state: 'on', code, missing: [] });
      expect(problems).toEqual([]);
    }
  });
  it('shows no digits to one who is alone, and sends nothing before there is a key', async () => {
    const alone = await relay.make('a');
    expect(alone.encryption.mayCarry).toBe(false);
    expect(alone.encryption.state.state).toBe('agreeing');
    alone.encryption.enter('user-a', [], false);
    await vi.waitFor(() => expect(alone.encryption.mayCarry).toBe(true), { timeout: 20_000 });
    expect(alone.encryption.state).toEqual({ state: 'on', code: null, missing: [] });
  });
  it('tells who comes nothing of what was before', async () => {
    const [a, b] = [await relay.enter('a'), await relay.enter('b')];
    await everybodyReads(a, b);
    const before = await seal(a);
    const code = await codes(a, b);
    const c = await relay.enter('c');
    await everybodyReads(a, b, c);
    expect(await opens(c, before, a)).toBe('keyless');
    expect(await opens(b, before, a)).toBe('opened');
    expect(await codes(a, b, c)).not.toBe(code);
    // Those who were there followed by themselves.
    expect(relay.passed.filter(({ from, to, data }) => from === 'a' && to === 'b' && data['keys'])).toHaveLength(1);
  });
  it('tells who has left nothing of what comes, and changes its digits', async () => {
    const [a, b, c] = [await relay.enter('a'), await relay.enter('b'), await relay.enter('c')];
    await everybodyReads(a, b, c);
    const code = await codes(a, b, c);
    relay.leave('c');
    await rotate(a, b);
    await everybodyReads(a, b);
    expect(await opens(c, await seal(a), a)).toBe('keyless');
    expect(await opens(c, await seal(b), b)).toBe('keyless');
    expect(await codes(a, b)).not.toBe(code);
  });
  it('has one change of keys for several who leave together, and another for who leaves during it', async () => {
    const people = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => relay.enter(name)));
    const [a, b, c, d, e] = people as [Person, Person, Person, Person, Person];
    await everybodyReads(...people);
    relay.leave('c');
    relay.leave('d');
    await vi.waitFor(async () => {
      await relay.clock.advance(100);
      expect(relay.passed.some(({ from, to, data }) => from === 'a' && to === 'e' && (data['keys'] as unknown[])?.length === 2)).toBe(true);
    }, { timeout: 20_000 });
    relay.leave('e'); // knows the key that is to come
    await rotate(a, b);
    await rotate(a, b);
    expect(generationOf(a)).toBe(2);
    for (const gone of [c, d, e]) expect(await opens(gone, await seal(a), a)).toBe('keyless');
    await everybodyReads(a, b);
    await relay.clock.advance(60_000);
    expect(generationOf(a)).toBe(2);
  });
  it('lets in who comes while keys change', async () => {
    const [a, b] = [await relay.enter('a'), await relay.enter('b')];
    await relay.enter('c');
    await codes(a, b);
    relay.leave('c');
    await vi.waitFor(async () => {
      await relay.clock.advance(100);
      expect(relay.passed.some(({ data }) => (data['keys'] as unknown[])?.length === 2)).toBe(true);
    }, { timeout: 20_000 });
    const d = await relay.enter('d');
    await everybodyReads(a, b, d);
    await rotate(a, b);
    await everybodyReads(a, b, d);
  });
  it('does not go back to an older key of one who starts over while its keys change', async () => {
    const [a, b] = [await relay.enter('a'), await relay.enter('b')];
    await relay.enter('c');
    await everybodyReads(a, b);
    relay.leave('c');
    await vi.waitFor(async () => {
      await relay.clock.advance(100);
      expect(relay.passed.some(({ from, data }) => from === 'a' && (data['keys'] as unknown[])?.length === 2)).toBe(true);
    }, { timeout: 20_000 });
    b.encryption.leave('a');
    b.encryption.join({ sessionId: 'a', userId: 'user-a' });
    a.encryption.enter('user-a', [{ sessionId: 'b', userId: 'user-b' }], false);
    await everybodyReads(a, b);
    expect(generationOf(a)).toBe(2);
    for (let i = 0; i < 10; i += 1) {
      await relay.clock.advance(1_000);
      await everybodyReads(a, b);
    }
    expect(generationOf(a)).toBe(2);
  });
  it('is entered again by one who left, as somebody new', async () => {
    const [a, b] = [await relay.enter('a'), await relay.enter('b')];
    await everybodyReads(a, b);
    const code = await codes(a, b);
    relay.leave('b');
    const again = await relay.enter('b');
    await everybodyReads(a, again);
    expect(await codes(a, again)).not.toBe(code);
    await rotate(a);
    await everybodyReads(a, again);
    expect(await opens(b, await seal(a), a)).toBe('keyless');
  });
  it('mends itself after words were lost', async () => {
    const a = await relay.enter('a');
    relay.between = () => null;
    const b = await relay.enter('b');
    await vi.waitFor(() => expect(a.encryption.state.missing).toEqual(['b']), { timeout: 20_000 });
    relay.between = (_, __, data) => data;
    relay.connected.delete('b');
    relay.resume('b');
    await everybodyReads(a, b);
    await codes(a, b);
    expect(a.encryption.state.missing).toEqual([]);
  });
  it('goes on for one who was away while others came and went', async () => {
    const [a, b, c] = [await relay.enter('a'), await relay.enter('b'), await relay.enter('c')];
    await everybodyReads(a, b, c);
    relay.connected.delete('b');
    relay.people.delete('b'); // hears nothing
    relay.leave('c');
    const d = await relay.enter('d');
    await rotate(a);
    relay.people.set('b', b);
    d.encryption.join({ sessionId: 'b', userId: 'user-b' });
    relay.resume('b');
    await everybodyReads(a, b, d);
    await rotate(b);
    expect(await opens(c, await seal(b), b)).toBe('keyless');
  });
  it('is not read with another secret, and says of whom', async () => {
    const [a, b, c] = [await relay.enter('a', { secret: 'one' }), await relay.enter('b', { secret: 'one' }), await relay.enter('c', { secret: 'another' })];
    await everybodyReads(a, b);
    await vi.waitFor(() => expect(c.encryption.state.missing).toEqual(['a', 'b']), { timeout: 20_000 });
    expect([await reads(c, a), await reads(a, c)]).toEqual([false, false]);
    expect(a.encryption.state.missing).toEqual(['c']);
  });
  it('is not opened by one who changes what is passed on, and shows one who puts other keys in', async () => {
    const mallory = await makeKeyPair();
    const key = toBase64Url(mallory.publicKey);
    relay.between = (from, to, data) => (from === 'a' && to === 'b' ? { ...data, key } : data);
    const [a, b] = [await relay.enter('a'), await relay.enter('b')];
    await vi.waitFor(() => expect([a.encryption.state.code, b.encryption.state.code]).not.toContain(null), { timeout: 20_000 });
    expect(a.encryption.state.code).not.toBe(b.encryption.state.code);
    expect(await reads(b, a)).toBe(false);
  });
  it('takes no words that are played back to who said them', async () => {
    const a = await relay.enter('a');
    await relay.enter('b');
    await codes(a, relay.people.get('b') as Person);
    const own = relay.passed.filter(({ from }) => from === 'a');
    for (const { data } of own) a.encryption.hear('b', data);
    await settle();
    expect(a.encryption.state.missing).toEqual([]);
    expect(a.problems).toEqual([]);
  });
  it('keeps below the limit of the server, and says all of it in the end', async () => {
    const a = await relay.enter('a');
    const b = await relay.enter('b');
    await everybodyReads(a, b);
    const before = relay.passed.filter(({ from }) => from === 'a').length;
    for (let round = 0; round < 600; round += 1) {
      a.encryption.hear('b', relay.passed.find(({ from, data }) => from === 'b' && data['ask'])?.data);
    }
    await vi.waitFor(() => expect(relay.passed.filter(({ from }) => from === 'a').length).toBeGreaterThan(before + 350), { timeout: 20_000 });
    expect(relay.passed.filter(({ from }) => from === 'a').length).toBeLessThanOrEqual(before + 400);
    await relay.clock.advance(30_000);
    expect(await reads(b, a)).toBe(true);
  });
});

describe('a stay in a room', () => {
  let clock: FakeClock;
  let server: RoomServer;
  beforeEach(() => {
    clock = new FakeClock();
    FakeTrack.live.clear();
    FakePeerConnection.gate = null;
    server = new RoomServer(clock);
    server.browser.canEncrypt = true;
  });
  const until = (check: () => void): Promise<void> => vi.waitFor(async () => {
    await settle();
    check();
  }, { timeout: 20_000, interval: 5 });
  const knock = async (options: Parameters<RoomServer['knock']>[0] = {}) => {
    const room = await server.knock(options);
    await until(() => expect(server.browser.sockets.length).toBe(1));
    return room;
  };

  it('says that it can be encrypted, and is when the room is', async () => {
    server.joined = { e2e: true, participants: [bob], tracks: [bobsCamera] };
    const room = await knock({ video: true });
    server.open();
    await until(() => expect(room.encryption.state).toBe('on'));
    expect(server.last('join')).toEqual({ e2e: 'supported' });
    const guard = server.browser.guards[0] as FakeGuard;
    expect([...guard.guarded]).toEqual(server.pc.getTransceivers());
    expect(room.encryption.missing).toEqual(['session-bob']);
    expect(server.last('e2e')).toMatchObject({ data: { v: 1, ask: true } });
    await until(() => expect(server.pc.getTransceivers().map((each) => each.sender.track?.kind)).toEqual(['audio', 'video']));
    // What is received has an owner.
    server.offer({ mid: 'z5', kind: 'video', direction: 'sendonly' });
    server.say('track', { ...bobsCamera, state: 'updated', mid: 'z5' });
    await until(() => expect([...guard.owners.values()]).toEqual(['session-bob']));
    room.leave();
    expect(guard.closed).toBe(true);
  });
  it('gives no track to the connection before it is sealed', async () => {
    server.joined = { e2e: true };
    const room = await knock();
    const { guards } = server.browser;
    server.open();
    await until(() => expect(guards.length).toBe(1));
    expect(room.state).not.toBe('ended');
    await until(() => expect(server.pc.getTransceivers()[0]?.sender.track?.kind).toBe('audio'));
    expect(guards[0]?.sent.length).toBeGreaterThan(0);
  });
  it('is not encrypted where the room is not', async () => {
    const room = await knock();
    server.open();
    await until(() => expect(room.state).toBe('joined'));
    expect(room.encryption).toEqual({ state: 'off', code: null, missing: [] });
    expect(server.browser.guards).toEqual([]);
    expect(await room.frameCounts()).toBeNull();
  });
  it.each(['encrypted', 'not-encrypted'] as const)('ends when it is refused as %s', async (code) => {
    server.joined = code;
    const room = await knock(code === 'encrypted' ? { e2e: false } : { e2e: true });
    const { ends } = follow(room);
    server.open();
    await until(() => expect(ends).toEqual([{ reason: code, message: 'no' }]));
    expect(server.last('join')).toEqual(code === 'encrypted' ? {} : { e2e: 'required' });
  });
  it('ends when the server says that the room is not encrypted after all', async () => {
    const asked = await knock({ e2e: true });
    const { ends } = follow(asked);
    server.open();
    await until(() => expect(ends[0]?.reason).toBe('not-encrypted'));
  });
  it('is not without encryption once it was with', async () => {
    server.joined = { e2e: true };
    const room = await knock();
    const { ends } = follow(room);
    server.open();
    await until(() => expect(room.encryption.state).toBe('on'));
    server.joined = { e2e: false, resumed: true };
    server.socket.drop(1006);
    await clock.advance(5_000);
    await until(() => expect(server.browser.sockets.length).toBe(2));
    server.open();
    await until(() => expect(ends[0]?.reason).toBe('not-encrypted'));
    expect(server.sent.filter(({ type }) => type === 'join').at(-1)?.payload).toEqual({ e2e: 'required' });
  });
  it('does not begin where this browser can not and it was asked for', async () => {
    server.browser.canEncrypt = false;
    const room = await server.knock({ e2e: true });
    await until(() => expect(room.snapshot.end?.reason).toBe('encryption-unsupported'));
    expect(server.browser.sockets.length).toBe(0);
  });
});
