// A participant made of werift, a WebRTC stack in TypeScript: it sends marked packets and keeps a ledger of what it gets.
import {
  MediaStreamTrack,
  RTCDtlsTransport,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RtpHeader,
  RtpPacket,
  useAbsSendTime,
  useNACK,
  usePLI,
  useSdesMid,
  useTransportWideCC,
  useVP8,
} from 'werift';

import { Signalling } from './signalling.mjs';
import { Judge } from './sdp.mjs';
import { audioPayload, keyframeEvery, Ledger, retransmission, videoPayload } from './media.mjs';
import { Journal } from './wait.mjs';

const opus = () => new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111 });
const rtx = () => new RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90_000, payloadType: retransmission, parameters: 'apt=96' });
const vp8 = () => useVP8({ payloadType: 96, rtcpFeedback: [useNACK(), usePLI()] });

/** werift makes one certificate for all connections of a process; browsers make one for each. */
function freshCertificate() {
  RTCDtlsTransport.localCertificate = undefined;
  RTCDtlsTransport.localCertificatePromise = undefined;
  return RTCDtlsTransport.SetupCertificate();
}

/** Styles whose first offer crosses the server's. */
const crossing = ['polite', 'stubborn', 'impolite'];

/** One published track: a pump of packets that runs from start() to stop(). */
class Source {
  number = 0;
  keyframeWanted = true;

  constructor(label, kind, intervalMs) {
    this.label = label;
    this.kind = kind;
    this.intervalMs = intervalMs;
    this.track = new MediaStreamTrack({ kind });
    this.sequence = 0xffe0; // wraps soon
  }

  start() {
    this.timer ??= setInterval(() => this.sendOne(), this.intervalMs);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  sendOne() {
    const video = this.kind === 'video';
    const keyframe = video && (this.keyframeWanted || this.number % keyframeEvery === 0);
    this.keyframeWanted = false;
    const payload = video ? videoPayload(this.label, this.number, keyframe) : audioPayload(this.label, this.number);
    const header = new RtpHeader({
      payloadType: video ? 96 : 111,
      sequenceNumber: this.sequence,
      timestamp: (this.number * (video ? 3000 : 960)) >>> 0,
      marker: video,
      payloadOffset: 12,
      ssrc: 0,
    });
    this.track.writeRtp(new RtpPacket(header, payload));
    this.number += 1;
    this.sequence = (this.sequence + 1) & 0xffff;
  }
}

export class WeriftPeer {
  ledger = new Ledger();
  states = new Journal();
  sources = [];
  violations = [];
  failures = [];
  judge = new Judge();
  #transports = new Set();
  #work = Promise.resolve();

  constructor(signalling, options) {
    this.signalling = signalling;
    this.options = options;
    this.name = options.user;
    this.#newConnection();
    this.#listen(signalling);
  }

  /**
   * Enters a room. style: 'waits' for the server's offer; 'offers' at once; 'polite' offers when the server's offer is already on
   * its way and rolls back; 'stubborn' does so and ignores the server's offer until its own is answered; 'impolite' does as that
   * one and says so.
   */
  static async enter(server, { style = 'offers', publish = ['audio'], ...options }) {
    const certificate = options.certificate ?? (await freshCertificate()); // who has opened has ten seconds to join
    const signalling = await Signalling.open(server, options);
    const peer = new WeriftPeer(signalling, { style, ...options });
    try {
      peer.certificate = certificate;
      peer.pc.secureManager.certificate = peer.certificate;
      for (const kind of publish) peer.add(kind);
      await signalling.enter();
      if (style === 'offers') await peer.offer();
      if (crossing.includes(style)) await peer.#cross();
      return peer;
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  #newConnection() {
    const { codecs = { audio: [opus()], video: [vp8(), ...(this.options.rtx ? [rtx()] : [])] } } = this.options;
    this.pc = new RTCPeerConnection({
      bundlePolicy: this.options.bundlePolicy ?? 'max-bundle',
      iceUseIpv6: false,
      codecs,
      headerExtensions: { audio: [useSdesMid(), useTransportWideCC()], video: [useSdesMid(), useTransportWideCC(), useAbsSendTime()] },
    });
    const ids = this.options.extensionIds ?? { audio: [4, 3], video: [4, 3, 2] }; // as Chromium numbers them
    for (const kind of ['audio', 'video']) this.pc.config.headerExtensions[kind].forEach((extension, i) => Object.assign(extension, { id: ids[kind][i] }));
    this.pc.config.iceServers = []; // the constructor would add its default to an empty list
    this.pc.connectionStateChange.subscribe((state) => this.states.add(state));
  }

  #listen(signalling) {
    const crosses = signalling.joined === undefined && this.lastOffer === undefined;
    this.held = crosses && crossing.includes(this.options.style) ? [] : undefined;
    const take = (message) => {
      if (message.type !== 'offer' && message.type !== 'answer') return;
      if (this.held) this.held.push(message);
      else this.#queue(() => this.#negotiate(message));
    };
    const { journal } = signalling;
    const add = journal.add.bind(journal);
    journal.add = (entry) => {
      add(entry);
      take(entry);
    };
  }

