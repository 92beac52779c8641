// One RTCPeerConnection and its negotiation: perfect negotiation, where the order of the user ids says who yields.
// A link lives for one pair of connections; when the other side comes back with a new one, the call makes a new link.
import type { Environment, TimerId } from './environment.js';
import type { Members } from './protocol.js';
import { sessionIdOf } from './sdp.js';

/** What the link sends by; the call adds the addressee and what it says of its media. */
export interface LinkOutput {
  offer(sdp: string, details: { readonly id: string; readonly fresh: boolean }): void;
  answer(sdp: string, details: { readonly to: string | null }): void;
  candidates(list: readonly RTCIceCandidateInit[]): void;
}

export interface LinkOptions {
  readonly env: Environment;
  readonly configuration: RTCConfiguration;
  /** Whether this side yields when both offer. */
  readonly polite: boolean;
  /** Tells this link's offers from those of other links: part of their ids. */
  readonly name: string;
  readonly output: LinkOutput;
  readonly localStream: MediaStream;
  /** Whether tracks may be sent by now. When that becomes true, setMedia() is called. */
  readonly mayCarry?: (() => boolean) | undefined;
  /** Sees each transceiver before it sends or receives anything. */
  readonly protect?: ((transceiver: RTCRtpTransceiver) => void) | undefined;
  readonly onTrack: (track: MediaStreamTrack, transceiver: RTCRtpTransceiver) => void;
  readonly onState: (state: RTCPeerConnectionState) => void;
  readonly onFailure: (error: unknown) => void;
}

/** What is to be sent. `send*` without a track: the track is on its way. */
export interface LinkMedia {
  readonly audioTrack: MediaStreamTrack | null;
  readonly videoTrack: MediaStreamTrack | null;
  readonly sendAudio: boolean;
  readonly sendVideo: boolean;
}

export interface RemoteOffer {
  readonly sdp: string;
  readonly id: string | null;
}

export type OfferVerdict = 'taken' | 'ignored' | 'needs-new-link';

/** Candidates that gather within this time travel together, to a side that can read that. */
const kBatchMs = 10;
const kCandidatesMax = 256;

export class PeerLink {
  readonly pc: RTCPeerConnection;
  private readonly options: LinkOptions;
  private media: LinkMedia = { audioTrack: null, videoTrack: null, sendAudio: false, sendVideo: false };
  private audio: RTCRtpTransceiver | null = null;
  private video: RTCRtpTransceiver | null = null;
  /** Who the other side's descriptions come from; null until there is one. */
  private remoteSession: string | null = null;
  /** Own offers that were sent; the newest has the id `name-count`. */
  private offers = 0;
  private openOffer: string | null = null;
  private lastAnswer: { sdp: string; to: string | null } | null = null;
  /** Candidates that came before the description they belong to. */
  private early: (RTCIceCandidateInit | null)[] = [];
  private described = false;
  private closed = false;
  private lowersDirections = false;
  private restartWanted = false;
  /** Whether candidates may be sent in batches, and from when on they may be sent at all. */
  private batches = false;
  private announced = false;
  private outgoing: RTCIceCandidateInit[] = [];
  private batchTimer: TimerId | null = null;
  private work: Promise<void> = Promise.resolve();
  private resolveClosed: () => void = () => undefined;
  /** A closed RTCPeerConnection leaves its promises pending for ever (W3C WebRTC section 4.4.1.2): steps race this. */
  private readonly whenClosed = new Promise<void>((resolve) => {
    this.resolveClosed = resolve;
  });

  constructor(options: LinkOptions) {
    this.options = options;
    this.pc = options.env.createPeerConnection(options.configuration);
    this.pc.onicecandidate = (event): void => {
      if (event.candidate && event.candidate.candidate !== '') this.onCandidate(event.candidate);
    };
    this.pc.ontrack = (event): void => {
      options.protect?.(event.transceiver);
      options.onTrack(event.track, event.transceiver);
    };
    this.pc.onconnectionstatechange = (): void => {
      if (!this.closed) options.onState(this.pc.connectionState);
    };
    this.pc.onnegotiationneeded = (): void => {
      // The first negotiation is begun by hand.
      if (this.described) this.offerLater();
    };
  }

  get state(): RTCPeerConnectionState {
    return this.closed ? 'closed' : this.pc.connectionState;
  }
  /** Whether the other side's description was ever taken. */
  get isDescribed(): boolean {
    return this.remoteSession !== null;
  }
  /** Whether an answer of ours has been made. */
  get isAnswered(): boolean {
    return this.lastAnswer !== null;
  }

  // ---- what the call asks for -------------------------------------------------------------------------------------

