// Packets whose every byte follows from who sent them and their number, and a ledger of what arrived.
import { createHash } from 'node:crypto';

import { Journal } from './wait.mjs';

export const retransmission = 97; // payload type of RTX for VP8, in the server's offers as in ours
const mark = /([\w.-]+\/(?:audio|video)\d*)#(\d{6})\|/;

function filler(label, number, length) {
  const parts = [];
  for (let i = 0; i * 32 < length; i += 1) parts.push(createHash('sha256').update(`${label} ${number} ${i}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

/** 20 ms of "Opus": a valid TOC byte and then marked bytes. */
export function audioPayload(label, number) {
  const text = Buffer.from(`${label}#${String(number).padStart(6, '0')}|`);
  return Buffer.concat([Buffer.from([0xfc]), text, filler(label, number, 60)]);
}

export const keyframeEvery = 15;

/** One VP8 frame in one packet: descriptor with a 15-bit picture id, frame tag, and on keyframes start code and 320x180. */
export function videoPayload(label, number, keyframe) {
  const text = Buffer.from(`${label}#${String(number).padStart(6, '0')}|`);
  const pictureId = 0x8000 | (number & 0x7fff);
  const descriptor = Buffer.from([0x90, 0x80, pictureId >> 8, pictureId & 0xff]);
  const body = Buffer.concat([text, filler(label, number, 700)]);
  const size = body.length << 5;
  const tag = Buffer.from([(size & 0xe0) | 0x10 | (keyframe ? 0 : 1), (size >> 8) & 0xff, (size >> 16) & 0xff]);
  const start = keyframe ? Buffer.from([0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]) : Buffer.alloc(0);
  return Buffer.concat([descriptor, tag, start, body]);
}

/** What of a payload must arrive unchanged: for VP8 all behind the descriptor, whose picture id is the forwarder's. */
const essence = (label, payload) => (label.includes('/video') ? payload.subarray(4) : payload);

export class Ledger {
  journal = new Journal();
  streams = new Map(); // by ssrc: {ssrc, packets: [{sequence, timestamp, label, number}]}
  wrong = [];
  unmarked = 0;
  retransmitted = new Set(); // original sequence numbers that came again by RTX (RFC 4588)

  add(rtp) {
    const { header, payload } = rtp;
    if (header.payloadType === retransmission) {
      if (payload.length >= 2) this.retransmitted.add(payload.readUInt16BE(0));
      this.journal.poke();
      return;
    }
    const found = mark.exec(payload.toString('latin1'));
    if (!found) {
      this.unmarked += 1; // of other stacks, padding, and what else a forwarder may make up
      this.journal.poke();
      return;
    }
    const [, label, digits] = found;
    const number = Number(digits);
    this.#compare(label, number, payload);
    if (!this.streams.has(header.ssrc)) this.streams.set(header.ssrc, { ssrc: header.ssrc, packets: [] });
    this.streams.get(header.ssrc).packets.push({
      sequence: header.sequenceNumber,
      timestamp: header.timestamp,
      label,
      number,
      at: performance.now(),
    });
    this.journal.poke();
  }

  #compare(label, number, payload) {
    const video = label.includes('/video');
    const sent = video ? [true, false].map((key) => videoPayload(label, number, key)) : [audioPayload(label, number)];
    if (!sent.some((each) => essence(label, each).equals(essence(label, payload)))) this.wrong.push(`${label}#${number} is not as it was sent: ${payload.toString('hex')}`);
  }

  labels() {
    return [...new Set([...this.streams.values()].flatMap((stream) => stream.packets.map((p) => p.label)))].sort();
  }

  packets(label) {
    return [...this.streams.values()].flatMap((stream) => stream.packets).filter((p) => p.label === label);
  }

  /** Resolves when `count` packets of `label` more than now, or than `since`, are there. */
  hears(label, count = 10, { since = this.packets(label).length, ms } = {}) {
    return this.journal.until(`${count} packets of ${label}`, () => this.packets(label).length >= since + count, {
      ms,
      describe: () => [...this.streams.values()].map((s) => `ssrc ${s.ssrc}: ${s.packets.length} packets, last of ${s.packets.at(-1)?.label}`).join('\n  ') || 'nothing',
    });
  }

  /** What is wrong with what came: changed bytes, gaps, doubles, mixed streams. */
  faults() {
    const faults = [...this.wrong];
    for (const { ssrc, packets } of this.streams.values()) {
      const numbers = packets.map((p) => p.sequence);
      let highest = numbers[0];
      const extended = numbers.map((n) => {
        const step = ((n - (highest & 0xffff) + 0x18000) & 0xffff) - 0x8000;
        const whole = highest + step;
        highest = Math.max(highest, whole);
        return whole;
      });
      const unique = new Set(extended);
      if (unique.size !== extended.length) faults.push(`ssrc ${ssrc}: ${extended.length - unique.size} packets came twice`);
      const span = extended.reduce((a, b) => Math.max(a, b), -Infinity) - extended.reduce((a, b) => Math.min(a, b), Infinity) + 1;
      if (span !== unique.size) faults.push(`ssrc ${ssrc} (${packets[0].label}): ${span - unique.size} sequence numbers are missing of ${span}`);
    }
    return faults;
  }
}
