// The keys of an encrypted room: what a sender seals with, how it moves on, how it is told to one other participant, and the
// digits that all compare (docs/protocol/e2e.md, "Rooms"). Pure but for WebCrypto.
import { bigEndian, fromBase64Url, framed, toBase64Url, utf8, type Bytes } from './bytes.js';
import { kPublicKeyBytes, sharedSecret } from './key-schedule.js';
import { deriveSframeKey, hkdf, importSecret, kTagBytes, type SframeKey } from './sframe.js';

export const kChainKeyBytes = 32;
export const kGenerationMax = 0xffff;
export const kStepMax = 0xff;
const kNonceBytes = 12;
const kCodeGroups = 6;
/** Slow on purpose: whoever stands between has to find two rooms with the same digits while people come in. */
const kCodeIterations = 100_000;
const kNone = new Uint8Array(0);

export interface RoomContext {
  readonly kind: string;
  readonly roomId: string;
}

export interface RoomMember {
  readonly sessionId: string;
  readonly userId: string;
  readonly publicKey: Bytes;
}

/** Where a sender's chain stands. A step is derived from the one before it; a generation begins with a new random key. */
export interface ChainPosition {
  readonly generation: number;
  readonly step: number;
  readonly key: Bytes;
}

/** A position as one participant tells it to another. */
export interface SealedPosition {
  readonly generation: number;
  readonly step: number;
  /** base64url, 12 bytes. */
  readonly nonce: string;
  /** base64url, the key of 32 bytes and the tag. */
  readonly sealed: string;
}

function memberParts({ sessionId, userId, publicKey }: RoomMember): Bytes[] {
  return [utf8(sessionId), utf8(userId), publicKey];
}

function contextParts({ kind, roomId }: RoomContext): Bytes[] {
  return [utf8(kind), utf8(roomId)];
}

async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** 24 bits that stand for a sender in its KIDs. */
export async function senderTag(context: RoomContext, sender: RoomMember): Promise<number> {
  const hash = await sha256(framed(utf8('zvonok e2e 1 room sender'), ...contextParts(context), ...memberParts(sender)));
  return new DataView(hash.buffer).getUint32(0) >>> 8;
}

/** Six bytes: who (3), which generation (2), which step (1). */
export function kidOf(tag: number, generation: number, step: number): number {
  return tag * 2 ** 24 + generation * 2 ** 8 + step;
}

export function partsOfKid(kid: number): { readonly tag: number; readonly generation: number; readonly step: number } {
  return { tag: Math.floor(kid / 2 ** 24), generation: Math.floor(kid / 2 ** 8) % 2 ** 16, step: kid % 2 ** 8 };
}

export function newChainKey(): Bytes {
  return crypto.getRandomValues(new Uint8Array(kChainKeyBytes));
}

/** The next step: who has this one has that one, and never the other way round. */
export async function ratchet({ generation, step, key }: ChainPosition): Promise<ChainPosition> {
  const next = await hkdf(await importSecret(key), kNone, utf8('zvonok e2e 1 room ratchet'), kChainKeyBytes);
  return { generation, step: step + 1, key: next };
}

export function sframeKeyAt(tag: number, { generation, step, key }: ChainPosition): Promise<SframeKey> {
  return deriveSframeKey(key, kidOf(tag, generation, step));
}

