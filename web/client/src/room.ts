// One stay in one room, from joinRoom() to its end: the socket, the connection, the own tracks and who else is there.
import type { ZvonokApi } from './api.js';
import { kRoomNotEncrypted, RoomEncryption } from './e2e/index.js';
import { makeKeyPair, type KeyPair } from './e2e/key-schedule.js';
import { Emitter } from './emitter.js';
import type { Environment, TimerId } from './environment.js';
import { LocalSources } from './local-media.js';
import { asText, type Members } from './protocol.js';
import { measure, statsOf, type QualitySample } from './quality.js';
import { Recovery } from './recovery.js';
import { RoomLink } from './room-link.js';
import {
  parseConnectionState,
  parseJoined,
  parseLayers,
  parseParticipant,
  parsePhoneStatus,
  parseRole,
  parseServerQuality,
  parseSpeakers,
  parseTrack,
  type RoomMessage,
} from './room-protocol.js';
import { RoomPhones } from './room-phones.js';
import { scoreParticipants, type ArrivalSample } from './room-quality.js';
import { RoomRoster } from './room-roster.js';
import { RoomSocket } from './room-socket.js';
import { RoomViews } from './room-views.js';
import type {
  Room,
  RoomEnd,
  RoomEndReason,
  RoomEvents,
  RoomKind,
  RoomOptions,
  RoomParticipant,
  RoomRefusal,
  RoomRole,
  RoomSnapshot,
  RoomState,
  RoomView,
} from './room-types.js';
import type {
  CallWarning,
  DeviceChoices,
  FrameCounts,
  LocalMedia,
  RoomEncryptionState,
  ScreenShareOptions,
  Unsubscribe,
} from './types.js';

export interface RoomHost {
  readonly env: Environment;
  readonly api: ZvonokApi;
  readonly auth: 'ticket' | 'token';
  choices(): DeviceChoices;
  cameraIds(): readonly string[];
  configuration(iceServers: RTCIceServer[]): RTCConfiguration;
  onEnd(room: RoomSession): void;
}

/** From the open socket to `joined`. */
const kJoinMs = 10_000;
/** For how long coming in, and coming back, is tried. */
const kGiveUpJoiningMs = 30_000;
const kGiveUpRejoiningMs = 120_000;
const kRefusedOffersMax = 2;
/** Descriptions that the browser itself does not take, in one stay, after each of which a new connection is made at once. */
const kFailedNegotiationsMax = 2;
const kSampleMs = 2_000;
const kFirstSampleMs = 500;

type Fields = Pick<
  RoomSnapshot,
  'end' | 'userId' | 'role' | 'locked' | 'phoneRole' | 'speakers' | 'quality' | 'serverQuality' | 'joinedAt'
>;

export class RoomSession implements Room {
  readonly kind: RoomKind;
  readonly roomId: string;
  readonly sessionId: string;

  private readonly host: RoomHost;
  private readonly options: RoomOptions;
  private readonly events = new Emitter<RoomEvents>();
  private readonly sources: LocalSources;
  private readonly roster: RoomRoster;
  private readonly views: RoomViews;
  private readonly socket: RoomSocket;
  private readonly phones: RoomPhones;
  private readonly recovery: Recovery;
  private readonly cleanups: Unsubscribe[];
  private link: RoomLink | null = null;
  /** Of this stay; null: this browser can't encrypt end to end, or is not to. */
  private identity: KeyPair | null = null;
  private encrypted: RoomEncryption | null = null;
  private current: RoomState = 'joining';
  private fields: Fields;
  private cached: RoomSnapshot | null = null;
  /** Whether the server counts us in on the present socket. */
  private inside = false;
  /** This media connection has worked; until then it is being set up. */
  private mediaWorked = false;
  private networkChanged = false;
  private refusedOffers = 0;
  private failedNegotiations = 0;
  private joinTimer: TimerId | null = null;
  private giveUpTimer: TimerId | null = null;
  private sampler: TimerId | null = null;
  private lastSample: QualitySample | null = null;
  private lastArrivals: ArrivalSample | null = null;

