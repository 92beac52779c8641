// The one RTCPeerConnection of a stay in a room. Either side offers at any time. When offers cross, this side does not yield,
// and says so with each offer (docs/protocol/room.md, rule 2): after a rollback Chromium was seen to offer what it refuses
// itself. What is sent has m-sections of its own, so the server opens others for what is received.
import type { Environment } from './environment.js';
import type { TrackSource } from './room-types.js';

/** What others are told about a track of ours. */
export interface Announcement {
  readonly mid: string;
  readonly source: TrackSource;
  readonly muted: boolean;
}

export interface RoomLinkOptions {
  readonly env: Environment;
  readonly configuration: RTCConfiguration;
  readonly output: {
    offer(sdp: string): void;
    answer(sdp: string): void;
    candidate(candidate: RTCIceCandidateInit): void;
    announce(announcement: Announcement): void;
  };
  /** What is received, and where, may have changed. */
  readonly onReceivers: () => void;
  readonly onState: (state: RTCPeerConnectionState) => void;
  readonly onFailure: (error: unknown) => void;
  /** Seals what is sent and opens what is received. */
  readonly guard?: LinkGuard | undefined;
}

export interface LinkGuard {
  /** Whether tracks may be sent by now. When that becomes true, carry() is called. */
  readonly mayCarry: boolean;
  protectSender(transceiver: RTCRtpTransceiver): void;
  protectReceiver(transceiver: RTCRtpTransceiver): void;
}

interface Publication {
  readonly transceiver: RTCRtpTransceiver;
  readonly source: TrackSource;
  track: MediaStreamTrack | null;
  /** What of it the connection has. */
  carried: MediaStreamTrack | null;
  muted: boolean;
  /** What the server was told last. */
  told: string;
}

/**
 * Three layers of the camera, the lowest first: a quarter, a half and the full height. `maxBitrate` in bits a second.
 */
export const kCameraLayers: readonly RTCRtpEncodingParameters[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 160_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', maxBitrate: 1_700_000 },
];
const kScreenBitrate = 2_500_000;
const kAudioBitrate = 64_000;

function encodingsOf(source: TrackSource): RTCRtpEncodingParameters[] {
  switch (source) {
    case 'camera':
      return kCameraLayers.map((layer) => ({ ...layer }));
    case 'screen':
      return [{ maxBitrate: kScreenBitrate }];
    case 'microphone':
    case 'screen-audio':
      return [{ maxBitrate: kAudioBitrate }];
  }
}

export class RoomLink {
  readonly pc: RTCPeerConnection;
  private readonly options: RoomLinkOptions;
  private readonly publications = new Map<TrackSource, Publication>();
  /** An offer of ours is neither answered nor refused. */
  private offerOpen = false;
  /** It went, if it did, over a connection to the server that is no more. */
  private offerLost = false;
  private offersWanted = false;
  private closed = false;
  private work: Promise<void> = Promise.resolve();
  private resolveClosed: () => void = () => undefined;
  /** A closed RTCPeerConnection leaves its promises pending for ever (W3C WebRTC section 4.4.1.2): steps race this. */
  private readonly whenClosed = new Promise<void>((resolve) => {
    this.resolveClosed = resolve;
  });

  constructor(options: RoomLinkOptions) {
    this.options = options;
    this.pc = options.env.createPeerConnection({ bundlePolicy: 'max-bundle', ...options.configuration });
    this.pc.onicecandidate = (event): void => {
      if (event.candidate && event.candidate.candidate !== '') options.output.candidate(event.candidate.toJSON());
    };
    this.pc.onconnectionstatechange = (): void => {
      if (!this.closed) options.onState(this.pc.connectionState);
    };
    this.pc.onnegotiationneeded = (): void => this.offerLater();
  }

  get state(): RTCPeerConnectionState {
    return this.closed ? 'closed' : this.pc.connectionState;
  }

  // ---- what is sent -----------------------------------------------------------------------------------------------

  /**
   * Sends a track as that source. null: nothing for now; the section stays, so that going on costs no negotiation.
   * `muted`: what others are told.
   */
  publish(source: TrackSource, track: MediaStreamTrack | null, muted: boolean): void {
    if (this.closed) return;
    let publication = this.publications.get(source);
    if (!publication) {
      if (!track) return;
      const { guard } = this.options;
      const init: RTCRtpTransceiverInit = { direction: 'sendonly', sendEncodings: encodingsOf(source) };
      const transceiver = guard ? this.pc.addTransceiver(track.kind, init) : this.pc.addTransceiver(track, init);
      publication = { transceiver, source, track, carried: guard ? null : track, muted, told: '' };
      this.publications.set(source, publication);
      guard?.protectSender(transceiver);
      this.apply(publication);
      return;
    }
    const { transceiver } = publication;
    publication.muted = muted;
    if (track && transceiver.direction !== 'sendonly') {
      transceiver.direction = 'sendonly';
      this.activate(transceiver.sender); // what was switched off, was so for the former track
    }
    publication.track = track;
    this.apply(publication);
    this.announce(publication);
  }

  /** The guard lets tracks pass now. */
  carry(): void {
    for (const publication of this.publications.values()) this.apply(publication);
  }

  private apply(publication: Publication): void {
    const carried = (this.options.guard?.mayCarry ?? true) ? publication.track : null;
    if (this.closed || publication.carried === carried) return;
    publication.carried = carried;
    this.enqueue(() => publication.transceiver.sender.replaceTrack(carried));
  }