/** What `from` seals its keys for `to` with. null: the public key leads to no secret. `extra`: a secret of the users, or nothing. */
export async function envelopeKey(
  own: CryptoKey,
  extra: Bytes,
  context: RoomContext,
  { from, to, peer }: { readonly from: RoomMember; readonly to: RoomMember; readonly peer: RoomMember },
): Promise<CryptoKey | null> {
  const shared = await sharedSecret(own, peer.publicKey);
  if (!shared) return null;
  const info = framed(utf8('zvonok e2e 1 room envelope'), ...contextParts(context), ...memberParts(from), ...memberParts(to));
  const raw = await hkdf(await importSecret(shared), extra, info, 16);
  return crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

function algorithm(nonce: Bytes, generation: number, step: number): AesGcmParams {
  const additionalData = framed(utf8('zvonok e2e 1 room sender key'), bigEndian(generation, 2), bigEndian(step, 1));
  return { name: 'AES-GCM', iv: nonce, additionalData, tagLength: kTagBytes * 8 };
}

export async function sealPosition(key: CryptoKey, { generation, step, key: chain }: ChainPosition): Promise<SealedPosition> {
  const nonce = crypto.getRandomValues(new Uint8Array(kNonceBytes));
  const sealed = await crypto.subtle.encrypt(algorithm(nonce, generation, step), key, chain);
  return { generation, step, nonce: toBase64Url(nonce), sealed: toBase64Url(new Uint8Array(sealed)) };
}

/** null: it was not sealed by this key, for another place in the chain, or was changed. */
export async function openPosition(key: CryptoKey, told: SealedPosition): Promise<ChainPosition | null> {
  const { generation, step } = told;
  const nonce = fromBase64Url(told.nonce, kNonceBytes);
  const sealed = fromBase64Url(told.sealed, kChainKeyBytes + kTagBytes);
  if (!nonce || !sealed) return null;
  try {
    const chain = await crypto.subtle.decrypt(algorithm(nonce, generation, step), key, sealed);
    return { generation, step, key: new Uint8Array(chain) };
  } catch {
    return null;
  }
}

/**
 * Thirty digits over everybody's public key, in six groups. Nobody commits to a key before the others are known, as two ends do,
 * so the digits themselves have to be too many to search.
 */
export async function roomCode(context: RoomContext, members: readonly RoomMember[]): Promise<string> {
  const sorted = [...members].sort((a, b) => (toHex(a.publicKey) < toHex(b.publicKey) ? -1 : 1));
  const transcript = framed(utf8('zvonok e2e 1 room code'), ...contextParts(context), ...sorted.flatMap(memberParts));
  const secret = await crypto.subtle.importKey('raw', await sha256(transcript), 'PBKDF2', false, ['deriveBits']);
  const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: utf8('zvonok e2e 1 room code'), iterations: kCodeIterations };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(parameters, secret, kCodeGroups * 5 * 8));
  const groups = Array.from({ length: kCodeGroups }, (_, at) => {
    const value = bits.subarray(at * 5, at * 5 + 5).reduce((sum, byte) => sum * 256 + byte, 0);
    return (value % 100_000).toString().padStart(5, '0');
  });
  return groups.join(' ');
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ---- what is said ---------------------------------------------------------------------------------------------------

/** What a participant says of itself, to one other or to all. */
export interface RoomWords {
  readonly publicKey: Bytes;
  /** The others are asked to say theirs. */
  readonly ask: boolean;
  readonly keys: readonly SealedPosition[];
}

/** In use, and those that will be in a moment. */
export const kKeysToldMax = 4;

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

function parsePosition(value: unknown): SealedPosition | null {
  const from = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { generation, step, nonce, sealed } = from;
  if (!isWhole(generation, kGenerationMax) || !isWhole(step, kStepMax)) return null;
  return typeof nonce === 'string' && typeof sealed === 'string' ? { generation, step, nonce, sealed } : null;
}

/** null: not understood. */
export function parseRoomWords(value: unknown): RoomWords | null {
  const from = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const publicKey = fromBase64Url(from['key'], kPublicKeyBytes);
  const told = from['keys'] ?? [];
  if (from['v'] !== 1 || !publicKey || !Array.isArray(told) || told.length > kKeysToldMax) return null;
  const keys = told.map(parsePosition);
  return keys.includes(null) ? null : { publicKey, ask: from['ask'] === true, keys: keys as SealedPosition[] };
}

export function roomWords({ publicKey, ask, keys }: RoomWords): Record<string, unknown> {
  return { v: 1, key: toBase64Url(publicKey), ...(ask ? { ask } : {}), ...(keys.length > 0 ? { keys } : {}) };
}