  /** Begins as the side that offers. Both kinds are offered at once, so that neither side has to add one to answer. */
  begin(media: LinkMedia): void {
    this.media = media;
    const streams = [this.options.localStream];
    this.audio = this.add('audio', { direction: media.sendAudio ? 'sendrecv' : 'recvonly', streams });
    this.video = this.add('video', { direction: media.sendVideo ? 'sendrecv' : 'recvonly', streams });
    this.enqueue(async () => {
      await this.applyTracks();
      await this.makeOffer();
    });
  }

  /** Sends other tracks, or none. Negotiates only when the direction has to change. */
  setMedia(media: LinkMedia): void {
    this.media = media;
    if (this.audio === null && this.video === null && !this.described) return; // taken when the offer is
    this.enqueue(async () => {
      this.applyDirections();
      await this.applyTracks();
    });
  }

  /** Whether the other side is told by negotiation when something is no longer sent. */
  setLowersDirections(lowers: boolean): void {
    this.lowersDirections = lowers;
  }

  /** The other side reads `candidates`. */
  allowBatches(): void {
    this.batches = true;
  }

  restartIce(): void {
    if (this.closed) return;
    this.restartWanted = true;
    this.offerLater();
  }

  /** The answer or the open offer once more: the first one was lost with the connection to the server. */
  resend(): void {
    this.enqueue(() => {
      const sdp = this.pc.localDescription?.sdp;
      if (this.openOffer !== null && sdp) {
        this.options.output.offer(sdp, { id: this.openOffer, fresh: !this.isDescribed });
      }
      return Promise.resolve();
    });
  }

  resendAnswer(): void {
    this.enqueue(() => {
      if (this.lastAnswer) this.options.output.answer(this.lastAnswer.sdp, { to: this.lastAnswer.to });
      return Promise.resolve();
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.batchTimer !== null) this.options.env.clearTimeout(this.batchTimer);
    this.batchTimer = null;
    this.pc.onicecandidate = this.pc.ontrack = this.pc.onconnectionstatechange = this.pc.onnegotiationneeded = null;
    this.pc.close();
    this.resolveClosed();
  }

  // ---- what the other side says -----------------------------------------------------------------------------------

  /** Looks at an offer, without taking it yet: whose turn is it, and is it for this link at all. */
  judge(offer: RemoteOffer & { readonly fresh: boolean }): OfferVerdict {
    const session = sessionIdOf(offer.sdp);
    if (this.remoteSession !== null) return session === this.remoteSession ? 'taken' : 'needs-new-link';
    if (this.offers === 0) return 'taken';
    // Both have offered a new connection. What the other side asked of its old one is void by our offer.
    if (this.isComeback && !offer.fresh) return 'ignored';
    return this.options.polite ? 'needs-new-link' : 'ignored';
  }

  /** This link's first offer replaces a connection the other side had: set by the call before begin(). */
  isComeback = false;

  /** Answers an offer that judge() said `taken` of. `media` is what to answer with. */
  takeOffer(offer: RemoteOffer, media: LinkMedia): Promise<void> {
    this.media = media;
    this.remoteSession = sessionIdOf(offer.sdp);
    return this.enqueue(async () => {
      // A reason to yield is an open offer of ours; between our own steps there is none.
      const collides = this.pc.signalingState !== 'stable';
      if (collides && !this.options.polite) return;
      await this.pc.setRemoteDescription({ type: 'offer', sdp: offer.sdp }); // rolls ours back
      // negotiationneeded comes again for what was rolled back and is still wanted.
      if (collides) this.openOffer = null;
      this.described = true;
      // At once: what has no transform when the browser's next task begins is sent and taken as it is, whatever comes later.
      this.adoptTransceivers();
      await this.afterRemoteDescription();
      await Promise.all([this.applyTracks(), this.pc.setLocalDescription()]);
      const sdp = this.pc.localDescription?.sdp;
      if (this.closed || !sdp) return;
      this.lastAnswer = { sdp, to: offer.id };
      this.options.output.answer(sdp, { to: offer.id });
      this.announce();
    });
  }

  /** `to`: which offer it answers, when the other side says so. Others than the open one are answered by nobody. */
  takeAnswer(sdp: string, to: string | null): boolean {
    if (this.openOffer === null || (to !== null && to !== this.openOffer)) return false;
    this.remoteSession = sessionIdOf(sdp);
    this.enqueue(async () => {
      if (this.pc.signalingState !== 'have-local-offer') return;
      await this.pc.setRemoteDescription({ type: 'answer', sdp });
      this.openOffer = null;
      await this.afterRemoteDescription();
      this.applyDirections();
    });
    return true;
  }

  takeCandidates(list: readonly (RTCIceCandidateInit | null)[]): void {
    this.enqueue(async () => {
      for (const candidate of list) {
        if (this.pc.remoteDescription) await this.addCandidate(candidate);
        else if (this.early.length < kCandidatesMax) this.early.push(candidate);
      }
    });
  }

  // ---- steps ------------------------------------------------------------------------------------------------------

  /** Steps go one after another, so that none sees the connection in the middle of another one. */
  private enqueue(step: () => Promise<void>): Promise<void> {
    this.work = this.work.then(async () => {
      if (this.closed) return;
      try {
        await Promise.race([step(), this.whenClosed]);
      } catch (error) {
        if (!this.closed) this.options.onFailure(error);
      }
    });
    return this.work;
  }

  private offerLater(): void {
    this.enqueue(async () => {
      // Until our last offer is answered the next one waits: the answer brings us back here by negotiationneeded.
      if (this.pc.signalingState !== 'stable') return;
      await this.makeOffer();
    });
  }

  private async makeOffer(): Promise<void> {
    if (this.restartWanted) {
      this.restartWanted = false;
      this.pc.restartIce();
    }
    await this.pc.setLocalDescription();
    const sdp = this.pc.localDescription?.sdp;
    if (this.closed || !sdp || this.pc.localDescription?.type !== 'offer') return;
    this.offers += 1;
    this.openOffer = `${this.options.name}-${this.offers}`;
    this.options.output.offer(sdp, { id: this.openOffer, fresh: !this.isDescribed });
    this.announce();
  }

  private async afterRemoteDescription(): Promise<void> {
    this.described = true;
    for (const candidate of this.early.splice(0)) await this.addCandidate(candidate);
    if (this.restartWanted) this.offerLater();
  }

  private async addCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    try {
      await this.pc.addIceCandidate(candidate ?? undefined);
    } catch {
      // Of an offer that was ignored or replaced: nobody misses it. A good candidate that fails costs one path.
    }
  }

