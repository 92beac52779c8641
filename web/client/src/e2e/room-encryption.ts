// The encryption of one stay in a room: the own sender key and when it changes, everybody else's, and the digits to compare.
// What is said to others is a state and not a sequence: it may be said again at any time, and whoever missed it asks.
import type { Environment, TimerId } from '../environment.js';
import type { Members } from '../protocol.js';
import type { EncryptionChoice, FrameCounts, RoomEncryptionState } from '../types.js';
import { equal, type Bytes } from './bytes.js';
import { extraOf } from './call-encryption.js';
import type { MediaGuard } from './guard-protocol.js';
import type { KeyPair } from './key-schedule.js';
import {
  envelopeKey,
  kGenerationMax,
  kKeysToldMax,
  kStepMax,
  newChainKey,
  openPosition,
  parseRoomWords,
  ratchet,
  roomCode,
  roomWords,
  sealPosition,
  senderTag,
  sframeKeyAt,
  type ChainPosition,
  type RoomContext,
  type RoomMember,
  type SealedPosition,
} from './room-keys.js';

/** Several who leave at once are one change of keys. */
const kRotateAfterMs = 500;
/** From telling a new key to sealing with it. */
const kSwitchAfterMs = 1_000;
/** The server's limit is somewhat higher; a message to everybody counts once for each. */
const kMessagesAtOnce = 400;
const kMessagesPerSecond = 50;
const kAgainAfterMs = 5_000;

export const kRoomNotEncrypted: RoomEncryptionState = { state: 'off', code: null, missing: [] };

export interface RoomEncryptionOptions {
  readonly env: Environment;
  readonly context: RoomContext;
  readonly sessionId: string;
  readonly choice: EncryptionChoice;
  readonly identity: KeyPair;
  readonly guard: MediaGuard;
  /** `to` null: to all others. False: there is no connection. */
  readonly say: (to: string | null, data: Members) => boolean;
  readonly onChange: () => void;
  /** mayCarry may have become true. */
  readonly onCarry: () => void;
  /** The room must not go on. */
  readonly onProblem: (message: string) => void;
}

export interface Entrant {
  readonly sessionId: string;
  readonly userId: string;
}

interface Peer {
  readonly userId: string;
  member: RoomMember | null;
  tag: number;
  sealWith: CryptoKey | null;
  openWith: CryptoKey | null;
  /** Its key is known here. */
  heard: boolean;
}

interface Planned {
  readonly position: ChainPosition;
  timer: TimerId | null;
}

export class RoomEncryption {
  state: RoomEncryptionState = { state: 'agreeing', code: null, missing: [] };
  private readonly options: RoomEncryptionOptions;
  private readonly extra: Bytes;
  private readonly peers = new Map<string, Peer>();
  private self: RoomMember | null = null;
  private tag = 0;
  private current: ChainPosition | null = null;
  /** Told, and not in use yet; oldest first. */
  private planned: Planned[] = [];
  private rotation: TimerId | null = null;
  /** Who is to be told what there is; null: everybody is asked, once. */
  private readonly untold = new Set<string | null>();
  private tokens = kMessagesAtOnce;
  private refilledAt: number;
  private pause: TimerId | null = null;
  private codeOf = '';
  private over = false;
  private work: Promise<void> = Promise.resolve();

  constructor(options: RoomEncryptionOptions) {
    this.options = options;
    this.extra = extraOf(options.choice);
    this.refilledAt = options.env.now();
    options.guard.onReady = () => {
      this.update();
      options.onCarry();
    };
  }

  get configuration(): RTCConfiguration {
    return this.options.guard.configuration;
  }
  /** Whether tracks may be given to the connection: there is a key, and nothing passes unsealed. */
  get mayCarry(): boolean {
    return this.current !== null && this.options.guard.isReady;
  }
  protectSender(transceiver: RTCRtpTransceiver): void {
    this.options.guard.protectSender(transceiver);
  }
  protectReceiver(transceiver: RTCRtpTransceiver): void {
    this.options.guard.protectReceiver(transceiver);
  }
  setOwner(transceiver: RTCRtpTransceiver, sessionId: string | null): void {
    this.options.guard.setOwner(transceiver, sessionId);
  }
  counts(): Promise<FrameCounts | null> {
    return this.options.guard.counts();
  }

  // ---- who is there -----------------------------------------------------------------------------------------------