  /** Ends the track for the others as well. Its section waits for the next of that source. */
  unpublish(source: TrackSource): void {
    const publication = this.publications.get(source);
    if (this.closed || !publication || publication.transceiver.direction === 'inactive') return;
    const { transceiver } = publication;
    publication.track = null;
    publication.told = '';
    transceiver.direction = 'inactive';
    this.apply(publication);
  }

  /** Switches layers that nobody watches off, and on again. */
  setLayers(mid: string, active: ReadonlyMap<string, boolean>): void {
    const sender = this.pc.getTransceivers().find((transceiver) => transceiver.mid === mid)?.sender;
    // Without simulcast there is one layer, which has no rid.
    if (sender) this.activate(sender, (rid) => (rid === undefined ? [...active.values()].some(Boolean) : active.get(rid)));
  }

  private activate(sender: RTCRtpSender, isActive: (rid: string | undefined) => boolean | undefined = () => true): void {
    this.enqueue(async () => {
      const parameters = sender.getParameters();
      let changed = false;
      for (const encoding of parameters.encodings) {
        const wanted = isActive(encoding.rid);
        if (wanted === undefined || (encoding.active ?? true) === wanted) continue;
        encoding.active = wanted;
        changed = true;
      }
      if (changed) await sender.setParameters(parameters).catch(() => undefined); // then it goes on sending too much
    });
  }

  /** The sections of what others send. */
  get receiving(): readonly RTCRtpTransceiver[] {
    const own = new Set([...this.publications.values()].map(({ transceiver }) => transceiver));
    return this.pc.getTransceivers().filter((transceiver) => !own.has(transceiver));
  }

  /** What arrives in that m-section now. */
  receiverOf(mid: string): MediaStreamTrack | null {
    const transceiver = this.pc.getTransceivers().find((each) => each.mid === mid);
    const direction = transceiver?.currentDirection;
    return transceiver && (direction === 'recvonly' || direction === 'sendrecv') ? transceiver.receiver.track : null;
  }

  // ---- negotiation ------------------------------------------------------------------------------------------------

  restartIce(): void {
    // Before any description there is nothing to restart; Chromium would offer no section at all, and fail for ever.
    if (this.closed || (!this.pc.localDescription && !this.pc.remoteDescription)) return;
    this.pc.restartIce(); // negotiationneeded follows
  }

  /** A new connection to the server, which knows us: what the old one may have lost is said again. */
  resume(): void {
    this.offerLost = this.offerOpen;
    for (const publication of this.publications.values()) publication.told = '';
    this.enqueue(() => {
      const sdp = this.pc.localDescription?.sdp;
      for (const publication of this.publications.values()) this.announce(publication);
      if (this.offerOpen && this.offerLost && sdp) this.options.output.offer(sdp);
      this.offerLost = false;
      return Promise.resolve();
    });
  }

  takeOffer(sdp: string): void {
    this.enqueue(async () => {
      // As ours has told the server: it answers ours, and offers again what is then still to be offered. An offer that comes
      // while ours is being made waits here for its turn, and finds it open.
      if (this.offerOpen) return;
      await this.pc.setRemoteDescription({ type: 'offer', sdp });
      for (const transceiver of this.receiving) this.options.guard?.protectReceiver(transceiver);
      await this.pc.setLocalDescription();
      const answer = this.pc.localDescription?.sdp;
      if (this.closed || !answer) return;
      this.options.output.answer(answer);
      this.options.onReceivers();
    });
  }

  takeAnswer(sdp: string): void {
    this.enqueue(async () => {
      if (this.pc.signalingState !== 'have-local-offer') return;
      this.offerOpen = false;
      await this.pc.setRemoteDescription({ type: 'answer', sdp });
      this.options.onReceivers();
      if (this.offersWanted) this.offerLater();
    });
  }

  /** The server could not use a description. If that was about an offer of ours, the next one of the server's rolls it back. */
  takeRefusal(onOffer: () => void): void {
    if (!this.offerOpen) return; // of an answer: the server offers again
    this.enqueue(() => {
      if (this.offerOpen) {
        this.offerOpen = false;
        onOffer();
      }
      return Promise.resolve();
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.pc.onicecandidate = this.pc.onconnectionstatechange = this.pc.onnegotiationneeded = null;
    this.pc.close();
    this.resolveClosed();
  }

  // ---- steps ------------------------------------------------------------------------------------------------------

  /** Steps go one after another, so that none sees the connection in the middle of another one. */
  private enqueue(step: () => Promise<void>): void {
    this.work = this.work.then(async () => {
      if (this.closed) return;
      try {
        await Promise.race([step(), this.whenClosed]);
      } catch (error) {
        if (!this.closed) this.options.onFailure(error);
      }
    });
  }

  private offerLater(): void {
    this.enqueue(async () => {
      // Until the open offer is answered the next one waits.
      this.offersWanted = this.pc.signalingState !== 'stable';
      if (this.offersWanted) return;
      await this.pc.setLocalDescription();
      const description = this.pc.localDescription;
      if (this.closed || description?.type !== 'offer') return;
      // Ahead of the offer, so that nobody takes a screen for a camera.
      for (const publication of this.publications.values()) {
        publication.told = '';
        this.announce(publication);
      }
      this.offerOpen = true;
      this.options.output.offer(description.sdp);
    });
  }

  private announce(publication: Publication): void {
    const { transceiver, source, muted } = publication;
    const told = `${transceiver.mid ?? ''} ${String(muted)}`;
    if (transceiver.mid === null || transceiver.direction === 'inactive' || publication.told === told) return;
    publication.told = told;
    this.options.output.announce({ mid: transceiver.mid, source, muted });
  }
}