  constructor(host: RoomHost, options: RoomOptions, sessionId: string) {
    const { env } = host;
    this.host = host;
    this.options = options;
    this.kind = options.kind;
    this.roomId = options.id;
    this.sessionId = sessionId;
    this.fields = {
      end: null,
      userId: null,
      role: 'member',
      locked: false,
      phoneRole: null,
      speakers: [],
      quality: null,
      serverQuality: null,
      joinedAt: null,
    };
    this.sources = new LocalSources({
      env,
      screen: 'beside-camera',
      choices: () => host.choices(),
      cameraIds: () => host.cameraIds(),
      onChange: () => this.onLocalChange(),
      onWarning: (warning: CallWarning) => this.events.emit('warning', warning),
    });
    this.roster = new RoomRoster(() => env.createMediaStream());
    this.views = new RoomViews(env, (tracks) => this.inside && this.socket.send('view', tracks));
    this.socket = new RoomSocket({
      api: host.api,
      env,
      auth: host.auth,
      path: `/api/v1/${this.kind}/${this.roomId}/call`, // an id has no character that would need escaping
      roomId: this.roomId,
      sessionId,
      onOpen: () => this.join(),
      onMessage: (message) => this.onMessage(message),
      onLost: () => this.onLost(),
      onEnd: (reason, message) => this.finish(reason, message),
    });
    this.phones = new RoomPhones(env, (payload) => this.inside && this.socket.send('invite-phone', payload));
    this.recovery = new Recovery({
      env,
      leads: true,
      worked: () => this.mediaWorked,
      canTry: () => this.inside,
      restart: () => this.link?.restartIce(),
      rebuild: () => this.startOver(),
      giveUp: () => this.finish('failed', 'media could not get through'),
    });
    const changed = (): void => void (this.networkChanged = true);
    this.cleanups = [
      env.onPageEvent('online', changed),
      env.onPageEvent('network-change', changed),
      // A page that goes leaves; else its picture would stand still for the others until the server gives it up.
      env.onPageEvent('pagehide', () => this.finish('left', 'the page was closed')),
    ];
  }

  /** Begins: devices and socket at the same time. */
  start(): void {
    this.sources.setMuted(this.options.muted === true);
    void this.sources.adopt(this.options.stream ?? null, this.options);
    this.armGiveUp(kGiveUpJoiningMs);
    void this.prepare();
  }

  /** Whether this browser can encrypt is said when it joins. */
  private async prepare(): Promise<void> {
    const { e2e } = this.options;
    if (e2e !== false && this.host.env.canGuardMedia()) this.identity = await makeKeyPair().catch(() => null);
    if (this.isOver) return;
    if (this.wantsEncryption && !this.identity) {
      this.finish('encryption-unsupported', "this browser can't encrypt end to end");
      return;
    }
    this.socket.open();
  }

  private get wantsEncryption(): boolean {
    return this.options.e2e !== undefined && this.options.e2e !== false;
  }

  // ---- what it looks like -----------------------------------------------------------------------------------------

  get state(): RoomState {
    return this.current;
  }
  get isOver(): boolean {
    return this.current === 'ended';
  }
  get local(): LocalMedia {
    return this.snapshot.local;
  }
  get encryption(): RoomEncryptionState {
    return this.encrypted?.state ?? kRoomNotEncrypted;
  }
  get participants(): readonly RoomParticipant[] {
    return this.roster.list;
  }
  get localStream(): MediaStream {
    return this.sources.stream;
  }
  get screenStream(): MediaStream {
    return this.sources.screenStream;
  }
  get snapshot(): RoomSnapshot {
    this.cached ??= {
      ...this.fields,
      kind: this.kind,
      roomId: this.roomId,
      sessionId: this.sessionId,
      state: this.current,
      encryption: this.encryption,
      local: this.sources.state,
      speaking: this.fields.speakers.some((speaker) => speaker.sessionId === this.sessionId),
      participants: this.roster.list,
      media: this.link?.state ?? 'new',
    };
    return this.cached;
  }