  /** After the other side's first offer: its media sections are ours, too. */
  private adoptTransceivers(): void {
    const find = (kind: string): RTCRtpTransceiver | null =>
      this.pc.getTransceivers().find((t) => t.receiver.track.kind === kind && t.mid !== null && t.direction !== 'stopped') ?? null;
    if (this.audio === null) this.audio = this.adopt(find('audio'));
    if (this.video === null) this.video = this.adopt(find('video'));
    this.applyDirections();
  }

  private add(kind: 'audio' | 'video', init: RTCRtpTransceiverInit): RTCRtpTransceiver {
    const transceiver = this.pc.addTransceiver(kind, init);
    this.options.protect?.(transceiver);
    return transceiver;
  }

  private adopt(transceiver: RTCRtpTransceiver | null): RTCRtpTransceiver | null {
    if (transceiver) this.options.protect?.(transceiver);
    // What an answer made stands at recvonly. Safari before 15.4 has no setStreams.
    transceiver?.sender.setStreams?.(this.options.localStream);
    return transceiver;
  }

  private applyDirections(): void {
    const streams = [this.options.localStream];
    const { sendAudio, sendVideo } = this.media;
    if (this.audio) this.direct(this.audio, sendAudio);
    else if (sendAudio && this.described) this.audio = this.add('audio', { direction: 'sendrecv', streams });
    if (this.video) this.direct(this.video, sendVideo);
    else if (sendVideo && this.described) this.video = this.add('video', { direction: 'sendrecv', streams });
  }

  private direct(transceiver: RTCRtpTransceiver, sends: boolean): void {
    const sending = transceiver.direction === 'sendrecv' || transceiver.direction === 'sendonly';
    if (sends && !sending) transceiver.direction = 'sendrecv';
    else if (!sends && sending && this.lowersDirections) transceiver.direction = 'recvonly';
  }

  private async applyTracks(): Promise<void> {
    const carries = this.options.mayCarry?.() ?? true;
    const { audioTrack, videoTrack } = carries ? this.media : { audioTrack: null, videoTrack: null };
    await Promise.all([replace(this.audio, audioTrack), replace(this.video, videoTrack)]);
  }

  // ---- candidates -------------------------------------------------------------------------------------------------

  private onCandidate(candidate: RTCIceCandidate): void {
    this.outgoing.push(candidate.toJSON());
    if (!this.announced || this.batchTimer !== null) return;
    this.flush();
    // The first one of a burst has left at once; the others of it go together.
    if (this.batches) {
      this.batchTimer = this.options.env.setTimeout(() => {
        this.batchTimer = null;
        this.flush();
      }, kBatchMs);
    }
  }

  /** A description has left: its candidates may follow. */
  private announce(): void {
    this.announced = true;
    this.flush();
  }

  private flush(): void {
    const list = this.outgoing.splice(0);
    if (list.length === 0) return;
    if (this.batches) this.options.output.candidates(list);
    else for (const candidate of list) this.options.output.candidates([candidate]);
  }
}

async function replace(transceiver: RTCRtpTransceiver | null, track: MediaStreamTrack | null): Promise<void> {
  if (transceiver && transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
}

/** The members of a `call:ice`. */
export function candidatesPayload(list: readonly RTCIceCandidateInit[]): Members {
  const [first] = list;
  return list.length > 1 ? { candidate: first, candidates: list } : { candidate: first };
}
