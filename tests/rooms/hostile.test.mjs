// What a hostile or broken client sends: the server answers as the table of errors says, and everybody else goes on undisturbed.
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import { isDtls, isRtp, isStun, Relay } from './support/relay.mjs';
import { useRooms } from './support/room.mjs';
import { fakeFingerprint, offerOf, parse, section, value } from './support/sdp.mjs';

/** Bytes that look random and are the same in every run. */
function bytes(seed, length) {
  const parts = [];
  for (let i = 0; i * 32 < length; i += 1) parts.push(createHash('sha256').update(`${seed}:${i}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

const good = () => offerOf([section('audio', '0')]);
const without = (text) => good().split('\r\n').filter((line) => !line.startsWith(text)).join('\r\n');

describe('hostile signalling', { timeout: 180_000 }, () => {
  const rooms = useRooms();

  const ignored = ['', 'no json', '{', '[]', '[1,2]', 'null', 'true', '42', '"join"', '{}', '{"payload":{}}', '{"type":null}', '{"type":7}',
    '{"type":{}}', '{"type":"dance"}', '{"type":"JOIN"}', '{"type":"joined","payload":{}}', '{"type":"offer"', '{"type":"\\ud800"}',
    `${'['.repeat(5000)}`, `{"a":${'{"a":'.repeat(200)}1${'}'.repeat(200)}}`, '\u0000', '{"type":"toString"}', '{"type":"__proto__"}'];
  it('what is no message or of no known type is ignored, before join and after', async () => {
    const alice = await rooms.open('alice', rooms.server.newRoom());
    for (const text of ignored) alice.sendRaw(text);
    await alice.enter();
    for (const text of ignored) alice.sendRaw(text);
    await alice.settled();
    assert.deepEqual(alice.seen.filter((m) => !['joined', 'pong', 'offer', 'state'].includes(m.type)), []);
  });

  it('a binary frame ends the WebSocket with 1003', async () => {
    const alice = await rooms.join('alice', rooms.server.newRoom());
    alice.socket.send(randomBytes(100));
    assert.equal(await alice.closed(), 1003);
  });

  const beforeJoin = [
    ['offer', { type: 'offer', sdp: good() }],
    ['answer', { type: 'answer', sdp: good() }],
    ['ice', { candidate: 'candidate:1 1 udp 1 10.0.0.1 9000 typ host', sdpMid: '0', sdpMLineIndex: 0 }],
    ['track', { mid: '0', source: 'camera', muted: true }],
    ['view', { tracks: { 1: { height: 180, priority: 1 } } }],
    ['mute', { sessionId: 'x', kind: 'audio' }],
    ['kick', { sessionId: 'x' }],
    ['lock'],
    ['unlock'],
    ['role', { sessionId: 'x', role: 'member' }],
    ['restart'],
    ['leave'],
  ];
  for (const [type, payload] of beforeJoin) {
    it(`${type} before join: not-joined`, async () => {
      const alice = await rooms.open('alice', rooms.server.newRoom());
      alice.send(type, payload);
      await alice.error('not-joined');
      await alice.enter();
    });
  }

  const badMessages = [
    ['offer without payload', 'offer', undefined],
    ['offer with a number', 'offer', 7],
    ['offer without sdp', 'offer', { type: 'offer' }],
    ['offer with sdp as number', 'offer', { type: 'offer', sdp: 5 }],
    ['offer with payload as broken JSON text', 'offer', '{"type":'],
    ['answer without sdp', 'answer', { type: 'answer' }],
    ['track without mid', 'track', { muted: true }],
    ['track with muted as text', 'track', { mid: '0', muted: 'yes' }],
    ['track with an unknown source', 'track', { mid: '0', source: 'telescope', muted: true }],
    ['mute without anybody', 'mute', { kind: 'audio' }],
    ['mute of an unknown kind', 'mute', { sessionId: 'x', kind: 'smell' }],
    ['kick without anybody', 'kick', {}],
    ['role that is none', 'role', { sessionId: 'x', role: 'emperor' }],
  ];
  for (const [what, type, payload] of badMessages) {
    it(`${what}: an error, and life goes on`, async () => {
      const alice = await rooms.join('alice', rooms.server.newRoom());
      alice.send(type, payload);
      const { payload: error } = await alice.next('error');
      assert.ok(['bad-message', 'bad-sdp'].includes(error.code), error.code);
      assert.equal(typeof error.message, 'string');
      alice.send('offer', { type: 'offer', sdp: good() });
      await alice.next('answer');
    });
  }

  it('a payload may be a text that holds the object', async () => {
    const alice = await rooms.join('alice', rooms.server.newRoom());
    alice.send('offer', JSON.stringify({ type: 'offer', sdp: good() }));
    const { payload } = await alice.next('answer');
    assert.equal(payload.type, 'answer');
  });

  const sessions = [
    ['129 bytes', 'x'.repeat(129)],
    ['an object', {}],
    ['a list', ['x']],
  ];
  for (const [what, sessionId] of sessions) {
    it(`join with a session id of ${what}: bad-message`, async () => {
      const alice = await rooms.open('alice', rooms.server.newRoom());
      alice.send('join', undefined, { sessionId });
      await alice.error('bad-message');
    });
  }

  it('join without a session id gets one', async () => {
    const alice = await rooms.open('alice', rooms.server.newRoom());
    alice.send('join', undefined, { sessionId: undefined });
    const { payload } = await alice.next('joined');
    assert.ok(payload.sessionId.length > 8, payload.sessionId);
  });

  const badSdps = [
    ['empty', ''],
    ['no SDP', 'hello'],
    ['a lone v=', 'v=0\r\n'],
    ['no sections', offerOf([])],
    ['another version', good().replace('v=0', 'v=7')],
    ['no o=', without('o=')],
    ['no ufrag', without('a=ice-ufrag')],
    ['no pwd', without('a=ice-pwd')],
    ['no fingerprint', without('a=fingerprint')],
    ['a short fingerprint', good().replace(fakeFingerprint, 'sha-256 AA:BB')],
    ['an unknown hash', good().replace('sha-256', 'md2')],
    ['a ufrag of 3', good().replace('a=ice-ufrag:abcd', 'a=ice-ufrag:abc')],
    ['a ufrag of 300', good().replace('a=ice-ufrag:abcd', `a=ice-ufrag:${'a'.repeat(300)}`)],
    ['a ufrag with a space', good().replace('a=ice-ufrag:abcd', 'a=ice-ufrag:ab cd')],
    ['a pwd of 5', good().replace('abcdefghijklmnopqrstuvwx', 'short')],
    ['a mid twice', offerOf([section('audio', '0'), section('audio', '0')])],
    ['a bundle with an unknown mid', offerOf([section('audio', '0')], { bundle: '0 9' })],
    ['a port that is none', good().replace('m=audio 9', 'm=audio nine')],
    ['no formats', good().replace('SAVPF 111', 'SAVPF')],
    ['a format of 300', good().replaceAll('111', '300')],
    ['an rtpmap without a rate', good().replace('opus/48000/2', 'opus')],
    ['a rate beyond 32 bits', good().replace('opus/48000', 'opus/99999999999999999999')],
    ['an extmap of 0', good().replace('extmap:4', 'extmap:0')],
    ['an ssrc beyond 32 bits', good().replace('a=ssrc:1000', 'a=ssrc:99999999999')],
    ['a setup that is none', good().replace('a=setup:actpass', 'a=setup:holdconn')],
    ['a NUL inside', good().replace('cname', 'c\u0000e')],
    ['a line of 100,000', `${good()}a=${'x'.repeat(100_000)}\r\n`],
    ['600 sections', offerOf(Array.from({ length: 600 }, (_, i) => ['m=audio 9 UDP/TLS/RTP/SAVPF 111', `a=mid:${i}`]))],
    ['6,000 lines', `${good()}${'a=x\r\n'.repeat(6000)}`],
    ['an answer as offer', good().replace('a=setup:actpass', 'a=setup:active'), 'answer'],
    ['rollback', '', 'rollback'],
  ];
  it('each of a table of bad descriptions is answered by an answer or by an error, and none disturbs a pair that talks', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room);
    await rooms.expectAllHear([alice, bob]);
    const eve = await rooms.join('eve', rooms.server.newRoom());
    const outcomes = {};
    for (const [what, sdp, type = 'offer'] of badSdps) {
      const from = eve.mark;
      eve.send('offer', { type, sdp });
      const reaction = await eve.journal.find(`a reaction to ${what}`, (m) => m.type === 'answer' || m.type === 'error' || m.type === 'closed', { from });
      outcomes[what] = reaction.type === 'error' ? reaction.payload.code : reaction.type;
    }
    const fatal = ['empty', 'no SDP', 'no ufrag', 'no pwd', 'no fingerprint', 'a short fingerprint', 'a mid twice', '600 sections', 'a ufrag of 3', 'a port that is none'];
    for (const what of fatal) assert.ok(['bad-sdp', 'bad-message'].includes(outcomes[what]), `${what}: ${outcomes[what]}`);
    assert.ok(!Object.values(outcomes).includes('closed'), JSON.stringify(outcomes));
    eve.send('offer', { type: 'offer', sdp: good() });
    await eve.next('answer', undefined, { from: eve.mark });
    await rooms.expectAllHear([alice, bob], ['audio'], 30);
  });

  const answers = [
    ['fewer sections', (sdp) => offerOf([section('audio', parse(sdp).sections[0].mid, { setup: 'active' })])],
    ['an answer that offers actpass', (sdp) => offerOf(parse(sdp).sections.map((s) => section(s.kind, s.mid, { direction: 'sendonly' })))],
    ['other kinds', (sdp) => offerOf(parse(sdp).sections.map((s) => section(s.kind === 'audio' ? 'video' : 'audio', s.mid, { setup: 'active', direction: 'sendonly' })))],
    ['other mids', (sdp) => offerOf(parse(sdp).sections.map((s, i) => section(s.kind, `q${i}`, { setup: 'active', direction: 'sendonly', ssrc: 7 + i })))],
  ];
  for (const [what, make] of answers) {
    it(`an answer with ${what}: bad-sdp, and an offer heals it`, async () => {
      const eve = await rooms.join('eve', rooms.server.newRoom());
      const { payload } = await eve.next('offer');
      eve.send('answer', { type: 'answer', sdp: make(payload.sdp) });
      await eve.error('bad-sdp');
      eve.send('offer', { type: 'offer', sdp: good() });
      await eve.next('answer');
    });
  }

  it('an answer that nobody asked for: an error or nothing, and life goes on', async () => {
    const eve = await rooms.join('eve', rooms.server.newRoom());
    eve.send('offer', { type: 'offer', sdp: good() });
    await eve.next('answer');
    eve.send('answer', { type: 'answer', sdp: good().replace('actpass', 'active') });
    eve.send('answer', { type: 'answer', sdp: good().replace('actpass', 'active') });
    await eve.settled();
  });

  it('an offer that turns audio into video, and one with fewer sections: bad-sdp, the old stays', async () => {
    const eve = await rooms.join('eve', rooms.server.newRoom());
    eve.send('offer', { type: 'offer', sdp: offerOf([section('audio', '0'), section('audio', '1')]) });
    await eve.next('answer');
    let from = eve.mark;
    eve.send('offer', { type: 'offer', sdp: offerOf([section('video', '0'), section('audio', '1')]) });
    await eve.error('bad-sdp', { from });
    from = eve.mark;
    eve.send('offer', { type: 'offer', sdp: good() });
    await eve.error('bad-sdp', { from });
    from = eve.mark;
    eve.send('offer', { type: 'offer', sdp: offerOf([section('audio', '0'), section('audio', '1')]) });
    await eve.next('answer', undefined, { from });
  });

  it('a flood of candidates, good, bad and early, is swallowed', async () => {
    const eve = await rooms.join('eve', rooms.server.newRoom());
    for (let i = 0; i < 3000; i += 1) {
      const candidate = i % 3 === 0 ? bytes(i, 20).toString('latin1') : `candidate:${i} 1 udp ${i} 10.0.${i >> 8}.${i & 255} ${1024 + i} typ host`;
      eve.send('ice', { candidate, sdpMid: String(i % 5), sdpMLineIndex: i % 7 });
    }
    for (const payload of [null, {}, { candidate: '' }, { candidate: null, sdpMid: null, sdpMLineIndex: -1 }]) eve.send('ice', payload);
    eve.send('offer', { type: 'offer', sdp: good() });
    await eve.next('answer');
    await eve.settled();
  });

  it('a message beyond the size is closed with 1009, and its sender may come back', async () => {
    const room = rooms.server.newRoom();
    const eve = await rooms.join('eve', room);
    eve.sendRaw(JSON.stringify({ type: 'ping', payload: 'x'.repeat(3 << 20) }));
    assert.equal(await eve.closed(), 1009);
    const again = await rooms.join('eve', room, { session: eve.session });
    assert.equal(again.joined.resumed, true);
  });

  it('a description of a quarter of the limit that the page on limits promises is taken', async () => {
    const eve = await rooms.join('eve', rooms.server.newRoom());
    const sdp = `${good()}${'a=x-unknown:0123456789\r\n'.repeat(4000)}`;
    eve.send('offer', { type: 'offer', sdp });
    const reaction = await eve.journal.find('a reaction', (m) => ['answer', 'error', 'closed'].includes(m.type));
    assert.equal(reaction.type, 'answer', JSON.stringify(reaction).slice(0, 200));
  });

  it('the session id of another user is not to be had: session-taken, and its owner notices nothing', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room);
    await rooms.expectAllHear([alice, bob]);
    const eve = await rooms.open('eve', room, { session: bob.signalling.session });
    eve.send('join');
    await eve.error('session-taken');
    eve.send('leave');
    eve.send('offer', { type: 'offer', sdp: good() });
    await eve.error('not-joined');
    await rooms.expectAllHear([alice, bob], ['audio'], 20);
    bob.signalling.drop();
    const late = await rooms.open('eve', room, { session: bob.signalling.session });
    late.send('join');
    await late.error('session-taken');
    await bob.reconnect(rooms.server);
    assert.equal(bob.signalling.joined.resumed, true);
  });

  it('the session id in later messages is not believed', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    const bob = await rooms.join('bob', room);
    bob.send('leave', undefined, { sessionId: alice.session, roomId: 'other' });
    const { payload } = await alice.next('participant-left');
    assert.equal(payload.sessionId, bob.session);
    await alice.settled();
  });

  it('a second join on one WebSocket replaces its participant and never doubles it', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.join('alice', room);
    const bob = await rooms.join('bob', room);
    bob.send('join', undefined, { sessionId: 'another' });
    await alice.next('participant-left', (p) => p.sessionId === bob.session && p.reason === 'replaced');
    await alice.next('participant-joined', (p) => p.sessionId === 'another');
    const carol = await rooms.join('carol', room);
    assert.deepEqual(carol.joined.participants.map((p) => p.sessionId).sort(), [alice.session, 'another'].sort());
  });
});

/** A STUN binding request, signed with `password`. */
function stun(username, password, { useCandidate = true, controlled = false } = {}) {
  const attribute = (type, data) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(data.length, 2);
    return Buffer.concat([head, data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
  };
  const body = [
    attribute(0x0006, Buffer.from(username)),
    attribute(controlled ? 0x8029 : 0x802a, bytes('tie', 8)),
    attribute(0x0024, Buffer.from([0x6e, 0, 1, 0xff])),
    ...(useCandidate ? [attribute(0x0025, Buffer.alloc(0))] : []),
  ];
  const header = (length) => {
    const head = Buffer.alloc(20);
    head.writeUInt16BE(1, 0);
    head.writeUInt16BE(length, 2);
    head.writeUInt32BE(0x2112a442, 4);
    bytes(username, 12).copy(head, 8);
    return head;
  };
  const content = Buffer.concat(body);
  const hmac = createHmac('sha1', password).update(Buffer.concat([header(content.length + 24), content])).digest();
  const signed = Buffer.concat([content, attribute(0x0008, hmac)]);
  const whole = Buffer.concat([header(signed.length + 8), signed]);
  return Buffer.concat([whole, attribute(0x8028, crc(whole))]);
}

function crc(data) {
  let sum = 0xffffffff;
  for (const byte of data) {
    sum ^= byte;
    for (let i = 0; i < 8; i += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  const out = Buffer.alloc(4);
  out.writeUInt32BE(((sum ^ 0xffffffff) >>> 0 ^ 0x5354554e) >>> 0);
  return out;
}

describe('hostile datagrams', { timeout: 180_000 }, () => {
  const rooms = useRooms();

  /** A pair that talks, of which bob's packets pass a relay. */
  const pair = async () => {
    const room = rooms.server.newRoom();
    const relay = await Relay.open();
    const alice = await rooms.enter('alice', room);
    const bob = await rooms.enter('bob', room, { relay });
    await rooms.expectAllHear([alice, bob]);
    return { room, alice, bob, relay, target: relay.server };
  };
  const stranger = async (target) => {
    const socket = createSocket('udp4');
    socket.bind(0, '0.0.0.0');
    await once(socket, 'listening');
    const answers = [];
    socket.on('message', (data) => answers.push(data));
    const send = (data) => new Promise((resolve) => socket.send(data, target.port, target.address, resolve));
    return { socket, answers, send };
  };
  /** Sends all of them to the server, no faster than it hears what bob says meanwhile: what its socket has no room for is lost. */
  const flood = async ({ alice }, sends) => {
    for (const [i, send] of sends.entries()) {
      await send();
      if (i % 50 === 49) await alice.hears('bob/audio', 1);
    }
  };
  const expectUndisturbed = async ({ room, alice, bob, relay }) => {
    const carol = await rooms.enter('carol', room);
    await rooms.expectAllHear([alice, bob, carol], ['audio'], 20);
    relay.close();
  };

  it('random bytes from a stranger are not answered', async () => {
    const there = await pair();
    const { socket, answers, send } = await stranger(there.target);
    const datagrams = [];
    for (let i = 0; i < 2000; i += 1) {
      const data = Buffer.from(bytes(i, 1 + ((i * 37) % 1400)));
      data[0] = i & 0xff; // every kind of first byte
      datagrams.push(data);
    }
    for (let length = 0; length <= 64; length += 1) for (const first of [0, 1, 20, 22, 63, 64, 128, 144, 191]) datagrams.push(Buffer.alloc(length, first));
    await flood(there, datagrams.map((data) => () => send(data)));
    await expectUndisturbed(there);
    assert.deepEqual(answers, []);
    socket.close();
  });

  it('checks with an unknown ufrag, a wrong password or in the wrong role take nothing over', async () => {
    const there = await pair();
    const { socket, answers, send } = await stranger(there.target);
    const server = parse(there.bob.signalling.seen.find((m) => ['offer', 'answer'].includes(m.type)).payload.sdp).sections[0].lines;
    const [ufrag, pwd] = [value(server, 'ice-ufrag'), value(server, 'ice-pwd')];
    const mine = value(parse(there.bob.pc.localDescription.sdp).sections[0].lines, 'ice-ufrag');
    const checks = [];
    for (let i = 0; i < 200; i += 1) checks.push(stun(`nobody${i}:${mine}`, pwd), stun(`${ufrag}:${mine}`, `wrong${i}`), stun(ufrag, `wrong${i}`));
    checks.push(stun(`${ufrag}:${mine}`, pwd).subarray(0, 44)); // unsigned
    await flood(there, checks.map((data) => () => send(data)));
    await expectUndisturbed(there);
    assert.deepEqual(answers.filter((data) => data.readUInt16BE(0) === 0x0101), [], 'a success response to a stranger');
    socket.close();
  });

  it('a whole ClientHello, its fragments and broken records from a stranger are not answered', async () => {
    const there = await pair();
    const hello = there.relay.sent.find((data) => isDtls(data) && data[0] === 22);
    assert.ok(hello, 'a ClientHello was seen');
    const { socket, answers, send } = await stranger(there.target);
    const records = [];
    for (let i = 0; i < 200; i += 1) {
      const broken = Buffer.from(hello);
      broken[i % broken.length] ^= 0xff;
      records.push(hello, hello.subarray(0, 13 + (i % (hello.length - 13))), broken);
    }
    await flood(there, records.map((data) => () => send(data)));
    await expectUndisturbed(there);
    assert.deepEqual(answers, []);
    socket.close();
  });

  it('DTLS records of a stranger sent from the place of an established client do not end it', async () => {
    const there = await pair();
    const { relay, target } = there;
    const inject = (data) => new Promise((resolve) => relay.back.send(data, target.port, target.address, resolve));
    const hello = relay.sent.find((data) => isDtls(data) && data[0] === 22);
    const records = Array(50).fill(hello);
    records.push(Buffer.from([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40])); // a fatal alert, in the clear
    records.push(Buffer.from([21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0])); // close_notify that nobody signed
    for (let i = 0; i < 200; i += 1) records.push(Buffer.concat([Buffer.from([20 + (i % 6), 0xfe, 0xfd]), bytes(i, 40)]));
    await flood(there, records.map((data) => () => inject(data)));
    await expectUndisturbed(there);
  });

  it('replayed and changed SRTP, from the same place and from another, is heard by nobody twice', async () => {
    const there = await pair();
    const { relay, target, alice } = there;
    await alice.hears('bob/audio', 30);
    const packets = relay.sent.filter(isRtp);
    assert.ok(packets.length >= 30, String(packets.length));
    const { socket, answers, send } = await stranger(target);
    const inject = (data) => new Promise((resolve) => relay.back.send(data, target.port, target.address, resolve));
    const sends = [];
    for (let round = 0; round < 20; round += 1) {
      for (const packet of packets) sends.push(() => inject(packet), () => send(packet));
      const changed = Buffer.from(packets[round]);
      changed[changed.length - 1] ^= 1;
      for (const data of [changed, changed.subarray(0, 12 + round), relay.sent.filter(isStun)[0]]) sends.push(() => inject(data));
    }
    await flood(there, sends);
    await expectUndisturbed(there);
    assert.deepEqual(answers, []);
    socket.close();
  });

  it('a wrong fingerprint in the offer lets no media through', async () => {
    const room = rooms.server.newRoom();
    const alice = await rooms.enter('alice', room);
    const eve = await rooms.enter('eve', room, { fingerprint: fakeFingerprint });
    await eve.signalling.error('failed');
    await alice.signalling.next('state', (p) => p.sessionId === eve.signalling.session && p.state === 'failed');
    assert.deepEqual(alice.ledger.packets('eve/audio'), []);
  });

  it('lost packets of video are asked for again and fill their gaps', async () => {
    const room = rooms.server.newRoom();
    const relay = await Relay.open();
    const bob = await rooms.enter('bob', room, { publish: ['video'] });
    const alice = await rooms.enter('alice', room, { publish: [], style: 'waits', relay, rtx: true });
    await alice.hears('bob/video', 20);
    let count = 0;
    const lost = new Set();
    relay.dropToClient = (data) => {
      if (!isRtp(data) || (data[1] & 0x7f) !== 96) return false;
      count += 1;
      if (count % 10 !== 0 || lost.size >= 5) return false;
      lost.add(data.readUInt16BE(2));
      return true;
    };
    await alice.ledger.journal.until('five packets were dropped', () => lost.size >= 5);
    await alice.ledger.journal.until(`the lost ${[...lost]} came again`, () => [...lost].every((sequence) => alice.ledger.retransmitted.has(sequence)));
    assert.ok(bob.sources.length === 1);
    relay.close();
  });
});
