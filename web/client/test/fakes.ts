// Stand-ins for the browser: a clock that is moved by hand, sockets, storage shared by tabs, tracks, and an
// RTCPeerConnection that knows the rules of negotiation but carries nothing.
import type { MediaGuard } from '../src/e2e/guard-protocol.js';
import type { ChainPosition } from '../src/e2e/room-keys.js';
import type { SframeKey } from '../src/e2e/sframe.js';
import type { Environment, LocksLike, PageEvent, SocketLike, StorageLike } from '../src/environment.js';

/** Lets promises go on, a fixed number of turns: no test waits for real time. */
export async function settle(turns = 60): Promise<void> {
  for (let i = 0; i < turns; i += 1) await Promise.resolve();
}

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

export class FakeClock {
  now = 1_000_000;
  private timers = new Map<number, Timer>();
  private count = 0;

  setTimeout = (callback: () => void, ms: number): number => {
    this.count += 1;
    this.timers.set(this.count, { due: this.now + Math.max(0, ms), order: this.count, callback });
    return this.count;
  };
  clearTimeout = (id: unknown): void => {
    this.timers.delete(id as number);
  };
  get pending(): number {
    return this.timers.size;
  }
  get dueTimes(): number[] {
    return [...this.timers.values()].map((timer) => timer.due - this.now).sort((a, b) => a - b);
  }
  /** Moves time on, with everything that falls due on the way, in its order. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const next = [...this.timers.entries()]
        .filter(([, timer]) => timer.due <= end)
        .sort(([, a], [, b]) => a.due - b.due || a.order - b.order)[0];
      if (!next) break;
      this.timers.delete(next[0]);
      this.now = Math.max(this.now, next[1].due);
      next[1].callback();
    }
    this.now = end;
    await settle();
  }
}

/** Numbers in [0, 1) that are the same in every run. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** One origin's localStorage, with a view for each tab. */
export class SharedStorage {
  private readonly values = new Map<string, string>();
  private readonly tabs = new Set<StorageTab>();

  tab(): StorageTab {
    const tab = new StorageTab(this.values, (from, key) => {
      for (const other of this.tabs) if (other !== from) other.tell(key);
    });
    this.tabs.add(tab);
    return tab;
  }
}

export class StorageTab implements StorageLike {
  readonly listeners = new Set<(key: string | null) => void>();
  constructor(
    private readonly values: Map<string, string>,
    private readonly announce: (from: StorageTab, key: string) => void,
  ) {}
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
    this.announce(this, key);
  }
  removeItem(key: string): void {
    this.values.delete(key);
    this.announce(this, key);
  }
  tell(key: string): void {
    for (const listener of this.listeners) listener(key);
  }
}

/** Web Locks for all tabs of an origin. */
export class FakeLocks implements LocksLike {
  private readonly held = new Set<string>();
  private readonly queues = new Map<string, (() => void)[]>();

  async request<T>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    callback: (lock: unknown) => Promise<T> | T,
  ): Promise<T> {
    if (this.held.has(name)) {
      await new Promise<void>((resolve, reject) => {
        const queue = this.queues.get(name) ?? [];
        this.queues.set(name, queue);
        queue.push(resolve);
        options.signal?.addEventListener('abort', () => {
          queue.splice(queue.indexOf(resolve), 1);
          reject(new DOMException('aborted', 'AbortError'));
        });
      });
    }
    this.held.add(name);
    try {
      return await callback({ name });
    } finally {
      this.held.delete(name);
      this.queues.get(name)?.shift()?.();
    }
  }
  get heldNames(): string[] {
    return [...this.held];
  }
}

export class FakeSocket implements SocketLike {
  static readonly all: FakeSocket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  readonly sent: { event: string; payload: Record<string, unknown> }[] = [];
  closedWith: number | undefined;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onSend: ((message: { event: string; payload: Record<string, unknown> }) => void) | null = null;

  constructor(readonly url: string) {}

