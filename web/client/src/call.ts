// One call from its first offer to its end: the state machine, and the media connection it drives.
import type { CallHost, SavedCall } from './call-host.js';
import { CallEncryption, kNotEncrypted } from './e2e/call-encryption.js';
import { canFollow, endState, hasMedia, isOver } from './call-state.js';
import { Emitter } from './emitter.js';
import type { TimerId } from './environment.js';
import { CallError } from './errors.js';
import { LocalSources } from './local-media.js';
import { candidatesPayload, PeerLink, type LinkMedia, type RemoteOffer } from './peer-link.js';
import { warn } from './media-errors.js';
import { asMembers, asText, compareBytes, parseCandidates, parseMedia, parseReason, parseSdp, type Members, type WireErrorCode } from './protocol.js';
import { measure, statsOf, type QualitySample } from './quality.js';
import { Recovery } from './recovery.js';
import { RemoteTracks } from './remote-media.js';
import { offersToSend } from './sdp.js';
import type {
  AcceptOptions,
  Call,
  CallDirection,
  CallEnd,
  CallEndReason,
  CallEvents,
  CallQuality,
  CallSnapshot,
  CallState,
  CallWarning,
  EncryptionChoice,
  EncryptionState,
  FrameCounts,
  HangupOptions,
  LocalMedia,
  MediaChoice,
  RemoteMedia,
  ScreenShareOptions,
  Unsubscribe,
} from './types.js';

const kSampleMs = 2_000;
/** The first sample comes sooner: it has no rates, but the second one has. */
const kFirstSampleMs = 500;
/** An offer that the server neither takes nor refuses in this time was lost. */
const kAcknowledgeMs = 15_000;
/** The server ends unanswered calls; this is for servers that don't. */
const kRingSlackMs = 5_000;
const kCandidatesMax = 256;
const kMessageCharsMax = 500;
/** The other side learns that it was no hangup. */
const kFailed = { reason: 'failed' };

type Fields = Pick<
  CallSnapshot,
  'callId' | 'peerConnected' | 'ringingDevices' | 'quality' | 'answeredAt' | 'activeAt' | 'endedAt' | 'end'
>;

interface Offer extends RemoteOffer {
  readonly fresh: boolean;
}

export interface CallSessionOptions {
  readonly localId: string;
  readonly peerUserId: string;
  readonly direction: CallDirection;
  readonly callId: string | null;
  readonly offeredVideo: boolean;
  readonly extra: Readonly<Record<string, unknown>>;
  /** Of an outgoing call, or one that is come back to. */
  readonly e2e: EncryptionChoice | null;
  readonly resumed?: SavedCall | null;
}

export class CallSession implements Call {
  readonly localId: string;
  readonly peerUserId: string;
  readonly direction: CallDirection;
  readonly resumed: boolean;
  readonly offeredVideo: boolean;
  readonly extra: Readonly<Record<string, unknown>>;

  private readonly host: CallHost;
  private readonly events = new Emitter<CallEvents>();
  private readonly sources: LocalSources;
  private readonly remoteTracks: RemoteTracks;
  private readonly recovery: Recovery;
  private readonly startedAt: number;
  private fields: Fields;
  private current: CallState = 'idle';
  private cached: CallSnapshot | null = null;

  private e2e: EncryptionChoice | null;
  /** null: not asked for, or not begun. */
  private guarded: CallEncryption | null = null;
  /** What the caller of an incoming call says of its key, until it is accepted. */
  private offeredWords: unknown = undefined;
  private toldWords = '';
  private link: PeerLink | null = null;
  private links = 0;
  private configuration: RTCConfiguration = {};
  /** Of an incoming call that is not accepted yet. */
  private offer: Offer | null = null;
  private early: (RTCIceCandidateInit | null)[] = [];
  /** The other side runs this SDK, and reads what is beside the contract. */
  private peerKnowsSdk = false;
  private toldMedia = '';
  /** How the first offer, or the answer, went out. */
  private opening: 'not-sent' | 'queued' | 'sent' = 'not-sent';
  private deadline: TimerId | null = null;
  private sampler: TimerId | null = null;
  private lastSample: QualitySample | null = null;

