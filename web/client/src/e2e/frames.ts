// Encoded frames of WebRTC, sealed and opened: what stays readable before the SFrame ciphertext, one counter for all that a
// sender sends, and frames that come twice.
import { concat, type Bytes } from './bytes.js';
import type { ChainPosition } from './room-keys.js';
import { SenderChain } from './sender-chain.js';
import { decodeHeader, kTagBytes, openFrame, sealFrame, type SframeKey } from './sframe.js';

export type MediaKind = 'audio' | 'video';

/** Frames that are older than this many of their sender are not taken: audio and all layers of video count together. */
const kWindow = 8_192;
/** Of one sender: the newest, and the one before it, whose frames are still on the way. */
const kKeysOfSenderMax = 2;
/** In a room there is one for each who came within the time that a late frame takes. */
const kStepsOfSenderMax = 4;
/** The one in use, and those that will be in a moment. */
const kGenerationsOfSenderMax = 4;
const kCountersMax = 2 ** 40;

/**
 * How many bytes at the start of a VP8 frame stay readable (RFC 6386 section 9.1): of a key frame 10 (tag, start code, size),
 * else 3. The SFU finds key frames and their size by them, and so does the depacketizer of browsers.
 */
export function clearBytesOf(kind: MediaKind, frame: Uint8Array): number {
  if (kind === 'audio') return 0;
  return ((frame[0] ?? 1) & 1) === 0 ? 10 : 3;
}

/** Seals with the newest key. Without a key nothing leaves. */
export class FrameSealer {
  private key: SframeKey | null = null;
  private counter = 0;
  private used = new Set<number>();

  /** A key is taken once: its counters would begin anew. */
  install(key: SframeKey): void {
    if (this.used.has(key.kid)) return;
    this.used.add(key.kid);
    this.key = key;
    this.counter = 0;
  }

  /** null: the frame has to be dropped. */
  async seal(kind: MediaKind, frame: Bytes): Promise<Bytes | null> {
    const { key, counter } = this;
    const clear = clearBytesOf(kind, frame);
    if (!key || counter >= kCountersMax || frame.length === 0 || frame.length < clear) return null;
    // Before anything is awaited: streams run side by side, and share the counter.
    this.counter += 1;
    const head = frame.subarray(0, clear);
    return concat(head, await sealFrame(key, counter, frame.subarray(clear), head));
  }
}

/** Which counters came already. */
class Replays {
  private highest = -1;
  private readonly seen = new Uint8Array(kWindow);

  mayTake(counter: number): boolean {
    return counter > this.highest || (counter > this.highest - kWindow && this.seen[counter % kWindow] === 0);
  }
  take(counter: number): boolean {
    if (!this.mayTake(counter)) return false;
    if (counter - this.highest >= kWindow) this.seen.fill(0);
    else for (let passed = this.highest + 1; passed < counter; passed += 1) this.seen[passed % kWindow] = 0;
    this.highest = Math.max(this.highest, counter);
    this.seen[counter % kWindow] = 1;
    return true;
  }
}

interface KnownKey {
  readonly sender: string;
  readonly key: SframeKey;
  readonly replays: Replays;
  /** Of rooms. */
  readonly chain: SenderChain | null;
}

export type Opened =
  | { readonly outcome: 'opened'; readonly frame: Bytes }
  /**
   * keyless: nobody is known by that KID (yet). refused: no frame of that key. repeated: it came before, or is too old to tell.
   * Chromium hands out frames of one packet again when that packet is sent once more to probe the line.
   */
  | { readonly outcome: 'keyless' | 'refused' | 'repeated' };

/** Opens what others sealed. */
export class FrameOpener {
  private known: KnownKey[] = [];
  private chains: SenderChain[] = [];

  install(sender: string, key: SframeKey): void {
    // The first one keeps a KID: nobody can push out another's key by naming the same.
    if (this.known.some((each) => each.key.kid === key.kid)) return;
    this.keep({ sender, key, replays: new Replays(), chain: null });
  }

  /** In rooms: from that position on, the sender's keys follow from each other. What is older than what is known is ignored. */
  installChain(sender: string, tag: number, position: ChainPosition): void {
    const ofSender = this.chains.filter((each) => each.sender === sender);
    const same = ofSender.find((each) => each.generation === position.generation);
    const newest = Math.max(-1, ...ofSender.map((each) => each.generation));
    if (same ? position.step <= same.step : position.generation < newest) return;
    this.chains = this.chains.filter((each) => each !== same);
    this.chains.push(new SenderChain(sender, tag, position));
    if (!same && ofSender.length >= kGenerationsOfSenderMax) this.chains = this.chains.filter((each) => each !== ofSender[0]);
  }

  forget(sender: string): void {
    this.known = this.known.filter((each) => each.sender !== sender);
    this.chains = this.chains.filter((each) => each.sender !== sender);
  }

  /** `sender`: only frames of that one. null: of anybody who is known. */
  async open(kind: MediaKind, frame: Bytes, sender: string | null = null): Promise<Opened> {
    const clear = clearBytesOf(kind, frame);
    const header = decodeHeader(frame.subarray(clear));
    if (!header || frame.length < clear + header.size + kTagBytes) return { outcome: 'refused' };
    const known = this.find(header.kid, sender) ?? (await this.derive(header.kid, sender));
    if (!known) return { outcome: 'keyless' };
    if (!known.replays.mayTake(header.counter)) return { outcome: 'repeated' };
    const head = frame.subarray(0, clear);
    const plain = await openFrame(known.key, header, frame.subarray(clear), head);
    // Only now: a forged counter must not shut out the true one.
    if (!plain) return { outcome: 'refused' };
    if (!this.settle(known).replays.take(header.counter)) return { outcome: 'repeated' };
    return { outcome: 'opened', frame: concat(head, plain) };
  }

  private find(kid: number, sender: string | null): KnownKey | undefined {
    return this.known.find((each) => each.key.kid === kid && (sender === null || each.sender === sender));
  }

  /** A key that the sender's chain leads to, not yet known to be true. */
  private async derive(kid: number, sender: string | null): Promise<KnownKey | null> {
    const chain = this.chains.find((each) => each.sender === sender && each.has(kid));
    return chain ? { sender: chain.sender, key: await chain.keyOf(kid), replays: new Replays(), chain } : null;
  }

  /** A frame was opened by this key: it is kept, unless another frame was faster, whose entry counts then. */
  private settle(entry: KnownKey): KnownKey {
    if (!entry.chain || !this.chains.includes(entry.chain)) return entry;
    const before = this.find(entry.key.kid, entry.sender);
    if (before) return before;
    entry.chain.advance(entry.key.kid);
    this.keep(entry);
    return entry;
  }

  private keep(entry: KnownKey): void {
    this.known.push(entry);
    const ofSender = this.known.filter((each) => each.sender === entry.sender);
    const most = entry.chain ? kStepsOfSenderMax : kKeysOfSenderMax;
    if (ofSender.length > most) this.known = this.known.filter((each) => each !== ofSender[0]);
  }
}
