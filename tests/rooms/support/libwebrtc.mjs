// A participant made of libwebrtc for Node.js: a tone and a grey picture of its own, and what it hears and sees of others.
import wrtc from '@roamhq/wrtc';

import { Judge } from './sdp.mjs';
import { Signalling } from './signalling.mjs';
import { Journal } from './wait.mjs';

const { MediaStream, RTCPeerConnection } = wrtc;
const { RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource } = wrtc.nonstandard;
const rate = 48_000;
const width = 160;
const height = 96;

/** The power of `frequency` in samples, as a part of the whole (0 to 1). */
function share(samples, frequency, sampleRate) {
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / sampleRate);
  let [one, two, whole] = [0, 0, 0];
  for (const sample of samples) {
    [one, two] = [sample + factor * one - two, one];
    whole += sample * sample;
  }
  return whole < samples.length * 1e4 ? 0 : (2 * (one * one + two * two - factor * one * two)) / (whole * samples.length);
}

export class LibwebrtcPeer {
  tones = new Map(); // frequency: how many tenths of a second it was heard
  greys = new Map(); // grey of a picture, rounded to tens: how many were seen
  failures = [];
  violations = [];
  progress = new Journal();
  judge = new Judge();
  #work = Promise.resolve();
  #ends = [];

  static async enter(server, { style = 'offers', publish = ['audio'], tone, grey, ...options }) {
    const peer = new LibwebrtcPeer();
    Object.assign(peer, { style, tone, grey, options, name: options.user });
    peer.signalling = await Signalling.open(server, options);
    peer.#connect();
    peer.held = ['polite', 'stubborn'].includes(style) ? [] : undefined;
    const add = peer.signalling.journal.add.bind(peer.signalling.journal);
    peer.signalling.journal.add = (message) => {
      add(message);
      if (message.type !== 'offer' && message.type !== 'answer') return;
      if (peer.held) peer.held.push(message);
      else peer.#queue(() => peer.#negotiate(message));
    };
    for (const kind of publish) peer.add(kind);
    await peer.signalling.enter();
    if (style === 'offers') await peer.offer();
    if (peer.held) {
      await peer.signalling.next('offer');
      await peer.offer();
      const { held } = peer;
      peer.held = undefined;
      for (const message of held) peer.#queue(() => peer.#negotiate(message));
    }
    return peer;
  }

  #connect() {
    this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc.onconnectionstatechange = () => this.progress.add({ state: this.pc.connectionState });
    this.pc.onicecandidate = ({ candidate }) => candidate && this.signalling.send('ice', candidate);
    this.pc.ontrack = ({ track }) => (track.kind === 'audio' ? this.#listenTo(track) : this.#watch(track));
  }

  #listenTo(track) {
    const sink = new RTCAudioSink(track);
    let kept = [];
    sink.ondata = ({ samples, sampleRate }) => {
      kept.push(...samples);
      if (kept.length < sampleRate / 10) return;
      for (const frequency of [400, 700, 1100, 1700]) if (share(kept, frequency, sampleRate) > 0.5) this.tones.set(frequency, (this.tones.get(frequency) ?? 0) + 1);
      kept = [];
      this.progress.poke();
    };
    this.#ends.push(() => sink.stop());
  }

  #watch(track) {
    const sink = new RTCVideoSink(track);
    sink.onframe = ({ frame }) => {
      const middle = frame.data[(frame.height >> 1) * frame.width + (frame.width >> 1)];
      const grey = Math.round(middle / 10) * 10;
      this.greys.set(grey, (this.greys.get(grey) ?? 0) + 1);
      this.progress.poke();
    };
    this.#ends.push(() => sink.stop());
  }

  add(kind) {
    const source = kind === 'audio' ? new RTCAudioSource() : new RTCVideoSource();
    const track = source.createTrack();
    const sender = this.pc.addTrack(track, new MediaStream());
    let at = 0;
    const tick = () => {
      if (kind === 'video') {
        const data = new Uint8ClampedArray((width * height * 3) / 2).fill(128);
        data.fill(this.grey, 0, width * height);
        source.onFrame({ width, height, data });
        return;
      }
      const samples = Int16Array.from({ length: rate / 100 }, (_, i) => 8000 * Math.sin((2 * Math.PI * this.tone * (at + i)) / rate));
      at += samples.length;
      source.onData({ samples, sampleRate: rate, bitsPerSample: 16, channelCount: 1, numberOfFrames: samples.length });
    };
    const timer = setInterval(tick, kind === 'video' ? 40 : 10);
    this.#ends.push(() => {
      clearInterval(timer);
      track.stop();
    });
    return sender;
  }

  #queue(job) {
    this.#work = this.#work.then(job).catch((error) => this.failures.push(String(error?.stack ?? error)));
    return this.#work;
  }

  offer(options) {
    return this.#queue(async () => {
      await this.pc.setLocalDescription(await this.pc.createOffer(options));
      this.#send('offer');
    });
  }

  #send(type) {
    const { sdp } = this.pc.localDescription;
    if (type === 'offer') this.lastOffer = sdp;
    this.signalling.send(type, { type, sdp });
  }

  async #negotiate({ type, payload }) {
    if (type === 'answer') {
      if (this.stale) {
        this.stale = false;
        return;
      }
      this.violations.push(...this.judge.look(payload, { offer: this.lastOffer }));
      await this.pc.setRemoteDescription(payload);
      return;
    }
    const collision = this.pc.signalingState === 'have-local-offer';
    this.violations.push(...this.judge.look(payload, { counts: !collision || this.style !== 'stubborn' }));
    if (collision && this.style === 'stubborn') return;
    this.stale = collision;
    if (collision) await this.pc.setLocalDescription({ type: 'rollback', sdp: '' });
    await this.pc.setRemoteDescription(payload);
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    this.#send('answer');
    // What was offered in vain and has no section in the server's offer is offered again.
    if (collision && this.pc.getTransceivers().some(({ sender, mid }) => sender.track && !mid)) void this.offer();
  }

  settled() {
    return this.#queue(() => {});
  }

  #describe() {
    return [this.pc.connectionState, this.pc.signalingState, ...this.failures, JSON.stringify([...this.tones]), JSON.stringify([...this.greys]), ...this.signalling.seen.map((m) => `${m.type} ${JSON.stringify(m.payload)?.slice(0, 160)}`)].join('\n  ');
  }

  /** Half a second more of the tone of `other` is heard. */
  hears(other, tenths = 5) {
    const before = this.tones.get(other.tone) ?? 0;
    return this.progress.until(`${this.name} hears ${other.tone} Hz`, () => (this.tones.get(other.tone) ?? 0) >= before + tenths, { describe: () => this.#describe() });
  }

  sees(other, frames = 5) {
    const before = this.greys.get(other.grey) ?? 0;
    return this.progress.until(`${this.name} sees grey ${other.grey}`, () => (this.greys.get(other.grey) ?? 0) >= before + frames, { describe: () => this.#describe() });
  }

  get faults() {
    return [...this.failures, ...this.violations];
  }

  async lostPackets() {
    return [...(await this.pc.getStats()).values()].filter((report) => report.type === 'inbound-rtp').reduce((sum, report) => sum + (report.packetsLost ?? 0), 0);
  }

  async close() {
    this.signalling.leave();
    this.stopMedia();
  }

  async vanish() {
    this.signalling.drop();
    this.stopMedia();
  }

  stopMedia() {
    for (const end of this.#ends.splice(0)) end();
    this.pc.close();
  }
}
