// The keys of an encrypted room against vectors that another program computed (docs/protocol/e2e.md, "Rooms"), and the chain of a
// sender at its receiver.
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toBase64Url, utf8, type Bytes } from '../src/e2e/bytes.js';
import { FrameOpener, FrameSealer, type Opened } from '../src/e2e/frames.js';
import {
  envelopeKey,
  kidOf,
  newChainKey,
  openPosition,
  parseRoomWords,
  partsOfKid,
  ratchet,
  roomCode,
  roomWords,
  sealPosition,
  senderTag,
  sframeKeyAt,
  type ChainPosition,
  type RoomMember,
} from '../src/e2e/room-keys.js';

const hex = (text: string): Bytes => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const none = new Uint8Array(0);

// The keys of RFC 7748 section 6.1.
const bobsPrivate = '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb';
const alice: RoomMember = { sessionId: 's-a', userId: 'alice', publicKey: hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a') };
const bob: RoomMember = { sessionId: 's-b', userId: 'bob', publicKey: hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f') };
const team = { kind: 'group', roomId: 'team' };
const importPrivate = (text: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('pkcs8', hex(`302e020100300506032b656e04220420${text}`), { name: 'X25519' }, false, ['deriveBits']);
/** Bob's side of what Alice sends him. */
const fromAlice = async (extra: Bytes = none, context = team): Promise<CryptoKey> => {
  const key = await envelopeKey(await importPrivate(bobsPrivate), extra, context, { from: alice, to: bob, peer: alice });
  if (!key) throw new Error('no secret');
  return key;
};
/** Sealed by another implementation of AES-GCM, under a key that is a constant of this test. */
const sealedBy = (key: string, generation: number, step: number, chain: Bytes): { generation: number; step: number; nonce: string; sealed: string } => {
  const nonce = hex('000102030405060708090a0b');
  const cipher = createCipheriv('aes-128-gcm', hex(key), nonce);
  cipher.setAAD(Buffer.concat([hex('001c'), utf8('zvonok e2e 1 room sender key'), hex('0002'), Uint8Array.of(generation >> 8, generation & 255), hex('0001'), Uint8Array.of(step)]));
  const sealed = Buffer.concat([cipher.update(chain), cipher.final(), cipher.getAuthTag()]);
  return { generation, step, nonce: toBase64Url(nonce), sealed: toBase64Url(sealed) };
};

describe('the keys of a room', () => {
  it('are those of the vectors', async () => {
    expect(await senderTag(team, alice)).toBe(11941886);
    const chain: ChainPosition = { generation: 5, step: 9, key: Uint8Array.from({ length: 32 }, (_, at) => at) };
    const next = await ratchet(chain);
    expect([next.generation, next.step, toHex(next.key)]).toEqual([5, 10, 'e00d608abedec80b2438f2f101e842ddcde1fe29a99fc07c2324ae69830d8c6f']);
    expect(toHex((await ratchet(next)).key)).toBe('132593755dd1c84a0f9c8e3c15dfbfe005faf48e57c1ec10e208bd8e2d5e59b5');
    const told = sealedBy('8239b4ae6aab5b9a2dd5df78915bfb5f', 5, 9, chain.key);
    expect(await openPosition(await fromAlice(), told)).toEqual(chain);
    const withSecret = sealedBy('105c677436e1ba8c4827d65504d23341', 5, 9, chain.key);
    expect(await openPosition(await fromAlice(utf8('secret')), withSecret)).toEqual(chain);
    expect(await roomCode(team, [alice, bob])).toBe('67742 23921 77828 86451 31128 01101');
    expect(await roomCode(team, [bob, alice])).toBe('67742 23921 77828 86451 31128 01101');
  });
  it('are of one room, one direction, one place in the chain and one secret', async () => {
    const key = newChainKey();
    const told = sealedBy('8239b4ae6aab5b9a2dd5df78915bfb5f', 5, 9, key);
    expect(await openPosition(await fromAlice(), { ...told, step: 8 })).toBeNull();
    expect(await openPosition(await fromAlice(), { ...told, generation: 4 })).toBeNull();
    expect(await openPosition(await fromAlice(utf8('secret')), told)).toBeNull();
    expect(await openPosition(await fromAlice(none, { ...team, kind: 'chat' }), told)).toBeNull();
    expect(await openPosition(await fromAlice(), sealedBy('51668823f311a3503edf09e705bb6981', 5, 9, key))).toBeNull(); // Bob's own words
    const changed = { ...told, sealed: `${told.sealed.slice(0, 10)}${told.sealed[10] === 'A' ? 'B' : 'A'}${told.sealed.slice(11)}` };
    expect(await openPosition(await fromAlice(), changed)).toBeNull();
    expect(await openPosition(await fromAlice(), { ...told, nonce: 'AAAA' })).toBeNull();
    const position = { generation: 0, step: 0, key };
    expect(await openPosition(await fromAlice(), await sealPosition(await fromAlice(), position))).toEqual(position);
  });
  it('come from no public key that leads to no secret', async () => {
    const zero: RoomMember = { ...alice, publicKey: new Uint8Array(32) };
    expect(await envelopeKey(await importPrivate(bobsPrivate), none, team, { from: zero, to: bob, peer: zero })).toBeNull();
  });
  it('are named by who, which generation and which step', () => {
    expect(kidOf(0xffffff, 0xffff, 0xff)).toBe(2 ** 48 - 1);
    expect(partsOfKid(kidOf(0xabcdef, 0x1234, 0x56))).toEqual({ tag: 0xabcdef, generation: 0x1234, step: 0x56 });
  });
  it('have digits that differ with the room, the members, and any of their keys', async () => {
    const other = { ...bob, publicKey: hex('5e9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f') };
    const codes = await Promise.all([
      roomCode(team, [alice, bob]),
      roomCode({ ...team, roomId: 'teal' }, [alice, bob]),
      roomCode(team, [alice]),
      roomCode(team, [alice, other]),
      roomCode(team, [alice, { ...bob, userId: 'mallory' }]),
    ]);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code).toMatch(/^(\d{5} ){5}\d{5}$/);
  });
});

describe('words about keys', () => {
  const keys = [{ generation: 1, step: 2, nonce: 'n', sealed: 's' }];
  it('come back as they were said', () => {
    const said = { publicKey: alice.publicKey, ask: true, keys };
    expect(parseRoomWords(JSON.parse(JSON.stringify(roomWords(said))))).toEqual(said);
    expect(parseRoomWords(roomWords({ ...said, ask: false, keys: [] }))).toEqual({ ...said, ask: false, keys: [] });
  });
  const key = toBase64Url(alice.publicKey);
  it.each([
    null, 'text', {}, { v: 2, key }, { v: 1 }, { v: 1, key: key.slice(1) }, { v: 1, key, keys: {} }, { v: 1, key, keys: [null] },
    { v: 1, key, keys: [{ ...keys[0], generation: 65536 }] }, { v: 1, key, keys: [{ ...keys[0], step: 256 }] },
    { v: 1, key, keys: [{ ...keys[0], step: 0.5 }] }, { v: 1, key, keys: [{ ...keys[0], nonce: 7 }] }, { v: 1, key, keys: Array(5).fill(keys[0]) },
  ])('that are none are not taken: %j', (words) => {
    expect(parseRoomWords(words)).toBeNull();
  });
});

describe('a sender in a room', () => {
  const tag = 0x123456;
  const frame = hex('b1020a9d012a');
  const sealerAt = async (position: ChainPosition): Promise<FrameSealer> => {
    const sealer = new FrameSealer();
    sealer.install(await sframeKeyAt(tag, position));
    return sealer;
  };
  const sealAt = async (position: ChainPosition): Promise<Bytes> => {
    const sealed = await (await sealerAt(position)).seal('audio', frame);
    if (!sealed) throw new Error('not sealed');
    return sealed;
  };
  const outcome = async (opener: FrameOpener, sealed: Bytes, sender: string | null = 'bob'): Promise<Opened['outcome']> =>
    (await opener.open('audio', sealed, sender)).outcome;
  const begin = async (steps = 40): Promise<{ opener: FrameOpener; positions: ChainPosition[] }> => {
    const opener = new FrameOpener();
    const positions: ChainPosition[] = [{ generation: 3, step: 0, key: newChainKey() }];
    while (positions.length <= steps) positions.push(await ratchet(positions.at(-1) as ChainPosition));
    opener.installChain('bob', tag, positions[2] as ChainPosition);
    return { opener, positions };
  };
  const at = (positions: ChainPosition[], step: number): ChainPosition => positions[step] as ChainPosition;

  it('moves on, and its receiver follows; late frames are read, what was before the own coming is not', async () => {
    const { opener, positions } = await begin();
    expect(await outcome(opener, await sealAt(at(positions, 1)))).toBe('keyless');
    const late = await sealAt(at(positions, 3));
    expect(await outcome(opener, await sealAt(at(positions, 3)))).toBe('opened');
    expect(await outcome(opener, await sealAt(at(positions, 5)))).toBe('opened');
    // The same counter of the same key as the first one of that step: it has come before.
    expect(await outcome(opener, late)).toBe('repeated');
    expect(await outcome(opener, await sealAt(at(positions, 4)))).toBe('keyless'); // none of it came in time
  });
  it('is read by several streams at once when it moves on', async () => {
    const { opener, positions } = await begin();
    const sealer = await sealerAt(at(positions, 4));
    const sealed = await Promise.all(Array.from({ length: 20 }, () => sealer.seal('audio', frame)));
    const opened = await Promise.all(sealed.map((each) => outcome(opener, each as Bytes)));
    expect(new Set(opened)).toEqual(new Set(['opened']));
    expect(await outcome(opener, sealed[7] as Bytes)).toBe('repeated');
  });
  it('can not be made to move on by who does not know its key, nor far', async () => {
    const { opener, positions } = await begin();
    const forged = await sealAt({ ...at(positions, 20), key: newChainKey() });
    expect(await outcome(opener, forged)).toBe('refused');
    expect(await outcome(opener, await sealAt(at(positions, 3)))).toBe('opened');
    expect(await outcome(opener, await sealAt(at(positions, 36)))).toBe('keyless');
  });
  it('is read as itself alone', async () => {
    const { opener, positions } = await begin();
    expect(await outcome(opener, await sealAt(at(positions, 2)), 'carol')).toBe('keyless');
    expect(await outcome(opener, await sealAt(at(positions, 2)), null)).toBe('keyless');
    opener.installChain('carol', tag, at(positions, 2)); // says that Bob's key is hers
    expect(await outcome(opener, await sealAt(at(positions, 2)))).toBe('opened');
  });
  it('begins new generations, and is never set back', async () => {
    const { opener, positions } = await begin();
    const next: ChainPosition = { generation: 4, step: 0, key: newChainKey() };
    opener.installChain('bob', tag, next);
    expect(await outcome(opener, await sealAt(at(positions, 2)))).toBe('opened'); // what is still on the way
    expect(await outcome(opener, await sealAt(next))).toBe('opened');
    opener.installChain('bob', tag, { generation: 2, step: 9, key: newChainKey() });
    opener.installChain('bob', tag, { ...next, key: newChainKey() });
    expect(await outcome(opener, await sealAt(await ratchet(next)))).toBe('opened');
    opener.forget('bob');
    expect(await outcome(opener, await sealAt(next))).toBe('keyless');
  });
});
