// End-to-end encryption: SFrame against the vectors of RFC 9605, the frames, the key schedule and the agreement.
import { describe, expect, it } from 'vitest';
import { KeyAgreement, kRoundsMax } from '../src/e2e/agreement.js';
import { fromBase64Url, toBase64Url, utf8, type Bytes } from '../src/e2e/bytes.js';
import { clearBytesOf, FrameOpener, FrameSealer } from '../src/e2e/frames.js';
import { codeOf, derivePairKeys, makeKeyPair, sharedSecret, type PairKeys } from '../src/e2e/key-schedule.js';
import { decodeHeader, deriveSframeKey, encodeHeader, openFrame, sealFrame } from '../src/e2e/sframe.js';

const hex = (text: string): Bytes => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
const toHex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

describe('the SFrame header', () => {
  const headers: [number, number, string][] = [
    [0, 0, '00'], [0, 1, '01'], [0, 7, '07'], [0, 8, '0808'], [0, 0xff, '08ff'], [0, 0x100, '090100'], [0, 0xffff, '09ffff'],
    [0, 0x10000, '0a010000'], [1, 0, '10'], [7, 7, '77'], [0xff, 0, '80ff'], [0xff, 0xff, '88ffff'], [0x100, 0, '900100'],
    [0x123, 0x4567, '9901234567'], [0xffffffff, 0x1000000, 'bbffffffff01000000'], [0xffffffffffff, 0xffffffffffff, 'ddffffffffffffffffffffffff'],
  ];
  it.each(headers)('of KID %i and counter %i is %s', (kid, counter, text) => {
    expect(toHex(encodeHeader(kid, counter))).toBe(text);
    expect(decodeHeader(hex(text))).toEqual({ kid, counter, size: text.length / 2 });
  });
  it.each(['', '80', '9901', '99012345', 'f0ffffffffffffffff'])('%s is none', (text) => {
    expect(decodeHeader(hex(text))).toBeNull();
  });
});

describe('AES_128_GCM_SHA256_128', () => {
  // RFC 9605 appendix C.3.
  const metadata = hex('4945544620534672616d65205747');
  const plain = hex('64726166742d696574662d736672616d652d656e63');
  const sealed = '9901234567b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb';

  it('gives the ciphertext of the test vector', async () => {
    const key = await deriveSframeKey(hex('000102030405060708090a0b0c0d0e0f'), 0x123);
    expect(toHex(key.salt)).toBe('75234edefe07819026751816');
    expect(toHex(await sealFrame(key, 0x4567, plain, metadata))).toBe(sealed);
  });
  it('opens it, and nothing that was changed', async () => {
    const key = await deriveSframeKey(hex('000102030405060708090a0b0c0d0e0f'), 0x123);
    const header = decodeHeader(hex(sealed));
    if (!header) throw new Error('no header');
    expect(toHex((await openFrame(key, header, hex(sealed), metadata)) ?? new Uint8Array(0))).toBe(toHex(plain));
    expect(await openFrame(key, header, hex(sealed), metadata.subarray(1))).toBeNull();
    for (let at = 0; at < sealed.length / 2; at += 1) {
      const changed = hex(sealed);
      changed[at] = (changed[at] as number) ^ 1;
      expect(await openFrame(key, header, changed, metadata)).toBeNull();
    }
  });
});