  send(data: string): void {
    if (this.readyState !== 1) throw new Error('not open');
    const message = JSON.parse(data) as { event: string; payload: Record<string, unknown> };
    this.sent.push(message);
    this.onSend?.(message);
  }
  close(code?: number): void {
    this.closedWith = code ?? 1005;
    this.readyState = 3;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }
  receive(event: string, payload: unknown = {}): void {
    this.receiveText(JSON.stringify({ event, payload }));
  }
  receiveText(data: string): void {
    this.onmessage?.({ data } as never);
  }
  drop(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code } as never);
  }
  events(): string[] {
    return this.sent.map((message) => message.event);
  }
}

let trackCount = 0;
export class FakeTrack {
  static live = new Set<FakeTrack>();
  readonly id: string;
  enabled = true;
  muted = false;
  readyState: 'live' | 'ended' = 'live';
  onended: (() => void) | null = null;
  onmute: (() => void) | null = null;
  onunmute: (() => void) | null = null;
  contentHint = '';

  constructor(
    readonly kind: 'audio' | 'video',
    readonly label = '',
    /** Tracks that are received can't be stopped by this side, and do not count as open devices. */
    captured = true,
  ) {
    trackCount += 1;
    this.id = `${kind}-${trackCount}`;
    if (captured) FakeTrack.live.add(this);
  }
  stop(): void {
    this.readyState = 'ended';
    FakeTrack.live.delete(this);
  }
  /** Unplugged, or the browser's "stop sharing" button. */
  takeAway(): void {
    this.stop();
    this.onended?.();
  }
  getSettings(): MediaTrackSettings {
    return { deviceId: this.label };
  }
}

export class FakeStream {
  private tracks: FakeTrack[] = [];
  constructor(tracks: FakeTrack[] = []) {
    this.tracks = [...tracks];
  }
  addTrack(track: FakeTrack): void {
    if (!this.tracks.includes(track)) this.tracks.push(track);
  }
  removeTrack(track: FakeTrack): void {
    this.tracks = this.tracks.filter((each) => each !== track);
  }
  getTracks(): FakeTrack[] {
    return [...this.tracks];
  }
  getAudioTracks(): FakeTrack[] {
    return this.tracks.filter((track) => track.kind === 'audio');
  }
  getVideoTracks(): FakeTrack[] {
    return this.tracks.filter((track) => track.kind === 'video');
  }
}

export class FakeMediaDevices {
  /** Names of errors to throw; absent: the device is there. */
  failures: { audio?: string; video?: string; screen?: string } = {};
  /** Set: getUserMedia waits for it. */
  gate: Promise<void> | null = null;
  readonly requests: MediaStreamConstraints[] = [];
  readonly screens: FakeTrack[] = [];
  devices: Partial<MediaDeviceInfo>[] = [];
  private readonly listeners = new Set<() => void>();

  async getUserMedia(constraints: MediaStreamConstraints): Promise<FakeStream> {
    this.requests.push(constraints);
    await this.gate;
    const tracks: FakeTrack[] = [];
    for (const kind of ['audio', 'video'] as const) {
      if (!constraints[kind]) continue;
      const failure = this.failures[kind];
      if (failure !== undefined) {
        for (const track of tracks) track.stop();
        throw new DOMException(kind, failure);
      }
      const asked = (constraints[kind] as MediaTrackConstraints).deviceId as { exact?: string } | undefined;
      tracks.push(new FakeTrack(kind, asked?.exact ?? `default-${kind}`));
    }
    return new FakeStream(tracks);
  }
  async getDisplayMedia(): Promise<FakeStream> {
    if (this.failures.screen !== undefined) throw new DOMException('screen', this.failures.screen);
    const track = new FakeTrack('video', 'screen');
    this.screens.push(track);
    return new FakeStream([track]);
  }
  async enumerateDevices(): Promise<Partial<MediaDeviceInfo>[]> {
    return this.devices;
  }
  addEventListener(_: string, listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_: string, listener: () => void): void {
    this.listeners.delete(listener);
  }
  plug(devices: Partial<MediaDeviceInfo>[]): void {
    this.devices = devices;
    for (const listener of this.listeners) listener();
  }
  get listenerCount(): number {
    return this.listeners.size;
  }
}

