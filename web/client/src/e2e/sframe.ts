// SFrame (RFC 9605) with the suite AES_128_GCM_SHA256_128, by WebCrypto: header, key derivation, one frame at a time.
import { bigEndian, concat, utf8, type Bytes } from './bytes.js';

/** RFC 9605 section 8.1. GCM is one call of WebCrypto a frame; the CTR suites are two. */
export const kSuite = 0x0004;
const kKeyBytes = 16;
const kNonceBytes = 12;
export const kTagBytes = 16;
/** KIDs and counters are kept as numbers. Nobody who follows docs/protocol/e2e.md makes larger ones. */
const kNumberBytesMax = 6;

export interface SframeKey {
  readonly kid: number;
  /** AES-GCM, not extractable. */
  readonly key: CryptoKey;
  readonly salt: Bytes;
}

export interface SframeHeader {
  readonly kid: number;
  readonly counter: number;
  /** Of the header, in bytes. */
  readonly size: number;
}

/** HKDF-SHA-256 (RFC 5869), extract and expand. `secret` has to be imported for HKDF. */
export async function hkdf(secret: CryptoKey, salt: Bytes, info: Bytes, size: number): Promise<Bytes> {
  const bits = await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, secret, size * 8);
  return new Uint8Array(bits);
}

export function importSecret(secret: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
}

/** RFC 9605 section 4.4.2. */
export async function deriveSframeKey(baseKey: Bytes, kid: number): Promise<SframeKey> {
  const secret = await importSecret(baseKey);
  const info = (label: string): Bytes => concat(utf8(label), bigEndian(kid, 8), bigEndian(kSuite, 2));
  const none = new Uint8Array(0);
  const [raw, salt] = await Promise.all([
    hkdf(secret, none, info('SFrame 1.0 Secret key '), kKeyBytes),
    hkdf(secret, none, info('SFrame 1.0 Secret salt '), kNonceBytes),
  ]);
  const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
  return { kid, key, salt };
}

function bytesOf(value: number): number {
  let size = 1;
  for (let left = Math.floor(value / 256); left > 0; left = Math.floor(left / 256)) size += 1;
  return size;
}

/** Section 4.3: a number up to 7 stands in the first byte, a larger one after it. */
export function encodeHeader(kid: number, counter: number): Bytes {
  const kidBytes = kid < 8 ? 0 : bytesOf(kid);
  const counterBytes = counter < 8 ? 0 : bytesOf(counter);
  const first =
    (kidBytes === 0 ? kid : 8 | (kidBytes - 1)) * 16 + (counterBytes === 0 ? counter : 8 | (counterBytes - 1));
  return concat(Uint8Array.of(first), bigEndian(kid, kidBytes), bigEndian(counter, counterBytes));
}

/** null for what ends too soon, and for numbers that nobody has reason to send. */
export function decodeHeader(bytes: Uint8Array): SframeHeader | null {
  const first = bytes[0];
  if (first === undefined) return null;
  let at = 1;
  const read = (nibble: number): number | null => {
    if ((nibble & 8) === 0) return nibble;
    const size = (nibble & 7) + 1;
    if (size > kNumberBytesMax || at + size > bytes.length) return null;
    let value = 0;
    for (const byte of bytes.subarray(at, at + size)) value = value * 256 + byte;
    at += size;
    return value;
  };
  const kid = read(first >> 4);
  const counter = kid === null ? null : read(first & 15);
  return kid === null || counter === null ? null : { kid, counter, size: at };
}

/** Section 4.4.3: the salt, with the counter over its end. */
function nonceOf(key: SframeKey, counter: number): Bytes {
  const nonce = new Uint8Array(key.salt);
  bigEndian(counter, kNonceBytes).forEach((byte, at) => {
    nonce[at] = (nonce[at] as number) ^ byte;
  });
  return nonce;
}

function algorithm(key: SframeKey, counter: number, header: Uint8Array, metadata: Uint8Array): AesGcmParams {
  const additionalData = concat(header, metadata);
  return { name: 'AES-GCM', iv: nonceOf(key, counter), additionalData, tagLength: kTagBytes * 8 };
}

/** Header, ciphertext, tag. No counter may be used twice with a key. */
export async function sealFrame(key: SframeKey, counter: number, plain: Bytes, metadata: Uint8Array): Promise<Bytes> {
  const header = encodeHeader(key.kid, counter);
  const sealed = await crypto.subtle.encrypt(algorithm(key, counter, header, metadata), key.key, plain);
  return concat(header, new Uint8Array(sealed));
}

/** `frame` begins with the header that was decoded. null: it was not sealed by this key, or was changed. */
export async function openFrame(key: SframeKey, header: SframeHeader, frame: Bytes, metadata: Uint8Array): Promise<Bytes | null> {
  const parameters = algorithm(key, header.counter, frame.subarray(0, header.size), metadata);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters, key.key, frame.subarray(header.size)));
  } catch {
    return null;
  }
}