describe('frames', () => {
  const keyFrame = hex('10020a9d012a8002e00100112233445566');
  const deltaFrame = hex('b1020a9d012a');
  const pair = async (): Promise<{ sealer: FrameSealer; opener: FrameOpener }> => {
    const key = await deriveSframeKey(utf8('a base key'), 77);
    const sealer = new FrameSealer();
    const opener = new FrameOpener();
    sealer.install(key);
    opener.install('bob', key);
    return { sealer, opener };
  };
  const seal = async (sealer: FrameSealer, kind: 'audio' | 'video', frame: Bytes): Promise<Bytes> => {
    const sealed = await sealer.seal(kind, frame);
    if (!sealed) throw new Error('not sealed');
    return sealed;
  };

  it('keep readable what finds VP8 key frames, and nothing of sound', async () => {
    expect([clearBytesOf('video', keyFrame), clearBytesOf('video', deltaFrame), clearBytesOf('audio', keyFrame)]).toEqual([10, 3, 0]);
    const { sealer, opener } = await pair();
    for (const [kind, frame] of [['video', keyFrame], ['video', deltaFrame], ['audio', deltaFrame]] as const) {
      const sealed = await seal(sealer, kind, frame);
      const clear = clearBytesOf(kind, frame);
      expect(toHex(sealed.subarray(0, clear))).toBe(toHex(frame.subarray(0, clear)));
      expect(toHex(sealed)).not.toContain(toHex(frame.subarray(clear)));
      expect(await opener.open(kind, sealed)).toEqual({ outcome: 'opened', frame });
    }
  });
  it('are not sealed without a key, nor when they are no frames', async () => {
    expect(await new FrameSealer().seal('audio', deltaFrame)).toBeNull();
    const { sealer } = await pair();
    expect(await sealer.seal('video', hex('1002'))).toBeNull();
    expect(await sealer.seal('audio', hex(''))).toBeNull();
  });
  it('never share a counter, even side by side', async () => {
    const { sealer } = await pair();
    const sealed = await Promise.all(Array.from({ length: 300 }, () => seal(sealer, 'audio', deltaFrame)));
    expect(new Set(sealed.map((frame) => decodeHeader(frame)?.counter)).size).toBe(300);
  });
  it('do not begin their counters anew with the same key', async () => {
    const key = await deriveSframeKey(utf8('a base key'), 77);
    const sealer = new FrameSealer();
    sealer.install(key);
    await seal(sealer, 'audio', deltaFrame);
    sealer.install(key);
    expect(decodeHeader(await seal(sealer, 'audio', deltaFrame))?.counter).toBe(1);
  });
  it('are opened once, in any order', async () => {
    const { sealer, opener } = await pair();
    const sealed: Bytes[] = [];
    for (let i = 0; i < 50; i += 1) sealed.push(await seal(sealer, 'audio', deltaFrame));
    for (const frame of sealed.reverse()) expect((await opener.open('audio', frame)).outcome).toBe('opened');
    for (const frame of sealed) expect((await opener.open('audio', frame)).outcome).toBe('repeated');
  });
  it('are refused when the readable bytes were changed', async () => {
    const { sealer, opener } = await pair();
    const sealed = await seal(sealer, 'video', keyFrame);
    sealed[6] = (sealed[6] as number) ^ 1;
    expect((await opener.open('video', sealed)).outcome).toBe('refused');
  });
  it('of somebody else are not taken for theirs, nor after they are forgotten', async () => {
    const { sealer, opener } = await pair();
    expect((await opener.open('audio', await seal(sealer, 'audio', deltaFrame), 'carol')).outcome).toBe('keyless');
    expect((await opener.open('audio', await seal(sealer, 'audio', deltaFrame), 'bob')).outcome).toBe('opened');
    opener.forget('bob');
    expect((await opener.open('audio', await seal(sealer, 'audio', deltaFrame))).outcome).toBe('keyless');
  });
  it('of another key that goes by the same KID are refused, and do not put it out', async () => {
    const { sealer, opener } = await pair();
    const other = new FrameSealer();
    const key = await deriveSframeKey(utf8('another base key'), 77);
    other.install(key);
    opener.install('mallory', key);
    expect((await opener.open('audio', await seal(other, 'audio', deltaFrame))).outcome).toBe('refused');
    expect((await opener.open('audio', await seal(sealer, 'audio', deltaFrame))).outcome).toBe('opened');
  });
  it('of the key before are still opened, of older ones no more', async () => {
    const opener = new FrameOpener();
    const frames: Bytes[] = [];
    for (const kid of [1, 2, 3]) {
      const key = await deriveSframeKey(utf8(`key ${kid}`), kid);
      const sealer = new FrameSealer();
      sealer.install(key);
      opener.install('bob', key);
      frames.push(await seal(sealer, 'audio', deltaFrame));
    }
    expect(await Promise.all(frames.map(async (frame) => (await opener.open('audio', frame)).outcome))).toEqual(['keyless', 'opened', 'opened']);
  });
});

