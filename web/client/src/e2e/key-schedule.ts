// From two public keys to what two ends need: a key for each direction, and the digits they compare (docs/protocol/e2e.md).
import { framed, utf8, type Bytes } from './bytes.js';
import { deriveSframeKey, hkdf, importSecret, type SframeKey } from './sframe.js';

export const kPublicKeyBytes = 32;
export const kCommitmentBytes = 32;
const kBaseKeyBytes = 32;
const kKidBytes = 4;
const kCodeDigits = 8;

export interface KeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: Bytes;
}

export interface End {
  readonly userId: string;
  readonly publicKey: Bytes;
}

export interface PairKeys {
  readonly send: SframeKey;
  readonly receive: SframeKey;
  /** The short authentication string: eight decimal digits. */
  readonly code: string;
}

/** Throws where there is no X25519. */
export async function makeKeyPair(): Promise<KeyPair> {
  const pair = (await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits'])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return { privateKey: pair.privateKey, publicKey };
}

async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** Binds an end to its public key before it shows it. The key is random, so its hash tells nothing of it. */
export function commitmentOf(publicKey: Bytes): Promise<Bytes> {
  return sha256(framed(utf8('zvonok e2e 1 commitment'), publicKey));
}

/** X25519; null for public keys that lead to no secret (RFC 7748 section 6.1). */
export async function sharedSecret(own: CryptoKey, publicKey: Bytes): Promise<Bytes | null> {
  try {
    const peer = await crypto.subtle.importKey('raw', publicKey, { name: 'X25519' }, false, []);
    const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: peer }, own, 256));
    return shared.every((byte) => byte === 0) ? null : shared;
  } catch {
    return null;
  }
}

function byPublicKey(left: End, right: End): number {
  const at = left.publicKey.findIndex((byte, index) => byte !== right.publicKey[index]);
  return at < 0 ? 0 : (left.publicKey[at] as number) - (right.publicKey[at] as number);
}

/** Eight digits of the first eight bytes, as a number, modulo 10^8. */
export function codeOf(bytes: Bytes): string {
  const value = bytes.subarray(0, 8).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return (value % 10n ** BigInt(kCodeDigits)).toString().padStart(kCodeDigits, '0');
}

/**
 * `shared`: of X25519. `extra`: what both ends know besides (the `encryptionKey` of a call, a password): the salt of HKDF;
 * empty when there is nothing. Both ends get the same from the same, with `send` and `receive` swapped.
 */
export async function derivePairKeys(shared: Bytes, extra: Bytes, own: End, peer: End): Promise<PairKeys> {
  const ends = [own, peer].sort(byPublicKey);
  const transcript = await sha256(framed(...ends.flatMap((end) => [utf8(end.userId), end.publicKey])));
  const secret = await importSecret(shared);
  const derive = (label: string, size: number, of: Bytes = new Uint8Array(0)): Promise<Bytes> =>
    hkdf(secret, extra, framed(utf8(`zvonok e2e 1 ${label}`), transcript, of), size);
  const keyOf = async ({ publicKey }: End): Promise<SframeKey> => {
    const [base, kid] = await Promise.all([derive('base key', kBaseKeyBytes, publicKey), derive('key id', kKidBytes, publicKey)]);
    return deriveSframeKey(base, new DataView(kid.buffer).getUint32(0));
  };
  const [send, receive, code] = await Promise.all([keyOf(own), keyOf(peer), derive('code', 8)]);
  return { send, receive, code: codeOf(code) };
}

/** The salt of a tunnelled call: its `encryptionKey`, and the users' own secret behind it if they have one. */
export function callSalt(encryptionKey: string, secret: string): Bytes {
  return secret === '' ? utf8(encryptionKey) : framed(utf8(encryptionKey), utf8(secret));
}