  on<Name extends keyof RoomEvents>(event: Name, listener: (value: RoomEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof RoomEvents>(event: Name, listener: (value: RoomEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  // ---- what the application asks for ------------------------------------------------------------------------------

  leave(): void {
    this.finish('left', null);
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
  stopScreenShare(): void {
    this.sources.stopScreen();
  }

  view(trackId: string): RoomView {
    return this.views.open(trackId);
  }

  mute(sessionId: string, kind: 'audio' | 'video' = 'audio'): void {
    this.ask('mute', { sessionId, kind });
  }
  kick(sessionId: string): void {
    this.ask('kick', { sessionId });
  }
  lock(): void {
    this.ask('lock', null);
  }
  unlock(): void {
    this.ask('unlock', null);
  }
  async invitePhone(number: string, options: { readonly name?: string | undefined } = {}): Promise<string> {
    return this.phones.invite(number, options.name);
  }
  hangUpPhone(sessionId: string): void {
    this.ask('hang-up-phone', { sessionId });
  }
  setRole(sessionId: string, role: RoomRole): void {
    this.ask('role', { sessionId, role });
  }

  restartIce(): void {
    // Of a connection that works nothing would say that it is mended.
    if (this.link && this.recovery.isMending) this.recovery.begin('now');
    else this.link?.restartIce();
  }
  async getStats(): Promise<RTCStatsReport | null> {
    return this.link ? this.link.pc.getStats() : null;
  }
  async frameCounts(): Promise<FrameCounts | null> {
    return this.encrypted && !this.isOver ? this.encrypted.counts() : null;
  }

  /** Without a connection it can't be done, and later it may not be wished any more. */
  private ask(type: string, payload: Members | null): void {
    if (this.inside && this.socket.send(type, payload)) return;
    this.events.emit('refused', { code: 'unavailable', message: 'There is no connection to the server just now' });
  }

  // ---- in and out -------------------------------------------------------------------------------------------------

  private join(): void {
    const { name } = this.options;
    const e2e = this.wantsEncryption || this.encrypted ? 'required' : this.identity ? 'supported' : undefined;
    this.socket.send('join', { ...(name === undefined ? {} : { name }), ...(e2e === undefined ? {} : { e2e }) });
    this.joinTimer = this.rearm(this.joinTimer, kJoinMs, () => this.socket.lose());
  }

  private onJoined(payload: Members): void {
    const joined = parseJoined(payload);
    this.joinTimer = this.rearm(this.joinTimer, null);
    if (!this.agreesOn(joined.e2e)) return;
    if (joined.resumed && !this.link) {
      // The server holds a media connection that this side has no end of any more.
      this.startOver();
      return;
    }
    this.socket.settled();
    this.armGiveUp(null);
    this.inside = true;
    const firstTime = this.fields.joinedAt === null;
    const goesOn = joined.resumed && this.link !== null;
    const { came, gone } = this.roster.reset(joined.participants, joined.tracks, goesOn);
    this.fields = {
      ...this.fields,
      userId: joined.userId,
      role: joined.role,
      locked: joined.locked,
      phoneRole: joined.phoneRole,
      joinedAt: this.fields.joinedAt ?? this.host.env.now(),
    };
    this.encrypted?.enter(joined.userId, joined.participants, goesOn);
    if (goesOn) this.goOn();
    else this.makeLink(joined.iceServers);
    this.views.resend();
    this.update();
    if (firstTime) return;
    for (const participant of gone) this.events.emit('participant-left', { participant, reason: 'left' });
    for (const participant of came) this.events.emit('participant-joined', participant);
  }

  /** Once a stay is encrypted it is never without, whatever the server says of the room. */
  private agreesOn(encrypted: boolean): boolean {
    if (!encrypted) {
      if (!this.wantsEncryption && !this.encrypted) return true;
      this.finish('not-encrypted', 'the room is not encrypted end to end');
      return false;
    }
    if (this.encrypted) return true;
    const { env } = this.host;
    const guard = this.identity ? env.createMediaGuard() : null;
    if (!this.identity || !guard) {
      this.finish('encrypted', 'the room is encrypted end to end');
      return false;
    }
    const { e2e } = this.options;
    this.encrypted = new RoomEncryption({
      env,
      context: { kind: this.kind, roomId: this.roomId },
      sessionId: this.sessionId,
      choice: e2e === undefined || e2e === false ? true : e2e,
      identity: this.identity,
      guard,
      say: (to, data) => this.inside && this.socket.send('e2e', to === null ? { data } : { to, data }),
      onChange: () => {
        this.update();
        this.events.emit('encryption', this.encryption);
      },
      onCarry: () => this.link?.carry(),
      onProblem: (message) => this.finish('failed', message),
    });
    return true;
  }

  /** On a new socket, with the connection that has been there all the time. */
  private goOn(): void {
    this.link?.resume();
    this.recovery.poke();
    if (this.networkChanged || this.link?.state !== 'connected') this.link?.restartIce();
    this.networkChanged = false;
  }

  private onLost(): void {
    if (this.isOver) return;
    this.inside = false;
    this.phones.giveUp();
    this.joinTimer = this.rearm(this.joinTimer, null);
    if (this.giveUpTimer === null) this.armGiveUp(kGiveUpRejoiningMs);
    this.update();
  }

  /** As somebody new: the last resort, since the others see us leave and come. */
  private startOver(): void {
    // Out of a locked room nobody comes back in.
    if (this.link && this.fields.locked) {
      this.link.restartIce();
      return;
    }
    this.link?.close();
    this.link = null;
    this.inside = false;
    if (!this.socket.send('leave')) return; // with the socket back, a new connection is made
    this.join();
  }

  private makeLink(iceServers: RTCIceServer[]): void {
    this.link?.close();
    this.lastSample = this.lastArrivals = null;
    const link: RoomLink = new RoomLink({
      env: this.host.env,
      configuration: { ...this.host.configuration(iceServers), ...this.encrypted?.configuration },
      guard: this.encrypted ?? undefined,
      output: {
        // Over a socket that is not let in yet nothing is negotiated: resume() says, and the server asks, what is still open then.
        offer: (sdp) => void (this.inside && this.socket.send('offer', { type: 'offer', sdp, polite: false })),
        answer: (sdp) => void (this.inside && this.socket.send('answer', { type: 'answer', sdp })),
        candidate: (candidate) => void this.socket.send('ice', { ...candidate }),
        announce: (track) => void this.socket.send('track', { ...track }),
      },
      onReceivers: () => this.link === link && this.bind(),
      onState: (state) => this.link === link && this.onMedia(state),
      onFailure: () => this.link === link && this.onFailedNegotiation(),
    });
    this.link = link;
    this.networkChanged = false;
    this.publish();
    if (!this.recovery.isMending) this.recovery.begin('connect');
    this.recovery.poke();
  }

  private onMedia(state: RTCPeerConnectionState): void {
    if (state === 'connected') {
      this.mediaWorked = true;
      this.refusedOffers = 0;
      this.networkChanged = false;
      this.recovery.settled();
      this.sampleAfter(kFirstSampleMs);
    } else if (state === 'disconnected' || state === 'failed') {
      this.recovery.begin(state === 'failed' ? 'hard' : 'soft');
    }
    this.update();
  }

  finish(reason: RoomEndReason, message: string | null): void {
    if (this.isOver) return;
    const end: RoomEnd = { reason, message };
    if (this.inside) this.socket.send('leave');
    this.socket.close();
    this.recovery.stop();
    this.joinTimer = this.rearm(this.joinTimer, null);
    this.armGiveUp(null);
    this.sampler = this.rearm(this.sampler, null);
    for (const cleanup of this.cleanups) cleanup();
    this.views.clear();
    this.phones.giveUp();
    this.sources.close();
    this.link?.close();
    this.link = null;
    this.encrypted?.stop();
    this.inside = false;
    this.roster.clear();
    this.fields = { ...this.fields, end, speakers: [] };
    this.update();
    this.host.onEnd(this);
    this.events.emit('end', end);
  }

  // ---- news -------------------------------------------------------------------------------------------------------

  private onMessage({ type, payload }: RoomMessage): void {
    if (this.isOver) return;
    if (type === 'joined') this.onJoined(payload);
    else if (type === 'error' && this.phones.onError(payload)) return;
    else if (type === 'error') this.onError(asText(payload['code']) ?? '', asText(payload['message']) ?? '');
    else if (type === 'participant-left') this.onParticipantLeft(payload);
    else if (this.inside) this.onNews(type, payload);
  }

  private onNews(type: string, payload: Members): void {
    const sessionId = asText(payload['sessionId']) ?? '';
    const by = asText(payload['by']) ?? '';
    switch (type) {
      case 'offer':
        this.link?.takeOffer(asText(payload['sdp']) ?? '');
        return;
      case 'answer':
        this.link?.takeAnswer(asText(payload['sdp']) ?? '');
        return;
      case 'participant-joined': {
        const person = parseParticipant({ ...payload, state: 'connecting' });
        if (!person || person.sessionId === this.sessionId) return;
        const added = this.roster.add(person);
        this.encrypted?.join(person);
        this.update();
        this.events.emit('participant-joined', added);
        return;
      }
      case 'e2e':
        this.encrypted?.hear(asText(payload['from']) ?? '', payload['data']);
        return;
      case 'track':
        this.onTrack(payload);
        return;
      case 'speakers':
        this.onSpeakers(payload);
        return;
      case 'state':
        // Of oneself, the own connection says it better.
        this.roster.setState(sessionId, parseConnectionState(payload['state']));
        this.update();
        return;
      case 'quality':
        this.fields = { ...this.fields, serverQuality: parseServerQuality(payload) };
        this.update();
        return;
      case 'layers': {
        const layers = parseLayers(payload);
        if (layers) this.link?.setLayers(layers.mid, layers.active);
        return;
      }
      case 'mute':
        this.onMuted(payload['kind'] === 'video' ? 'video' : 'audio', by);
        return;
      case 'phone-invited':
        this.phones.onInvited(payload);
        return;
      case 'phone':
        this.onPhone(sessionId, payload);
        return;
      case 'locked':
      case 'unlocked':
        this.fields = { ...this.fields, locked: type === 'locked' };
        this.update();
        this.events.emit('locked', { locked: type === 'locked', by });
        return;
      case 'role':
        this.onRole(sessionId, parseRole(payload['role']), asText(payload['by']));
        return;
      default: // news of a later server
    }
  }

  private onParticipantLeft(payload: Members): void {
    const sessionId = asText(payload['sessionId']) ?? '';
    const reason = asText(payload['reason']) ?? 'left';
    if (sessionId === this.sessionId) {
      if (reason === 'kicked' || reason === 'removed' || reason === 'replaced') this.finish(reason, null);
      else if (this.inside) this.socket.lose(); // the server stops, or gave us up: we come back
      return;
    }
    const participant = this.roster.remove(sessionId);
    if (!participant) return;
    for (const track of participant.tracks) this.views.forget(track.trackId);
    this.encrypted?.leave(sessionId);
    this.update();
    this.events.emit('participant-left', { participant, reason });
  }

  private onPhone(sessionId: string, payload: Members): void {
    const status = parsePhoneStatus(payload['status']);
    const participant = status === null ? null : this.roster.setPhone(sessionId, status);
    if (!participant || status === null) return;
    this.update();
    this.events.emit('phone', { participant, status, cause: asText(payload['cause']) ?? '' });
  }

  private onTrack(payload: Members): void {
    const track = parseTrack(payload);
    if (!track || track.sessionId === this.sessionId) return;
    if (payload['state'] === 'ended') {
      this.roster.endTrack(track.trackId);
      this.views.forget(track.trackId);
      this.update();
      return;
    }
    this.roster.setTrack(track, asText(payload['mid']));
    this.bind();
  }

  private bind(): void {
    this.roster.bind((mid) => this.link?.receiverOf(mid) ?? null);
    for (const transceiver of this.encrypted ? (this.link?.receiving ?? []) : []) {
      const owner = transceiver.mid === null ? null : this.roster.ownerOf(transceiver.mid);
      this.encrypted?.setOwner(transceiver, owner);
    }
    this.update();
  }

  private onSpeakers(payload: Members): void {
    const speakers = parseSpeakers(payload);
    this.roster.setSpeakers(speakers);
    this.fields = { ...this.fields, speakers };
    this.update();
    this.events.emit('speakers', speakers);
  }

  private onMuted(kind: 'audio' | 'video', by: string): void {
    if (kind === 'audio') {
      this.sources.setMuted(true);
    } else {
      this.sources.stopScreen();
      void this.sources.closeCamera();
    }
    this.events.emit('muted', { kind, by });
  }

  private onRole(sessionId: string, role: RoomRole, by: string | null): void {
    if (sessionId === this.sessionId) this.fields = { ...this.fields, role };
    else this.roster.setRole(sessionId, role);
    this.update();
    this.events.emit('role', { sessionId, role, by });
  }

  private onError(code: string, message: string): void {
    if (!this.inside) {
      this.onJoinRefused(code, message);
      return;
    }
    switch (code) {
      case 'failed': // the server gave the media connection up: a new one begins there with a new one here
        this.mediaFailed();
        return;
      case 'bad-sdp':
        this.link?.takeRefusal(() => this.onBadOffer(message));
        return;
      case 'not-joined':
        this.socket.lose();
        return;
      case 'too-many-messages':
        this.encrypted?.refused();
        return;
      default:
        this.events.emit('refused', { code: refusalCode(code), message });
    }
  }

  private onJoinRefused(code: string, message: string): void {
    switch (code) {
      case 'locked':
      case 'room-full':
      case 'too-many-rooms':
      case 'encrypted':
      case 'not-encrypted':
        this.finish(code, message);
        return;
      case 'session-taken':
        this.finish('replaced', message);
        return;
      case 'unavailable':
        this.socket.lose();
        return;
      default: // an answer to what was said before the leave
    }
  }

  /** Another try with a clean slate; when that is refused as well, this browser and that server don't fit. */
  private onBadOffer(message: string): void {
    this.refusedOffers += 1;
    if (this.refusedOffers > kRefusedOffersMax) this.finish('failed', message);
    else this.startOver();
  }

  /**
   * No ICE restart mends a connection that can't be described. Chromium was seen to offer, after it had rolled an offer back,
   * header extensions by numbers that the other side's offer had given to others, and to refuse that itself.
   */
  private onFailedNegotiation(): void {
    this.failedNegotiations += 1;
    if (this.fields.locked || this.failedNegotiations > kFailedNegotiationsMax) this.recovery.begin('hard');
    else this.startOver();
  }

  private mediaFailed(): void {
    const servers = this.link?.pc.getConfiguration().iceServers ?? [];
    this.roster.bind(() => null);
    this.makeLink(servers);
    this.recovery.begin('hard');
    this.update();
  }

  // ---- the own tracks ---------------------------------------------------------------------------------------------

  private onLocalChange(): void {
    if (this.isOver) return;
    this.publish();
    this.changed();
    this.events.emit('local', this.sources.state);
  }

  private publish(): void {
    const { audioTrack, cameraTrack, screenTrack, state } = this.sources;
    this.link?.publish('microphone', audioTrack, state.muted || audioTrack === null);
    this.link?.publish('camera', cameraTrack, cameraTrack === null);
    if (screenTrack) this.link?.publish('screen', screenTrack, false);
    else this.link?.unpublish('screen');
  }

  // ---- measuring --------------------------------------------------------------------------------------------------

  private sampleAfter(ms: number): void {
    this.sampler = this.rearm(this.sampler, ms, () => void this.sample());
  }

  private async sample(): Promise<void> {
    const link = this.link;
    if (!link || this.isOver) return;
    try {
      const stats = statsOf(await link.pc.getStats());
      if (this.link !== link) return;
      const now = this.host.env.now();
      const { quality, sample } = measure(stats, this.lastSample, now);
      const arrivals = scoreParticipants(stats, this.lastArrivals, (mid) => this.roster.ownerOf(mid));
      this.lastSample = sample;
      this.lastArrivals = arrivals.sample;
      for (const { sessionId } of this.roster.list) this.roster.setQuality(sessionId, arrivals.scores.get(sessionId) ?? null);
      this.fields = { ...this.fields, quality };
      this.update();
      this.events.emit('quality', quality);
    } catch {
      // The connection was closed in between, or this browser has no such report: the room does not need it.
    }
    if (this.link === link) this.sampleAfter(kSampleMs);
  }

  // ---- state ------------------------------------------------------------------------------------------------------

  private stateNow(): RoomState {
    if (this.fields.end) return 'ended';
    if (this.fields.joinedAt === null) return 'joining';
    const mending = this.mediaWorked && this.link?.state !== 'connected';
    return this.inside && !mending ? 'joined' : 'reconnecting';
  }

  private update(): void {
    const previous = this.current;
    this.current = this.stateNow();
    this.changed();
    if (this.current !== previous) this.events.emit('state', { state: this.current, previous });
  }

  private changed(): void {
    this.cached = null;
    if (this.events.count('change') > 0) this.events.emit('change', this.snapshot);
  }

  private armGiveUp(ms: number | null): void {
    this.giveUpTimer = this.rearm(this.giveUpTimer, ms, () => this.finish('unavailable', 'the server could not be reached'));
  }

  /** Ends the timer, and begins it anew unless `ms` is null. */
  private rearm(timer: TimerId | null, ms: number | null, onTime: () => void = () => undefined): TimerId | null {
    if (timer !== null) this.host.env.clearTimeout(timer);
    return ms === null ? null : this.host.env.setTimeout(onTime, ms);
  }
}

function refusalCode(code: string): RoomRefusal['code'] {
  return code === 'bad-message' || code === 'forbidden' || code === 'not-found' || code === 'unavailable' ? code : 'other';
}