describe('the key schedule', () => {
  const both = async (left = '', right = ''): Promise<[PairKeys, PairKeys]> => {
    const [a, b] = await Promise.all([makeKeyPair(), makeKeyPair()]);
    const alice = { userId: 'alice', publicKey: a.publicKey };
    const bob = { userId: 'bob', publicKey: b.publicKey };
    const [ofAlice, ofBob] = await Promise.all([sharedSecret(a.privateKey, b.publicKey), sharedSecret(b.privateKey, a.publicKey)]);
    if (!ofAlice || !ofBob) throw new Error('no secret');
    expect(toHex(ofAlice)).toBe(toHex(ofBob));
    return Promise.all([derivePairKeys(ofAlice, utf8(left), alice, bob), derivePairKeys(ofBob, utf8(right), bob, alice)]);
  };
  const reaches = async (from: PairKeys, to: PairKeys): Promise<string> => {
    const sealer = new FrameSealer();
    const opener = new FrameOpener();
    sealer.install(from.send);
    opener.install('peer', to.receive);
    return (await opener.open('audio', (await sealer.seal('audio', utf8('sound'))) ?? new Uint8Array(0))).outcome;
  };

  it('gives both ends the same code, and a key for each direction', async () => {
    const [alice, bob] = await both('the encryptionKey of the call', 'the encryptionKey of the call');
    expect(alice.code).toMatch(/^\d{8}$/);
    expect(bob.code).toBe(alice.code);
    expect([await reaches(alice, bob), await reaches(bob, alice)]).toEqual(['opened', 'opened']);
    expect([await reaches(alice, alice), await reaches(bob, bob)]).toEqual(['keyless', 'keyless']);
  });
  it('is the one of the native client', async () => {
    // The same numbers stand in tests/unit/proto/e2e/key_schedule_test.cpp; the public keys and the secret are of RFC 7748 section 6.1.
    const alice = { userId: 'alice', publicKey: hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a') };
    const bob = { userId: 'bob', publicKey: hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f') };
    const shared = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
    const keys = await derivePairKeys(shared, utf8('a salt'), alice, bob);
    expect([keys.send.kid, keys.receive.kid, keys.code]).toEqual([0xe2a97d7d, 0xe79e2967, '15633037']);
  });
  it('gives others when the ends do not know the same besides', async () => {
    const [alice, bob] = await both('one password', 'another password');
    expect(bob.code).not.toBe(alice.code);
    expect([await reaches(alice, bob), await reaches(bob, alice)]).toEqual(['keyless', 'keyless']);
  });
  it('takes no public key of small order', async () => {
    const { privateKey } = await makeKeyPair();
    expect(await sharedSecret(privateKey, new Uint8Array(32))).toBeNull();
    expect(await sharedSecret(privateKey, Uint8Array.of(1, ...new Uint8Array(31)))).toBeNull();
  });
  it('makes digits of bytes', () => {
    expect(codeOf(hex('0000000000000007'))).toBe('00000007');
    expect(codeOf(hex('ffffffffffffffff'))).toBe('09551615'); // 18446744073709551615
  });
});

describe('the agreement', () => {
  interface Side {
    readonly agreement: KeyAgreement;
    readonly codes: string[];
    readonly forged: string[];
    rounds: number;
  }
  /** What each says reaches the other by `carry`. */
  const meet = (carry: (from: string, words: unknown, deliver: (words: unknown) => void) => void): { alice: Side; bob: Side } => {
    const make = (selfId: string, peerId: string, other: () => Side): Side => {
      const side: Side = {
        codes: [], forged: [], rounds: 0,
        agreement: new KeyAgreement({
          selfId, peerId, extra: new Uint8Array(0),
          onWords: () => carry(selfId, side.agreement.words, (words) => other().agreement.hear(words)),
          onRound: () => (side.rounds += 1),
          onKeys: ({ code }) => side.codes.push(code),
          onForged: (why) => side.forged.push(why),
        }),
      };
      return side;
    };
    const alice: Side = make('alice', 'bob', () => bob);
    const bob: Side = make('bob', 'alice', () => alice);
    return { alice, bob };
  };
  const until = async (done: () => boolean): Promise<void> => {
    for (const end = Date.now() + 10_000; !done(); ) {
      if (Date.now() > end) throw new Error('it does not come about');
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const directly = (_: string, words: unknown, deliver: (words: unknown) => void): void => deliver(JSON.parse(JSON.stringify(words)));

  it('shows no key before the other end has committed to its own', async () => {
    const { alice, bob } = meet(directly);
    await Promise.all([alice.agreement.start(), bob.agreement.start()]);
    expect(alice.agreement.words).not.toHaveProperty('key');
    expect(alice.agreement.showsKey).toBe(false);
    bob.agreement.hear(alice.agreement.words);
    expect(bob.agreement.words).toHaveProperty('key');
    await until(() => alice.codes.length + bob.codes.length === 2);
    expect(alice.codes).toEqual(bob.codes);
  });
  it('comes out when both begin at once', async () => {
    const { alice, bob } = meet(directly);
    await Promise.all([alice.agreement.start(), bob.agreement.start()]);
    const [first, second] = [alice.agreement.words, bob.agreement.words];
    bob.agreement.hear(first);
    alice.agreement.hear(second);
    await until(() => alice.codes.length > 0 && bob.codes.length > 0);
    expect(alice.codes).toEqual(bob.codes);
  });
  it('begins a new round when another page of theirs speaks, with keys that nobody has seen', async () => {
    const { alice, bob } = meet(directly);
    await Promise.all([alice.agreement.start(), bob.agreement.start()]);
    bob.agreement.hear(alice.agreement.words);
    await until(() => alice.codes.length + bob.codes.length === 2);
    const before = bob.agreement.words?.['commit'];
    const { alice: again } = meet(directly);
    let reloaded: string | null = null;
    const page = new KeyAgreement({
      selfId: 'alice', peerId: 'bob', extra: new Uint8Array(0),
      onWords: () => bob.agreement.hear(page.words),
      onRound: () => undefined,
      onKeys: ({ code }) => (reloaded = code),
      onForged: (why) => again.forged.push(why),
    });
    // Bob's words go to the new page from now on.
    alice.agreement.hear = (words): void => page.hear(words);
    await page.start();
    bob.agreement.hear(page.words);
    await until(() => reloaded !== null && bob.codes.length === 2);
    expect(bob.codes[1]).toBe(reloaded);
    expect(bob.rounds).toBe(1);
    expect(bob.agreement.words?.['commit']).not.toBe(before);
    expect([...bob.forged, ...again.forged]).toEqual([]);
  });
  it('refuses a key that was not promised', async () => {
    const other = await makeKeyPair();
    const { alice, bob } = meet((from, words, deliver) => {
      const said = words as Record<string, unknown>;
      deliver(from === 'alice' && 'key' in said ? { ...said, key: toBase64Url(other.publicKey) } : said);
    });
    await Promise.all([alice.agreement.start(), bob.agreement.start()]);
    bob.agreement.hear(alice.agreement.words);
    await until(() => bob.forged.length > 0);
    expect(bob.codes).toEqual([]);
  });
  it('ends when others have begun too many rounds', async () => {
    const { alice } = meet(() => undefined);
    await alice.agreement.start();
    for (let round = 0; alice.forged.length === 0; round += 1) {
      // Two commitments in one round: the second one is of another page.
      for (const commit of ['A', 'B']) alice.agreement.hear({ round, commit: commit.repeat(42) + 'A' });
      await until(() => alice.rounds > round || alice.forged.length > 0);
    }
    expect(alice.forged).toEqual(['too many rounds']);
    expect(alice.rounds).toBe(kRoundsMax);
  });
  it('refuses its own words sent back', async () => {
    const { alice } = meet((_, words, __) => alice.agreement.hear(words));
    await alice.agreement.start();
    alice.agreement.hear(alice.agreement.words);
    await until(() => alice.forged.length > 0);
    expect(alice.codes).toEqual([]);
  });
  it.each([[null], ['text'], [{}], [{ round: -1, commit: 'A'.repeat(43) }], [{ round: 0.5, commit: 'A'.repeat(43) }],
    [{ round: 0, commit: 'A'.repeat(42) }], [{ round: 0, commit: `${'A'.repeat(42)}=` }], [{ round: 0, commit: 'A'.repeat(43), key: 'B' }],
    [{ round: 1e9, commit: 'A'.repeat(43) }]])('does not understand %j', async (words) => {
    const { alice } = meet(() => undefined);
    await alice.agreement.start();
    alice.agreement.hear(words);
    await until(() => alice.forged.length > 0);
  });
  it('reads base64url of the right size only', () => {
    expect(fromBase64Url(toBase64Url(hex('fbefbe00')), 4)).toEqual(hex('fbefbe00'));
    for (const text of ['', 'AAAA', '++++++', 'AAAAA=', 7]) expect(fromBase64Url(text, 4)).toBeNull();
  });
});