  constructor(host: CallHost, options: CallSessionOptions) {
    this.host = host;
    this.localId = options.localId;
    this.peerUserId = options.peerUserId;
    this.direction = options.direction;
    this.offeredVideo = options.offeredVideo;
    this.extra = options.extra;
    this.e2e = options.e2e;
    this.resumed = options.resumed != null;
    this.startedAt = options.resumed?.startedAt ?? host.env.now();
    this.fields = {
      callId: options.callId,
      peerConnected: true,
      ringingDevices: 0,
      quality: null,
      answeredAt: options.resumed?.answeredAt ?? null,
      activeAt: null,
      endedAt: null,
      end: null,
    };
    this.sources = new LocalSources({
      env: host.env,
      choices: () => host.choices(),
      cameraIds: () => host.cameraIds(),
      onChange: () => this.onLocalChange(),
      onWarning: (warning) => this.events.emit('warning', warning),
    });
    this.remoteTracks = new RemoteTracks(host.env.createMediaStream(), () => this.onRemoteChange());
    this.recovery = new Recovery({
      env: host.env,
      leads: options.direction === 'outgoing',
      worked: () => this.fields.activeAt !== null || this.resumed,
      canTry: () => host.isOnline && this.fields.peerConnected,
      restart: () => this.link?.restartIce(),
      rebuild: () => this.rebuild(),
      giveUp: () => this.finish('failed', 'local', 'The media connection could not be set up', kFailed),
    });
  }

  // ---- what it looks like -----------------------------------------------------------------------------------------

  get callId(): string | null {
    return this.fields.callId;
  }
  get state(): CallState {
    return this.current;
  }
  get isOver(): boolean {
    return isOver(this.current);
  }
  get end(): CallEnd | null {
    return this.fields.end;
  }
  get local(): LocalMedia {
    return this.snapshot.local;
  }
  get offeredEncryption(): boolean {
    return this.direction === 'incoming' ? this.offeredWords !== undefined : this.e2e !== null;
  }
  get encryption(): EncryptionState {
    return this.guarded?.state ?? kNotEncrypted;
  }
  get remote(): RemoteMedia {
    return this.snapshot.remote;
  }
  get quality(): CallQuality | null {
    return this.fields.quality;
  }
  get localStream(): MediaStream {
    return this.sources.stream;
  }
  get remoteStream(): MediaStream {
    return this.remoteTracks.stream;
  }
  get snapshot(): CallSnapshot {
    this.cached ??= {
      ...this.fields,
      state: this.current,
      startedAt: this.startedAt,
      local: this.sources.state,
      remote: this.remoteTracks.state,
      encryption: this.encryption,
    };
    return this.cached;
  }