  #queue(job) {
    this.#work = this.#work.then(job).catch((error) => this.failures.push(String(error?.stack ?? error)));
    return this.#work;
  }

  async #negotiate({ type, payload }) {
    if (type === 'offer') await this.#takeOffer(payload);
    else await this.#takeAnswer(payload);
    // For the next section, of whatever kind, werift would take the place of a transceiver that is inactive for now.
    for (const transceiver of this.pc.getTransceivers()) if (transceiver.currentDirection === 'inactive') transceiver.setCurrentDirection('recvonly');
    this.#watchTransports();
  }

  #judge(payload, { offer, counts = true } = {}) {
    this.violations.push(...this.judge.look(payload, { offer, counts }));
  }

  async #takeOffer(payload) {
    const crosses = this.pc.signalingState === 'have-local-offer';
    const ignores = ['stubborn', 'impolite'].includes(this.options.style);
    this.#judge(payload, { counts: !crosses || !ignores });
    if (crosses) {
      if (ignores) {
        this.ignored = (this.ignored ?? 0) + 1;
        return;
      }
      await this.#rollBack();
    }
    await this.pc.setRemoteDescription({ type: 'offer', sdp: this.#rewrite(payload.sdp) });
    for (const transceiver of this.pc.getTransceivers()) if (transceiver.sender.track) transceiver.setDirection?.('sendrecv');
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    this.send('answer');
    this.#isDescribed(payload);
    this.checkAgain();
    // What was offered in vain and has no section in the server's offer is offered again.
    this.offerAgain ||= crosses && this.pc.getTransceivers().some(({ sender, mid }) => sender.track && !mid);
    await this.#offerIfAsked();
  }

  /** The description of the server that holds now, as it was sent. */
  #isDescribed({ sdp }) {
    this.described = sdp;
    this.signalling.journal.poke();
  }

  async #offerIfAsked() {
    if (!this.offerAgain) return;
    this.offerAgain = false;
    await this.#makeOffer();
  }

  /** werift keeps the mids of an offer that it rolled back: a stack that rolls back as RFC 9429 says forgets them. */
  async #rollBack() {
    await this.pc.setLocalDescription({ type: 'rollback' });
    const kept = new Set((this.pc.currentLocalDescription?.sdp ?? '').match(/a=mid:\S+/g)?.map((line) => line.slice(6)));
    for (const transceiver of this.pc.getTransceivers()) {
      if (kept.has(transceiver.mid)) continue;
      transceiver.mid = null;
      transceiver.mLineIndex = undefined;
    }
    this.rolledBack = (this.rolledBack ?? 0) + 1;
    this.rolledBackOffer = this.lastOffer;
    this.staleAnswers = (this.staleAnswers ?? 0) + 1;
  }

  async #takeAnswer(payload) {
    const stale = this.staleAnswers > 0;
    if (stale) {
      this.violations.push(...new Judge().look(payload, { offer: this.rolledBackOffer })); // fits its offer, and nothing else
      this.staleAnswers -= 1;
      return;
    }
    this.#judge(payload, { offer: this.lastOffer });
    await this.pc.setRemoteDescription({ type: 'answer', sdp: this.#rewrite(payload.sdp) });
    this.#isDescribed(payload);
    this.checkAgain();
    await this.#offerIfAsked();
  }

  /** werift checks no pair anew after a restart of ICE while DTLS is up, so it is told to. */
  checkAgain() {
    if (this.holdsChecks) return;
    for (const ice of this.pc.iceTransports) {
      if (ice.iceRestarts > (this.restartsSeen ?? 0)) {
        this.restartsSeen = ice.iceRestarts;
        ice.start().catch((error) => this.failures.push(`ICE restart: ${error}`));
      }
    }
  }

  /** werift takes a rejected section, which rightly has no ICE credentials, for an ICE restart: it is given those of the others. */
  #rewrite(sdp) {
    const credentials = ['ice-ufrag', 'ice-pwd'].map((name) => new RegExp(`a=${name}:.*\r\n`).exec(sdp)?.[0] ?? '').join('');
    const whole = sdp.replace(/^m=\S+ 0 .*\r\n(?:[^m].*\r\n)*/gm, (rejected) => (rejected.includes('a=ice-ufrag') ? rejected : rejected + credentials));
    return this.options.relay ? this.options.relay.rewrite(whole) : whole;
  }

  send(type) {
    let { sdp } = this.pc.localDescription;
    // werift writes port 0, a rejection for good, where it has nothing to do in a section for now.
    if (type === 'answer') sdp = sdp.replace(/^(m=\S+) 0 (.*\r\n(?:[^m].*\r\n)*?a=inactive)/gm, '$1 9 $2');
    if (this.options.fingerprint) sdp = sdp.replace(/a=fingerprint:.*/g, `a=fingerprint:${this.options.fingerprint}`);
    if (type === 'offer') this.lastOffer = sdp;
    const says = type === 'offer' && this.options.style === 'impolite' ? { polite: false } : {};
    this.signalling.send(type, { type, sdp, ...says });
  }

  offer(options) {
    return this.#queue(() => this.#makeOffer(options));
  }

  async #makeOffer(options) {
    if (this.pc.signalingState === 'have-local-offer') {
      this.offerAgain = true; // one at a time: once the answer is there
      return;
    }
    await this.pc.setLocalDescription(await this.pc.createOffer(options));
    this.send('offer');
    this.#watchTransports();
  }

  /** The server's offer is there and not looked at when ours goes out: to the server the two cross. */
  async #cross() {
    await this.signalling.next('offer');
    await this.offer();
    const { held } = this;
    this.held = undefined;
    for (const message of held) this.#queue(() => this.#negotiate(message));
  }

  /** All descriptions that came so far are dealt with. */
  settled() {
    return this.#queue(() => {});
  }

  #watchTransports() {
    for (const transport of this.pc.dtlsTransports) {
      if (this.#transports.has(transport)) continue;
      this.#transports.add(transport);
      transport.onRtp.subscribe((rtp) => this.ledger.add(rtp));
    }
    for (const transceiver of this.pc.getTransceivers()) {
      const { sender } = transceiver;
      const source = this.sources.find((each) => each.track === sender.track);
      if (!source || source.sender === sender) continue;
      source.sender = sender;
      sender.onPictureLossIndication.subscribe(() => {
        source.keyframesAsked = (source.keyframesAsked ?? 0) + 1;
        source.keyframeWanted = true;
      });
    }
  }

  /** Adds a track and its pump; it is offered by the next description. */
  add(kind, { intervalMs = this.options.intervalMs ?? (kind === 'video' ? 20 : 10) } = {}) {
    const same = this.sources.filter((source) => source.kind === kind).length;
    const source = new Source(`${this.name}/${kind}${same === 0 ? '' : same}`, kind, intervalMs);
    this.sources.push(source);
    source.transceiver = this.pc.addTransceiver(source.track, { direction: this.options.direction ?? 'sendrecv' });
    source.start();
    return source;
  }

  /** The state of the connection is or becomes `state`. */
  async reaches(state, options) {
    await this.states.until(`${this.name} is ${state}`, () => this.pc.connectionState === state, {
      ...options,
      describe: () => [this.pc.connectionState, this.pc.signalingState, ...this.failures, ...this.signalling.seen.map((m) => `${m.type} ${JSON.stringify(m.payload)?.slice(0, 160)}`)].join('\n  '),
    });
  }

  hears(label, count, options) {
    return this.ledger.hears(label, count, options).catch((error) => {
      const told = this.signalling.seen.map((m) => `${m.type} ${JSON.stringify(m.payload)?.slice(0, 160)}`).join('\n  ');
      throw new Error(`${this.name} (${this.pc.connectionState}, ${this.pc.signalingState}): ${error.message}\n  ${this.failures.join('\n  ')}\n  ${told}`);
    });
  }

  get faults() {
    return [...this.ledger.faults(), ...this.violations, ...this.failures];
  }

  /** Ends the sender of a track as a browser's removeTrack does, and offers that. */
  async remove(source) {
    source.stop();
    source.transceiver.setDirection('recvonly');
    await source.transceiver.sender.replaceTrack(null);
    this.sources = this.sources.filter((each) => each !== source);
    await this.offer();
  }

  /** Leaves and closes everything. */
  async close() {
    this.signalling.leave();
    await this.stopMedia();
  }

  /** The page is gone: no leave, no closing handshake, no media. */
  async vanish() {
    this.signalling.drop();
    await this.stopMedia();
  }

  async stopMedia() {
    for (const source of this.sources) source.stop();
    await this.pc.close();
  }

  /** A new WebSocket for the same connection of media. */
  async reconnect(server) {
    const { signalling, options } = this;
    this.signalling = await Signalling.open(server, { ...options, session: signalling.session });
    this.#listen(this.signalling);
    await this.signalling.enter();
  }
}