  /** In the room, or in it again. `goesOn`: the others have not seen us leave. */
  enter(userId: string, others: readonly Entrant[], goesOn: boolean): void {
    this.enqueue(async () => {
      const { context, sessionId, identity } = this.options;
      if (!this.self) {
        this.self = { sessionId, userId, publicKey: identity.publicKey };
        this.tag = await senderTag(context, this.self);
      }
      const there = new Map(others.map((other) => [other.sessionId, other]));
      const gone = [...this.peers.keys()].filter((id) => !goesOn || !there.has(id));
      for (const id of gone) this.lose(id);
      if (goesOn && gone.length > 0) this.rotateSoon();
      let somebodyCame = false;
      for (const other of others) somebodyCame = this.meet(other) || somebodyCame;
      if (!this.current || !goesOn) await this.use(this.fresh());
      else if (somebodyCame) await this.stepOn();
      this.untold.add(null);
      for (const id of this.peers.keys()) this.untold.add(id);
      this.update();
    });
  }

  join(other: Entrant): void {
    this.enqueue(async () => {
      if (!this.current || !this.meet(other)) return;
      await this.stepOn();
      this.update();
    });
  }

  leave(sessionId: string): void {
    this.enqueue(() => {
      if (this.lose(sessionId)) this.rotateSoon();
      this.update();
      return Promise.resolve();
    });
  }

  /** True: it was not known. */
  private meet({ sessionId, userId }: Entrant): boolean {
    if (this.peers.has(sessionId) || sessionId === this.options.sessionId) return false;
    this.peers.set(sessionId, { userId, member: null, tag: 0, sealWith: null, openWith: null, heard: false });
    return true;
  }

  private lose(sessionId: string): boolean {
    this.options.guard.forget(sessionId);
    this.untold.delete(sessionId);
    return this.peers.delete(sessionId);
  }

  // ---- what is said -----------------------------------------------------------------------------------------------

  hear(from: string, data: unknown): void {
    this.enqueue(async () => {
      const words = parseRoomWords(data);
      const peer = this.peers.get(from);
      const { self } = this;
      // One's own key comes from nobody but who plays it back.
      if (!words || !peer || !self || equal(words.publicKey, self.publicKey)) return;
      if (words.ask) this.untold.add(from);
      const known = peer.member ? equal(peer.member.publicKey, words.publicKey) : false;
      if (!known && !(await this.learn(from, words.publicKey))) return;
      await this.take(from, words.keys);
      this.update();
    });
  }

  private async learn(from: string, publicKey: Bytes): Promise<boolean> {
    const { context, identity, guard } = this.options;
    const before = this.peers.get(from);
    const { self } = this;
    if (!before || !self) return false;
    const member: RoomMember = { sessionId: from, userId: before.userId, publicKey };
    const key = (sender: RoomMember, receiver: RoomMember): Promise<CryptoKey | null> =>
      envelopeKey(identity.privateKey, this.extra, context, { from: sender, to: receiver, peer: member });
    const [sealWith, openWith, tag] = await Promise.all([key(self, member), key(member, self), senderTag(context, member)]);
    if (!sealWith || !openWith) return false;
    if (before.member) {
      // Another page in its place: whoever was there before is gone.
      guard.forget(from);
      this.rotateSoon();
    }
    this.peers.set(from, { userId: before.userId, member, tag, sealWith, openWith, heard: false });
    this.untold.add(from);
    return true;
  }

  private async take(from: string, keys: readonly SealedPosition[]): Promise<void> {
    const peer = this.peers.get(from);
    if (!peer?.openWith) return;
    for (const told of keys) {
      const position = await openPosition(peer.openWith, told);
      if (!position) continue; // another secret, or it was changed: shows as missing
      this.options.guard.receiveChain(from, peer.tag, position);
      peer.heard = true;
    }
  }

  /** The server has thrown away what was said: it is said again, later. */
  refused(): void {
    for (const id of this.peers.keys()) this.untold.add(id);
    this.untold.add(null);
    this.tokens = 0;
    this.refilledAt = this.options.env.now() + kAgainAfterMs;
    this.enqueue(() => Promise.resolve());
  }

  private async speak(): Promise<void> {
    for (const to of [...this.untold]) {
      if (this.over) return;
      if (!this.afford(to === null ? Math.max(this.peers.size, 1) : 1)) return;
      if (to === null ? !this.ask() : !(await this.tell(to))) return; // said again on the next connection
      this.untold.delete(to);
    }
  }

  private ask(): boolean {
    const { self } = this;
    if (!self || this.peers.size === 0) return true;
    return this.options.say(null, roomWords({ publicKey: self.publicKey, ask: true, keys: [] }));
  }

  private async tell(to: string): Promise<boolean> {
    const { self, current } = this;
    const sealWith = this.peers.get(to)?.sealWith;
    if (!self || !current || !sealWith) return true; // once its public key is known
    const positions = [current, ...this.planned.map(({ position }) => position)].slice(-kKeysToldMax);
    const keys = await Promise.all(positions.map((position) => sealPosition(sealWith, position)));
    return this.options.say(to, roomWords({ publicKey: self.publicKey, ask: false, keys }));
  }