  on<Name extends keyof CallEvents>(event: Name, listener: (value: CallEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof CallEvents>(event: Name, listener: (value: CallEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  // ---- what the application asks for ------------------------------------------------------------------------------

  async accept(media: AcceptOptions = {}): Promise<void> {
    if (this.direction !== 'incoming' || this.current !== 'ringing') {
      throw new CallError('bad-state', `A call that is ${this.current} cannot be accepted`);
    }
    this.e2e = media.e2e ?? (this.offeredEncryption ? true : null);
    this.moveTo('accepting');
    this.armDeadline(null);
    await this.prepare(media);
    if (this.isOver || this.link || !this.offer) return;
    const link = this.makeLink();
    link.takeCandidates(this.early.splice(0));
    await link.takeOffer(this.offer, this.linkMedia());
    this.offer = null;
    if (!this.isOver && this.isCurrent(link) && !link.isAnswered) this.finish('failed', 'local', 'The offer could not be taken', kFailed);
  }

  decline(options: HangupOptions = {}): void {
    if (this.direction !== 'incoming' || this.current !== 'ringing') {
      throw new CallError('bad-state', `A call that is ${this.current} cannot be declined`);
    }
    this.finish('declined', 'local', null, farewell(options));
  }

  hangup(options: HangupOptions = {}): void {
    if (this.isOver) return;
    if (this.direction === 'incoming' && this.current === 'ringing') {
      this.decline(options);
      return;
    }
    const reason = this.fields.answeredAt === null && this.direction === 'outgoing' ? 'canceled' : 'hangup';
    this.finish(reason, 'local', null, farewell(options));
  }

  setMuted(muted: boolean): void {
    if (!this.isOver) this.sources.speak(!muted);
  }
  toggleMuted(): void {
    this.setMuted(!this.sources.isSilent);
  }

  async setCamera(on: boolean): Promise<boolean> {
    if (this.isOver) return false;
    if (on) return this.sources.openCamera();
    await this.sources.closeCamera();
    return false;
  }
  async setMicrophoneDevice(deviceId: string): Promise<boolean> {
    return !this.isOver && this.sources.useMicrophone(deviceId);
  }
  async setCameraDevice(deviceId: string): Promise<boolean> {
    return !this.isOver && this.sources.useCamera(deviceId);
  }
  async flipCamera(): Promise<boolean> {
    return !this.isOver && this.sources.flipCamera();
  }
  async startScreenShare(options: ScreenShareOptions = {}): Promise<boolean> {
    return !this.isOver && this.sources.shareScreen(options);
  }
  async stopScreenShare(): Promise<void> {
    this.sources.stopScreen();
  }

  restartIce(): void {
    if (!hasMedia(this.current)) return;
    if (this.recovery.isMending) this.recovery.begin('now');
    else this.link?.restartIce();
  }
  async getStats(): Promise<RTCStatsReport | null> {
    return this.link && !this.isOver ? this.link.pc.getStats() : null;
  }
  async frameCounts(): Promise<FrameCounts | null> {
    return this.guarded ? this.guarded.counts() : null;
  }

  // ---- beginnings (called by CallClient) --------------------------------------------------------------------------

  dial(media: MediaChoice): void {
    this.moveTo('initiating');
    void this.prepare(media).then(() => {
      // The other side may have called us meanwhile: then its offer made the link.
      if (!this.isOver && !this.link) this.makeLink().begin(this.linkMedia());
    });
  }

  ring(payload: Members): void {
    this.learn(payload, 'offer');
    this.offer = readOffer(payload);
    this.moveTo('ringing');
    this.armDeadline(this.host.ringTimeoutMs + kRingSlackMs);
  }

  /** The page was loaded anew in the middle of the call. */
  comeBack(saved: SavedCall): void {
    this.moveTo('reconnecting');
    this.recovery.begin('connect');
    this.opening = 'sent';
    this.sources.setMuted(saved.muted);
    void this.prepare({ audio: saved.audio, video: saved.video }).then(() => {
      if (this.isOver || this.link) return;
      const link = this.makeLink();
      link.isComeback = true;
      link.begin(this.linkMedia());
    });
  }

  /** Opens the devices, and meanwhile gets whatever else the link needs. */
  private async prepare(media: MediaChoice): Promise<void> {
    const devices = this.sources.open(media);
    const [configuration, granted] = await Promise.all([
      this.host.configuration(),
      this.host.opensWithoutAsking(media),
      this.host.settled(),
      this.encrypt(),
    ]);
    this.configuration = { ...configuration.value, ...this.guarded?.configuration };
    if (configuration.warning && !this.isOver) this.events.emit('warning', configuration.warning);
    // A prompt is waited for: nobody should be rung, or answered, by someone who may not let the microphone be used.
    // Also, browsers hide local addresses from pages that have no permission yet.
    if (!granted) await devices;
  }

  // ---- messages of the server (called by CallClient) --------------------------------------------------------------

  onStarted(callId: string): void {
    this.set({ callId });
    if (this.current === 'initiating') this.armDeadline(this.host.ringTimeoutMs + kRingSlackMs);
    this.save();
  }

  onRinging(devices: number): void {
    if (this.current === 'initiating' && devices > 0) this.moveTo('ringing');
    this.set({ ringingDevices: devices });
  }

  onOffer(payload: Members): void {
    const offer = readOffer(payload);
    if (!offer || this.isOver) return;
    if (this.guarded && !this.guarded.words) {
      // An answer without words would be one without encryption.
      void this.guarded.ready.then(() => this.onOffer(payload), () => undefined);
      return;
    }
    this.learn(payload, 'offer');
    if (this.isOver) return;
    if (!this.link && this.resumed) {
      if (!offer.fresh) return; // meant for the page before this one
    } else if (!this.link && this.direction === 'incoming') {
      this.offer = offer; // not accepted yet: the newest offer counts
      return;
    }
    switch (this.link?.judge(offer) ?? 'needs-new-link') {
      case 'ignored':
        return;
      case 'taken':
        void this.link?.takeOffer(offer, this.linkMedia());
        return;
      case 'needs-new-link':
        void this.makeLink().takeOffer(offer, this.linkMedia());
        if (this.current === 'active') {
          this.moveTo('reconnecting');
          this.recovery.begin('connect');
        }
    }
  }

  onAnswer(payload: Members, early: boolean): void {
    const sdp = parseSdp(payload);
    const to = asText(asMembers(payload['zvonok'])['to']);
    // Without a name it can't be told from the answer to an offer of the page that was reloaded.
    if (sdp === null || this.isOver || (early && this.resumed && to === null)) return;
    this.learn(payload, 'answer');
    if (this.isOver) return;
    if (this.link?.takeAnswer(sdp, to)) this.onAnswered();
  }

  onIce(payload: Members): void {
    this.learn(payload, 'other');
    const candidates = parseCandidates(payload);
    if (this.link) this.link.takeCandidates(candidates);
    else if (this.early.length < kCandidatesMax) this.early.push(...candidates);
  }

  onHangup(payload: Members): void {
    const reason = parseReason(payload['reason']);
    const own = asText(payload['reason']);
    const message = asText(payload['message']) ?? (own !== null && own !== reason ? own : null);
    const bySide = reason === 'hangup' || reason === 'declined' || reason === 'canceled' || reason === 'failed';
    // What rings here and is declined was declined by another device of ours.
    const elsewhere = reason === 'declined' && this.direction === 'incoming';
    this.finish(reason, bySide && !elsewhere ? 'remote' : 'server', message, null);
  }

  /** The server refused something. Says whether it should be asked what it knows of this call. */
  onError(code: WireErrorCode, message: string): 'done' | 'ask' {
    if (this.current === 'initiating' && this.fields.callId === null) {
      // Without a call yet only the offer can have been refused; not-in-call is about candidates of earlier ones.
      if (this.opening === 'sent' && code !== 'not-in-call') this.finish(code, 'server', message, null);
      return 'done';
    }
    return code === 'not-in-call' || code === 'busy' ? 'ask' : 'done';
  }

  onPeer(connected: boolean): void {
    this.set({ peerConnected: connected });
    if (connected) this.recovery.poke();
  }

  /** Connected to the server again, which has this very call. `answered`: as far as the server knows. */
  onReconnected(callId: string | null, answered: boolean): void {
    if (callId !== null) this.set({ callId });
    if (this.isOver || this.opening !== 'sent') return; // what waits in the queue leaves now
    if (!this.link) return;
    if (!answered && this.link.isAnswered) this.link.resendAnswer();
    this.link.resend();
    this.tellKey(true);
    this.onNetworkBack();
  }

  /** Connected again, and the server knows nothing of the offer: it was lost on the way. */
  get offerWasLost(): boolean {
    return this.current === 'initiating' && this.fields.callId === null;
  }
  repeatOffer(): void {
    if (this.opening === 'sent') this.link?.resend();
  }

  onNetworkBack(): void {
    if (!hasMedia(this.current)) return;
    this.recovery.poke();
    if (this.link?.state !== 'connected') this.recovery.begin('hard');
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  private isCurrent(link: PeerLink): boolean {
    return this.link === link;
  }

  private makeLink(): PeerLink {
    this.link?.close();
    this.links += 1;
    this.lastSample = null;
    const link: PeerLink = new PeerLink({
      env: this.host.env,
      configuration: this.configuration,
      polite: compareBytes(this.host.selfId, this.peerUserId) > 0,
      name: `${this.localId}-${this.links}`,
      localStream: this.sources.stream,
      protect: this.guarded ? (transceiver) => this.guarded?.protect(transceiver) : undefined,
      mayCarry: () => this.guarded?.mayCarry ?? true,
      output: {
        offer: (sdp, { id, fresh }) => this.sendOffer(sdp, id, fresh),
        answer: (sdp, { to }) => this.sendAnswer(sdp, to),
        candidates: (list) => this.host.send(this, 'call:ice', candidatesPayload(list)),
      },
      onTrack: (track) => {
        if (this.link === link) this.remoteTracks.add(track);
      },
      onState: (state) => {
        if (this.link === link) this.onLinkState(state);
      },
      onFailure: (error) => {
        if (this.link === link) this.onLinkFailure(error);
      },
    });
    if (this.peerKnowsSdk) link.allowBatches();
    this.link = link;
    this.remoteTracks.clear();
    return link;
  }

  /** Restarts did not help: begin anew, as a reloaded page would. */
  private rebuild(): void {
    const link = this.makeLink();
    link.isComeback = true;
    link.begin(this.linkMedia());
  }

  private onLinkState(state: RTCPeerConnectionState): void {
    if (state === 'connected') {
      this.recovery.settled();
      if (canFollow(this.current, 'active')) {
        this.moveTo('active');
        if (this.fields.activeAt === null) this.set({ activeAt: this.host.env.now() });
        this.sampleAfter(kFirstSampleMs);
      }
    } else if ((state === 'disconnected' || state === 'failed') && hasMedia(this.current)) {
      if (this.current === 'active' || state === 'failed') this.moveTo('reconnecting');
      this.recovery.begin(state === 'failed' ? 'hard' : 'soft');
    }
  }

  private onLinkFailure(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (hasMedia(this.current)) this.recovery.begin('hard');
    else this.finish('failed', 'local', message, kFailed);
  }

  private linkMedia(): LinkMedia {
    return {
      audioTrack: this.sources.audioTrack,
      videoTrack: this.sources.videoTrack,
      sendAudio: this.sources.wantsAudio,
      sendVideo: this.sources.wantsVideo,
    };
  }

  private sendOffer(sdp: string, id: string, fresh: boolean): void {
    const payload = { ...this.extra, userId: this.peerUserId, sdp, zvonok: { v: 1, id, fresh, media: this.wireMedia(), ...this.wireWords() } };
    const outcome = this.host.send(this, 'call:offer', payload);
    if (this.opening === 'not-sent') {
      if (outcome === 'refused') {
        this.finish('unavailable', 'local', 'Too much waits for the connection', null);
        return;
      }
      this.armDeadline(kAcknowledgeMs);
    }
    this.opening = outcome === 'queued' ? 'queued' : 'sent';
  }

  private sendAnswer(sdp: string, to: string | null): void {
    const payload = { sdp, zvonok: { v: 1, ...(to === null ? {} : { to }), media: this.wireMedia(), ...this.wireWords() } };
    const outcome = this.host.send(this, 'call:answer', payload);
    this.opening = outcome === 'queued' ? 'queued' : 'sent';
    this.onAnswered();
  }

  /** The queue has been sent. */
  onFlushed(): void {
    if (this.opening === 'queued') this.opening = 'sent';
  }

  private onAnswered(): void {
    if (!canFollow(this.current, 'connecting')) return;
    this.set({ answeredAt: this.host.env.now() });
    this.armDeadline(null);
    this.moveTo('connecting');
    this.recovery.begin('connect');
    this.save();
    this.guarded?.awaitKeys();
    if (this.guarded?.showsKey) this.tellKey(false);
    // Two pages of one machine can be connected by now.
    if (this.link) this.onLinkState(this.link.state);
  }

  // ---- media ------------------------------------------------------------------------------------------------------

  private onLocalChange(): void {
    if (this.isOver) return;
    this.link?.setMedia(this.linkMedia());
    this.tellMedia();
    this.changed();
    this.events.emit('local', this.sources.state);
    this.save();
  }

  private wireMedia(): Members {
    const { audio, muted, video, screen } = this.sources.state;
    // What is being opened counts as there: it will be in a moment, and its absence is told as well.
    const media = { audio: audio || this.sources.wantsAudio, muted, video: video || this.sources.wantsVideo, screen };
    this.toldMedia = JSON.stringify(media);
    return media;
  }

  /** Candidates, descriptions and this travel the same way, so nobody sees a state from before the one it has. */
  private tellMedia(): void {
    if (!this.peerKnowsSdk || !hasMedia(this.current)) return;
    const before = this.toldMedia;
    const media = this.wireMedia();
    if (this.toldMedia !== before) this.host.send(this, 'call:ice', { zvonok: { v: 1, media } });
  }

  /** What the other side's messages say beside the contract. */
  private learn(payload: Members, from: 'offer' | 'answer' | 'other'): void {
    const own = asMembers(payload['zvonok']);
    if (this.guarded) this.guarded.hear(own['e2e'], from);
    else if (from === 'offer' || own['e2e'] !== undefined) this.offeredWords = own['e2e'];
    if (typeof own['v'] === 'number' && !this.peerKnowsSdk) {
      this.peerKnowsSdk = true;
      this.link?.allowBatches();
    }
    this.link?.setLowersDirections(!this.peerKnowsSdk);
    const media = parseMedia(own['media']);
    if (media) this.remoteTracks.tell(media);
  }

  private onRemoteChange(): void {
    if (this.isOver) return;
    this.changed();
    this.events.emit('remote', this.remoteTracks.state);
  }

  private sampleAfter(ms: number): void {
    if (this.sampler !== null) this.host.env.clearTimeout(this.sampler);
    this.sampler = this.host.env.setTimeout(() => {
      this.sampler = null;
      void this.sample();
    }, ms);
  }

  private async sample(): Promise<void> {
    const link = this.link;
    if (!link || this.current !== 'active') return;
    try {
      const stats = statsOf(await link.pc.getStats());
      if (this.link !== link || this.current !== 'active') return;
      const { quality, sample } = measure(stats, this.lastSample, this.host.env.now());
      this.lastSample = sample;
      this.set({ quality });
      this.events.emit('quality', quality);
    } catch {
      // The connection was closed in between, or this browser has no such report: the call does not need it.
    }
    if (this.current === 'active') this.sampleAfter(kSampleMs);
  }

  // ---- end-to-end encryption --------------------------------------------------------------------------------------

  /** Begins it, when it is asked for: before there is a connection whose media it has to guard. */
  private async encrypt(): Promise<void> {
    if (this.e2e === null || this.guarded || this.isOver) return;
    const guarded = new CallEncryption({
      env: this.host.env,
      selfId: this.host.selfId,
      peerId: this.peerUserId,
      choice: this.e2e,
      onWords: (again) => this.tellKey(again),
      onChange: () => {
        this.changed();
        this.events.emit('encryption', guarded.state);
      },
      onCarry: () => {
        if (guarded.mayCarry && !this.isOver) this.link?.setMedia(this.linkMedia());
      },
      onProblem: (problem, message) => this.finish('failed', 'local', message, { ...kFailed, message: `e2e: ${problem}` }),
    });
    this.guarded = guarded;
    if (!(await guarded.start()) || this.isOver) return;
    if (this.direction === 'incoming' && !this.resumed) guarded.hear(this.offeredWords, 'offer');
  }

  private wireWords(): Members {
    const words = this.guarded?.words;
    if (!words) return {};
    this.toldWords = JSON.stringify(words);
    return { e2e: words };
  }

  /** Says what is to be said of the key, unless the offer or the answer is still to come: it will be in there. */
  private tellKey(again: boolean): void {
    if (!hasMedia(this.current) || !this.guarded) return;
    if (again || JSON.stringify(this.guarded.words) !== this.toldWords) {
      this.host.send(this, 'call:ice', { zvonok: { v: 1, ...this.wireWords() } });
    }
  }

  // ---- state ------------------------------------------------------------------------------------------------------

  private moveTo(state: CallState): void {
    if (this.current === state || !canFollow(this.current, state)) return;
    const previous = this.current;
    this.current = state;
    this.changed();
    this.events.emit('state', { state, previous });
  }

  private set(fields: Partial<Fields>): void {
    const names = Object.keys(fields) as (keyof Fields)[];
    if (names.every((name) => this.fields[name] === fields[name])) return;
    this.fields = { ...this.fields, ...fields };
    this.changed();
  }

  private changed(): void {
    this.cached = null;
    if (this.events.count('change') > 0) this.events.emit('change', this.snapshot);
  }

  private armDeadline(ms: number | null): void {
    if (this.deadline !== null) this.host.env.clearTimeout(this.deadline);
    this.deadline = null;
    if (ms === null) return;
    this.deadline = this.host.env.setTimeout(() => {
      this.deadline = null;
      const lost = this.current === 'initiating' && this.fields.callId === null && this.direction === 'outgoing';
      this.finish(lost ? 'unavailable' : 'no-answer', 'local', null, this.direction === 'outgoing' ? {} : null);
    }, ms);
  }

  private save(): void {
    const { callId, answeredAt } = this.fields;
    if (this.isOver || callId === null || (answeredAt === null && this.direction === 'incoming')) return;
    this.host.save({
      callId,
      peerUserId: this.peerUserId,
      direction: this.direction,
      offeredVideo: this.offeredVideo,
      muted: this.sources.state.muted,
      audio: this.sources.wantsAudio,
      video: this.sources.wantsCamera,
      e2e: this.e2e === null ? undefined : this.e2e === true || this.e2e.secret === undefined ? 'on' : 'with-secret',
      startedAt: this.startedAt,
      answeredAt,
    });
  }

  /** `tell`: what a hangup to the other side carries; null: it knows. */
  finish(reason: CallEndReason, by: CallEnd['by'], message: string | null, tell: Members | null): void {
    if (this.isOver) return;
    this.armDeadline(null);
    if (this.sampler !== null) this.host.env.clearTimeout(this.sampler);
    this.sampler = null;
    this.recovery.stop();
    const end: CallEnd = { reason, by, message };
    this.fields = { ...this.fields, end, endedAt: this.host.env.now() };
    const saidAnything = this.opening !== 'not-sent' || this.direction === 'incoming';
    this.moveTo(endState(reason));
    this.sources.close();
    this.remoteTracks.clear();
    this.link?.close();
    this.link = null;
    this.guarded?.stop();
    this.early = [];
    this.offer = null;
    this.changed();
    this.host.onEnd(this, end, saidAnything ? tell : null);
    this.events.emit('end', end);
  }

  /** Nothing of this call has left this device yet. */
  get isUnsent(): boolean {
    return this.direction === 'outgoing' && this.opening !== 'sent';
  }

  /** Whether the server may have a call by this offer without having said so. */
  get isUnacknowledged(): boolean {
    return this.direction === 'outgoing' && this.fields.callId === null && this.opening === 'sent';
  }
}

function readOffer(payload: Members): Offer | null {
  const sdp = parseSdp(payload);
  if (sdp === null) return null;
  const own = asMembers(payload['zvonok']);
  return { sdp, id: asText(own['id']), fresh: own['fresh'] === true };
}

/** Whether the caller of an offer shows itself. */
export function offersVideo(payload: Members): boolean {
  const media = parseMedia(asMembers(payload['zvonok'])['media']);
  return media ? media.video : offersToSend(parseSdp(payload) ?? '', 'video');
}

function farewell(options: HangupOptions): Members {
  return options.message === undefined ? {} : { message: options.message.slice(0, kMessageCharsMax) };
}

export function iceServersWarning(cause: unknown): CallWarning {
  return warn('ice-servers-unavailable', 'The list of STUN and TURN servers could not be had', cause);
}