// ---- RTCPeerConnection ------------------------------------------------------------------------------------------------

interface FakeDescription {
  readonly type: RTCSdpType;
  readonly sdp: string;
}

class FakeTransceiver {
  mid: string | null = null;
  currentDirection: RTCRtpTransceiverDirection | null = null;
  /** What the other side's last description says of its own direction. */
  remoteDirection: RTCRtpTransceiverDirection | null = null;
  readonly receiver: { track: FakeTrack };
  readonly sender: {
    track: FakeTrack | null;
    replaceTrack(track: FakeTrack | null): Promise<void>;
    setStreams(): void;
    getParameters(): { encodings: RTCRtpEncodingParameters[] };
    setParameters(parameters: { encodings: RTCRtpEncodingParameters[] }): Promise<void>;
  };
  encodings: RTCRtpEncodingParameters[] = [];
  private wanted: RTCRtpTransceiverDirection;

  constructor(
    readonly pc: FakePeerConnection,
    readonly kind: 'audio' | 'video',
    direction: RTCRtpTransceiverDirection,
  ) {
    this.wanted = direction;
    this.receiver = { track: new FakeTrack(kind, 'remote', false) };
    this.sender = {
      track: null,
      replaceTrack: async (track) => {
        this.sender.track = track;
      },
      setStreams: () => undefined,
      getParameters: () => ({ encodings: this.encodings.map((encoding) => ({ ...encoding })) }),
      setParameters: async (parameters) => {
        this.encodings = parameters.encodings;
      },
    };
  }
  agree(): void {
    const out = sends(this.wanted) && receives(this.remoteDirection);
    const inward = receives(this.wanted) && sends(this.remoteDirection);
    this.currentDirection = out ? (inward ? 'sendrecv' : 'sendonly') : inward ? 'recvonly' : 'inactive';
  }
  get direction(): RTCRtpTransceiverDirection {
    return this.wanted;
  }
  set direction(direction: RTCRtpTransceiverDirection) {
    if (direction === this.wanted) return;
    this.wanted = direction;
    this.pc.needNegotiation();
  }
}

function sends(direction: string | null): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}
function receives(direction: string | null): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

interface FakeSection {
  readonly kind: 'audio' | 'video';
  readonly direction: RTCRtpTransceiverDirection;
  readonly mid: string;
}

/** The m-lines of the fakes' SDP. */
export function readSections(sdp: string): FakeSection[] {
  return [...sdp.matchAll(/^m=(audio|video) .*\r\na=(\w+)(?:\r\na=mid:(\S+))?/gm)].map(([, kind, direction, mid], index) => ({
    kind: kind as 'audio' | 'video',
    direction: direction as RTCRtpTransceiverDirection,
    mid: mid ?? String(index),
  }));
}

export function writeSections(sections: readonly FakeSection[]): string {
  return sections.map(({ kind, direction, mid }) => `m=${kind} 9 UDP\r\na=${direction}\r\na=mid:${mid}\r\n`).join('');
}