  private afford(cost: number): boolean {
    const { env } = this.options;
    const now = env.now();
    if (now > this.refilledAt) {
      this.tokens = Math.min(kMessagesAtOnce, this.tokens + ((now - this.refilledAt) / 1_000) * kMessagesPerSecond);
      this.refilledAt = now;
    }
    if (this.tokens >= cost) {
      this.tokens -= cost;
      return true;
    }
    const wait = this.refilledAt - now + ((cost - this.tokens) / kMessagesPerSecond) * 1_000;
    this.pause ??= env.setTimeout(() => {
      this.pause = null;
      this.enqueue(() => Promise.resolve());
    }, Math.ceil(wait));
    return false;
  }

  // ---- the own key ------------------------------------------------------------------------------------------------

  private fresh(): ChainPosition {
    const newest = this.planned.at(-1)?.position ?? this.current;
    return { generation: newest ? newest.generation + 1 : 0, step: 0, key: newChainKey() };
  }

  /** Who has come can't read what was before. Those who are there follow by themselves. */
  private async stepOn(): Promise<void> {
    if (!this.current) return;
    if (this.current.step >= kStepMax) this.rotateSoon();
    else await this.use(await ratchet(this.current));
  }

  private async use(position: ChainPosition): Promise<void> {
    if (position.generation > kGenerationMax) {
      this.options.onProblem('the keys of this room have changed too often');
      return;
    }
    const key = await sframeKeyAt(this.tag, position);
    if (this.over) return;
    const first = this.current === null;
    this.current = position;
    // Of what is older the timer runs yet: going back to it, nobody could read what is sealed.
    for (const { position: older, timer } of this.planned) {
      if (older.generation <= position.generation && timer !== null) this.options.env.clearTimeout(timer);
    }
    this.planned = this.planned.filter((each) => each.position.generation > position.generation);
    this.options.guard.sendWith(key, first);
    if (first) this.options.onCarry();
  }

  /** Who has left can't read what comes. */
  private rotateSoon(): void {
    this.rotation ??= this.options.env.setTimeout(() => {
      this.rotation = null;
      this.enqueue(() => {
        this.planned.push({ position: this.fresh(), timer: null });
        for (const id of this.peers.keys()) this.untold.add(id);
        return Promise.resolve();
      });
    }, kRotateAfterMs);
  }

  /** Once everybody was told of it, a new key is used after a moment. */
  private schedule(): void {
    if (this.untold.size > 0) return;
    for (const planned of this.planned) {
      planned.timer ??= this.options.env.setTimeout(() => this.enqueue(() => this.switchTo(planned)), kSwitchAfterMs);
    }
  }

  /** Its moment has come, unless a newer one came first. */
  private async switchTo(planned: Planned): Promise<void> {
    if (this.planned.includes(planned)) await this.use(planned.position);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  /** One thing after another, and what is to be said after each. */
  private enqueue(step: () => Promise<void>): void {
    this.work = this.work
      .then(async () => {
        if (this.over) return;
        await step();
        await this.speak();
        this.schedule();
      })
      .catch((error: unknown) => {
        if (!this.over) this.options.onProblem(error instanceof Error ? error.message : String(error));
      });
  }

  private update(): void {
    const missing = [...this.peers].filter(([, peer]) => !peer.heard).map(([id]) => id);
    this.become({ ...this.state, state: this.mayCarry ? 'on' : 'agreeing', missing });
    void this.computeCode();
  }

  private async computeCode(): Promise<void> {
    const members = [...this.peers.values()].flatMap(({ member }) => (member ? [member] : []));
    const { self } = this;
    const whole = self !== null && members.length > 0 && members.length === this.peers.size;
    const all = self ? [self, ...members] : members;
    const about = whole ? all.map(({ sessionId, publicKey }) => `${sessionId} ${publicKey.join()}`).sort().join('\n') : '';
    if (about === this.codeOf) return;
    this.codeOf = about;
    this.become({ ...this.state, code: null }); // what was compared holds no more
    if (!whole) return;
    const code = await roomCode(this.options.context, all);
    if (this.codeOf === about && !this.over) this.become({ ...this.state, code });
  }

  private become(state: RoomEncryptionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.state)) return;
    this.state = state;
    this.options.onChange();
  }

  stop(): void {
    this.over = true;
    const timers = [this.rotation, this.pause, ...this.planned.map(({ timer }) => timer)];
    for (const timer of timers) if (timer !== null) this.options.env.clearTimeout(timer);
    this.options.guard.close();
  }
}