/** SDP of the fakes: `o=` line, ICE generation in `s=`, and one m-line per transceiver, in the order of negotiation. */
export class FakePeerConnection {
  static readonly all: FakePeerConnection[] = [];
  static sessions = 0;
  /** Set: descriptions take until it resolves. */
  static gate: Promise<void> | null = null;
  readonly session: number;
  signalingState: RTCSignalingState = 'stable';
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: FakeDescription | null = null;
  remoteDescription: FakeDescription | null = null;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  ontrack: ((event: { track: FakeTrack; transceiver: FakeTransceiver }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  onnegotiationneeded: (() => void) | null = null;
  readonly candidates: unknown[] = [];
  rollbacks = 0;
  restarts = 0;
  private generation = 1;
  private version = 0;
  private restartPending = false;
  private negotiationPending = false;
  private transceivers: FakeTransceiver[] = [];
  /** Those that have an m-line, in the order of the lines; and how many of them were agreed. */
  private lines: FakeTransceiver[] = [];
  private agreedLines = 0;
  private stable: { local: FakeDescription | null; remote: FakeDescription | null } = { local: null, remote: null };

  constructor(readonly configuration: RTCConfiguration) {
    FakePeerConnection.sessions += 1;
    this.session = FakePeerConnection.sessions;
    FakePeerConnection.all.push(this);
  }

  addTransceiver(
    what: 'audio' | 'video' | FakeTrack,
    init: { direction: RTCRtpTransceiverDirection; sendEncodings?: RTCRtpEncodingParameters[] },
  ): FakeTransceiver {
    const transceiver = new FakeTransceiver(this, typeof what === 'string' ? what : what.kind, init.direction);
    if (typeof what !== 'string') transceiver.sender.track = what;
    transceiver.encodings = init.sendEncodings ?? [];
    this.transceivers.push(transceiver);
    this.needNegotiation();
    return transceiver;
  }
  getTransceivers(): FakeTransceiver[] {
    return this.transceivers;
  }
  getConfiguration(): RTCConfiguration {
    return this.configuration;
  }
  needNegotiation(): void {
    this.negotiationPending = true;
    this.fireNegotiation();
  }
  private fireNegotiation(): void {
    void Promise.resolve().then(() => {
      if (!this.negotiationPending || this.signalingState !== 'stable') return;
      this.negotiationPending = false;
      this.onnegotiationneeded?.();
    });
  }
  restartIce(): void {
    this.restarts += 1;
    this.restartPending = true;
    this.needNegotiation();
  }
  private write(): string {
    this.version += 1;
    // An answer has the lines of the offer, an offer those of all transceivers.
    if (this.signalingState !== 'have-remote-offer') {
      for (const transceiver of this.transceivers) {
        if (this.lines.includes(transceiver)) continue;
        const taken = new Set(this.lines.map((line) => line.mid));
        let mid = this.lines.length;
        while (taken.has(String(mid))) mid += 1;
        transceiver.mid = String(mid);
        this.lines.push(transceiver);
      }
    }
    const media = writeSections(this.lines.map((t) => ({ kind: t.kind, direction: t.direction, mid: t.mid ?? '' })));
    return `v=0\r\no=- ${this.session} ${this.version} IN IP4 127.0.0.1\r\ns=${this.generation}\r\n${media}`;
  }
  /** As in browsers, a step that is cut short by close() never ends. */
  private async step(): Promise<void> {
    if (this.isClosed) throw new DOMException('closed', 'InvalidStateError');
    await (FakePeerConnection.gate ?? Promise.resolve());
    if (this.isClosed) await new Promise(() => undefined);
  }
  async setLocalDescription(): Promise<void> {
    await this.step();
    this.negotiationPending = false;
    if (this.signalingState === 'have-remote-offer') {
      // What has no place in the other side's offer needs one of ours.
      this.negotiationPending = this.transceivers.some((transceiver) => !this.lines.includes(transceiver));
      this.localDescription = { type: 'answer', sdp: this.write() };
      this.becomeStable();
    } else {
      if (this.restartPending) {
        this.restartPending = false;
        this.generation += 1;
      }
      this.localDescription = { type: 'offer', sdp: this.write() };
      this.signalingState = 'have-local-offer';
    }
    this.onicecandidate?.({ candidate: this.candidate() });
    this.onicecandidate?.({ candidate: null });
  }
  private candidate(): unknown {
    const init = { candidate: `candidate:${this.session} ufrag ${this.generation}`, sdpMid: '0', sdpMLineIndex: 0 };
    return { ...init, toJSON: () => init };
  }
  async setRemoteDescription(description: FakeDescription): Promise<void> {
    await this.step();
    if (!description.sdp.startsWith('v=0')) throw new DOMException('bad sdp', 'OperationError');
    if (description.type === 'offer') {
      if (this.signalingState === 'have-local-offer') {
        this.rollbacks += 1;
        for (const transceiver of this.lines.splice(this.agreedLines)) transceiver.mid = null;
        this.localDescription = this.stable.local;
        this.negotiationPending = true;
      }
      this.signalingState = 'have-remote-offer';
      this.remoteDescription = description;
      this.readMedia(description.sdp);
    } else {
      if (this.signalingState !== 'have-local-offer') throw new DOMException('no offer', 'InvalidStateError');
      this.remoteDescription = description;
      this.readMedia(description.sdp);
      this.becomeStable();
    }
  }
  private readMedia(sdp: string): void {
    readSections(sdp).forEach(({ kind, direction, mid }, index) => {
      let transceiver = this.lines[index];
      if (!transceiver) {
        transceiver = new FakeTransceiver(this, kind, 'recvonly');
        transceiver.mid = mid;
        this.transceivers.push(transceiver);
        this.lines.push(transceiver);
      }
      transceiver.remoteDirection = direction;
      if (sends(direction)) this.ontrack?.({ track: transceiver.receiver.track, transceiver });
    });
  }
  private becomeStable(): void {
    this.agreedLines = this.lines.length;
    for (const line of this.lines) line.agree();
    this.signalingState = 'stable';
    this.stable = { local: this.localDescription, remote: this.remoteDescription };
    this.fireNegotiation();
  }
  async addIceCandidate(candidate: unknown): Promise<void> {
    if (!this.remoteDescription) throw new DOMException('too early', 'InvalidStateError');
    this.candidates.push(candidate);
  }
  async getStats(): Promise<Map<string, unknown>> {
    return new Map();
  }
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  close(): void {
    this.connectionState = 'closed';
    this.signalingState = 'closed';
  }
  get isClosed(): boolean {
    return this.signalingState === 'closed';
  }
}

// ---- all of it --------------------------------------------------------------------------------------------------------

export interface FakeBrowserOptions {
  readonly clock?: FakeClock;
  readonly seed?: number;
  readonly storage?: StorageTab;
  readonly session?: StorageLike;
  readonly locks?: LocksLike | null;
  readonly granted?: boolean;
}

/** Notes what is to be sealed, and with which keys. */
export class FakeGuard implements MediaGuard {
  readonly configuration = { encodedInsertableStreams: true } as RTCConfiguration;
  readonly guarded = new Set<unknown>();
  readonly sent: SframeKey[] = [];
  readonly received: SframeKey[] = [];
  /** By sender: where its chain was said to stand. */
  readonly chains = new Map<string, { tag: number; position: ChainPosition }[]>();
  readonly owners = new Map<unknown, string | null>();
  readonly forgotten: string[] = [];
  closed = false;
  isReady = true;
  onReady = (): void => undefined;
  protect(transceiver: RTCRtpTransceiver): void {
    this.guarded.add(transceiver);
  }
  sendWith(key: SframeKey): void {
    this.sent.push(key);
  }
  receiveWith(_: string, key: SframeKey): void {
    this.received.push(key);
  }
  protectSender(transceiver: RTCRtpTransceiver): void {
    this.guarded.add(transceiver);
  }
  protectReceiver(transceiver: RTCRtpTransceiver): void {
    this.guarded.add(transceiver);
  }
  setOwner(transceiver: RTCRtpTransceiver, sender: string | null): void {
    this.owners.set(transceiver, sender);
  }
  receiveChain(sender: string, tag: number, position: ChainPosition): void {
    this.chains.set(sender, [...(this.chains.get(sender) ?? []), { tag, position }]);
  }
  forget(sender: string): void {
    this.forgotten.push(sender);
    this.chains.delete(sender);
  }
  async counts(): Promise<null> {
    return null;
  }
  close(): void {
    this.closed = true;
  }
}

/** One tab of a browser. */
export class FakeBrowser {
  readonly clock: FakeClock;
  readonly storage: StorageTab;
  readonly session: StorageLike;
  readonly media = new FakeMediaDevices();
  readonly sockets: FakeSocket[] = [];
  readonly connections: FakePeerConnection[] = [];
  readonly guards: FakeGuard[] = [];
  canEncrypt = true;
  readonly pageListeners = new Map<PageEvent, Set<() => void>>();
  readonly requests: { url: string; init: RequestInit }[] = [];
  online = true;
  onSocket: ((socket: FakeSocket) => void) | null = null;
  /** Answers requests; null: the network is down. */
  respond: (url: string, init: RequestInit) => { status: number; body?: unknown; headers?: Record<string, string> } | null | Promise<{ status: number; body?: unknown } | null> =
    () => ({ status: 404, body: {} });
  readonly environment: Partial<Environment>;

  constructor(options: FakeBrowserOptions = {}) {
    this.clock = options.clock ?? new FakeClock();
    this.storage = options.storage ?? new SharedStorage().tab();
    this.session = options.session ?? new SharedStorage().tab();
    const clock = this.clock;
    const random = seededRandom(options.seed ?? 1);
    this.environment = {
      now: () => clock.now,
      random,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      fetch: (url, init) => this.fetch(url, init ?? {}),
      openSocket: (url) => {
        const socket = new FakeSocket(url);
        this.sockets.push(socket);
        this.onSocket?.(socket);
        return socket;
      },
      createPeerConnection: (configuration) => {
        const pc = new FakePeerConnection(configuration);
        this.connections.push(pc);
        return pc as unknown as RTCPeerConnection;
      },
      createMediaStream: () => new FakeStream() as unknown as MediaStream,
      createAudioContext: () => null,
      canGuardMedia: () => this.canEncrypt,
      createMediaGuard: () => {
        if (!this.canEncrypt) return null;
        const guard = new FakeGuard();
        this.guards.push(guard);
        return guard;
      },
      mediaDevices: this.media as unknown as MediaDevices,
      permissions: {
        query: async () => ({ state: options.granted === false ? 'prompt' : 'granted', onchange: null }),
      } as unknown as Permissions,
      localStorage: this.storage,
      sessionStorage: this.session,
      locks: options.locks === undefined ? new FakeLocks() : (options.locks as LocksLike),
      isOnline: () => this.online,
      origin: 'https://calls.example.org',
      onPageEvent: (event, listener) => {
        const set = this.pageListeners.get(event) ?? new Set();
        this.pageListeners.set(event, set);
        set.add(listener);
        return () => set.delete(listener);
      },
      onStorage: (listener) => {
        this.storage.listeners.add(listener);
        return () => this.storage.listeners.delete(listener);
      },
    };
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    this.requests.push({ url, init });
    const answer = await this.respond(url, init);
    if (!answer) throw new TypeError('Failed to fetch');
    const headers = 'headers' in answer ? (answer as { headers?: Record<string, string> }).headers : undefined;
    return new Response(answer.body === undefined ? null : JSON.stringify(answer.body), {
      status: answer.status,
      ...(headers ? { headers } : {}),
    });
  }
  pageEvent(event: PageEvent): void {
    for (const listener of this.pageListeners.get(event) ?? []) listener();
  }
  get pageListenerCount(): number {
    return [...this.pageListeners.values()].reduce((sum, set) => sum + set.size, 0);
  }
  /** The newest. */
  get socket(): FakeSocket {
    const socket = this.sockets[this.sockets.length - 1];
    if (!socket) throw new Error('no socket was opened');
    return socket;
  }
  get pc(): FakePeerConnection {
    const pc = this.connections[this.connections.length - 1];
    if (!pc) throw new Error('no connection was made');
    return pc;
  }
}
