// Calls of this device: one at a time, since the server lets a user be in one call. Sorts the server's messages to it,
// and settles after a lost connection or a reload what became of it.
import { CallSession, iceServersWarning, offersVideo } from './call.js';
import type { CallHost, SavedCall } from './call-host.js';
import type { DeviceManager } from './devices.js';
import { Emitter } from './emitter.js';
import { createEnvironment, type Environment } from './environment.js';
import { CallError } from './errors.js';
import { opensWithoutAsking } from './permissions.js';
import { asMembers, asText, parseErrorCode, type Members, type ServerCall, type ServerHello, type WireMessage } from './protocol.js';
import type { SendOutcome, SignalConnection } from './signal.js';
import type { Call, CallEnd, CallOptions, CallWarning, ConnectionStatus, Listenable, MediaChoice, Unsubscribe } from './types.js';

export interface CallClientEvents {
  /** Somebody calls: accept() or decline() it. */
  incoming: Call;
  /** Every new call: outgoing, incoming, or come back to after a reload. */
  call: Call;
  current: Call | null;
  ended: { readonly call: Call; readonly end: CallEnd };
}

export interface CallClientOptions {
  readonly signal: SignalConnection;
  /** Remembered choices of devices. Without it the system's defaults are used. */
  readonly devices?: DeviceManager | undefined;
  /** Default: what the server lists. */
  readonly iceServers?: readonly RTCIceServer[] | (() => Promise<readonly RTCIceServer[]>) | undefined;
  /** More settings of RTCPeerConnection: `{iceTransportPolicy: 'relay'}`. */
  readonly rtcConfiguration?: RTCConfiguration | undefined;
  /** Whether a page that is reloaded during a call goes on with it (the default), or hangs up. */
  readonly resume?: 'auto' | 'off' | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

export const kSavedCallKey = 'zvonok.call';
const kRingTimeoutMs = 45_000;
/** A call does not wait longer than this for the list of servers. */
const kIceServersMs = 1_000;

interface Farewell {
  readonly callId: string | null;
  readonly peerUserId: string;
  readonly payload: Members;
}

export class CallClient implements Listenable<CallClientEvents> {
  private readonly signal: SignalConnection;
  private readonly env: Environment;
  private readonly options: CallClientOptions;
  private readonly host: CallHost;
  private readonly events = new Emitter<CallClientEvents>();
  private readonly cleanups: Unsubscribe[];
  private session: CallSession | null = null;
  private calls = 0;
  private hello: ServerHello | null = null;
  /** A call that the server has announced to ring here; its offer follows. */
  private announced: { readonly callId: string; readonly peerUserId: string } | null = null;
  /** A hangup that could not be sent. */
  private farewell: Farewell | null = null;
  /** Messages about former calls may come until this resolves. */
  private fence: Promise<unknown> = Promise.resolve();
  private fences = 0;
  private asking = false;
  private disposed = false;

  constructor(options: CallClientOptions) {
    this.options = options;
    this.signal = options.signal;
    this.env = createEnvironment(options.environment);
    this.host = this.makeHost();
    this.cleanups = [
      this.signal.on('hello', (hello) => this.onHello(hello)),
      this.signal.on('message', (message) => this.onMessage(message)),
      this.signal.on('replaced', () => this.session?.finish('replaced', 'server', null, null)),
      this.signal.on('status', (status) => this.onStatus(status)),
      this.env.onPageEvent('online', () => this.session?.restartIce()),
    ];
  }

  /** The call that is going on, or rings. */
  get current(): Call | null {
    return this.session;
  }

  on<Name extends keyof CallClientEvents>(event: Name, listener: (value: CallClientEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof CallClientEvents>(event: Name, listener: (value: CallClientEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  /**
   * Calls somebody. What becomes of it shows in the call's events. Throws CallError: `busy` while there is a call,
   * `not-connected` before connect() and after the login is over, `bad-state` for a call to oneself.
   */
  call(userId: string, options: CallOptions = {}): Call {
    if (this.disposed) throw new CallError('disposed', 'The client was disposed');
    if (this.session) throw new CallError('busy', 'There is a call already');
    if (userId === this.host.selfId) throw new CallError('bad-state', 'Nobody can call themselves');
    if (this.signal.status === 'idle' || this.signal.status === 'unauthorized') {
      throw new CallError('not-connected', 'connect() comes first');
    }
    const call = this.makeCall({
      peerUserId: userId,
      direction: 'outgoing',
      callId: null,
      offeredVideo: options.video !== undefined && options.video !== false,
      extra: options.extra ?? {},
      e2e: options.e2e ?? null,
    });
    call.dial(options);
    this.publish(call);
    return call;
  }

  /** Hangs up and lets go of everything. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.session?.finish('disposed', 'local', null, {});
    for (const cleanup of this.cleanups.splice(0)) cleanup();
    this.events.clear();
  }

  // ---- calls come and go ------------------------------------------------------------------------------------------

  private makeCall(options: Omit<ConstructorParameters<typeof CallSession>[1], 'localId'>): CallSession {
    this.calls += 1;
    // Two devices of one user, or two pages, must not make the same ids: the other side compares them.
    const localId = `${this.env.random().toString(36).slice(2, 10)}-${this.calls}`;
    const call = new CallSession(this.host, { ...options, localId });
    this.session = call;
    this.signal.urgent = true;
    return call;
  }

  private publish(call: CallSession): void {
    this.events.emit('current', call);
    this.events.emit('call', call);
  }

  private onEnd(call: CallSession, end: CallEnd, tell: Members | null): void {
    const neverLeft = call.isUnsent;
    this.signal.dropQueued(call.localId);
    if (tell && !neverLeft) this.sayGoodbye(call, tell);
    if (this.session !== call) return;
    this.session = null;
    this.announced = null;
    this.signal.urgent = false;
    this.writeSaved(null);
    this.events.emit('current', null);
    this.events.emit('ended', { call, end });
  }

  private sayGoodbye(call: CallSession, payload: Members): void {
    if (this.signal.status !== 'online') {
      this.farewell = { callId: call.callId, peerUserId: call.peerUserId, payload };
      return;
    }
    this.signal.send('call:hangup', payload);
    // The server has not said anything about this call yet; what it says now must not be taken for the next one's.
    if (!call.isUnacknowledged) return;
    this.fences += 1;
    this.fence = this.signal.sync().finally(() => (this.fences -= 1));
  }

  // ---- messages ---------------------------------------------------------------------------------------------------

  private onMessage({ event, payload, early }: WireMessage): void {
    const call = this.session;
    switch (event) {
      case 'call:started':
        this.onStarted(payload);
        return;
      case 'call:offer':
        this.onOffer(payload);
        return;
      case 'call:ringing':
        // Of a call that was canceled a moment ago, it says nothing about this one.
        if (call && call.callId === asText(payload['callId'])) {
          call.onRinging(typeof payload['devices'] === 'number' ? payload['devices'] : 0);
        }
        return;
      case 'call:answer':
        call?.onAnswer(payload, early ?? false);
        return;
      case 'call:ice':
        call?.onIce(payload);
        return;
      case 'call:peer':
        call?.onPeer(payload['state'] === 'connected');
        return;
      case 'call:hangup':
        this.announced = null;
        // Before the server knows of our call, a hangup is about the one before.
        if (call && !(this.hello && call.offerWasLost)) call.onHangup(payload);
        return;
      case 'call:error':
        if (call?.onError(parseErrorCode(payload['code']), asText(payload['message']) ?? '') === 'ask') void this.ask(call);
    }
  }

  private onStarted(payload: Members): void {
    const callId = asText(payload['callId']);
    const peerUserId = asText(payload['peerUserId']);
    if (callId === null || peerUserId === null) return;
    if (this.fences > 0) return; // it was hung up already
    const call = this.session?.peerUserId === peerUserId ? this.session : null;
    if (payload['role'] === 'callee') {
      this.announced = { callId, peerUserId };
      call?.onStarted(callId);
    } else if (call && !call.isUnsent) {
      call.onStarted(callId);
    } else {
      // A renegotiation that crossed the end of its call on the way, and became a call that nobody wants.
      this.signal.send('call:hangup', {});
    }
  }

  private onOffer(payload: Members): void {
    const from = asText(payload['fromUserId']);
    if (from === null) return;
    if (this.session) {
      if (this.session.peerUserId === from) this.session.onOffer(payload);
      return;
    }
    // A server that announces calls has announced this one, or the offer belongs to a call that is over.
    if (this.hello && this.announced?.peerUserId !== from) return;
    const { userId, targetUserId, chatId, sdp, fromUserId, zvonok, ...extra } = payload;
    void [userId, targetUserId, chatId, sdp, fromUserId, zvonok];
    const call = this.makeCall({
      peerUserId: from,
      direction: 'incoming',
      callId: this.announced?.callId ?? null,
      offeredVideo: offersVideo(payload),
      extra,
      e2e: null,
    });
    call.ring(payload);
    this.publish(call);
    if (!call.isOver) this.events.emit('incoming', call);
  }

  /** The server knows nothing of what we do: does it know the call at all? */
  private async ask(call: CallSession): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const hello = await this.signal.sync();
    this.asking = false;
    if (hello && !isSame(call, hello.call)) call.finish('disconnected', 'server', null, null);
  }

  // ---- after connecting -------------------------------------------------------------------------------------------

  private onHello(hello: ServerHello | null): void {
    this.hello = hello;
    this.announced = null;
    void this.loadIceServers();
    const serverCall = this.sendFarewell(hello?.call ?? null);
    const call = this.session;
    if (call && hello) this.reconcile(call, serverCall);
    else call?.onReconnected(null, true);
    call?.onFlushed();
    if (!this.session && serverCall) this.comeBack(serverCall);
  }

  /** What could not be said when the call ended here. Gives the call that the server has after that. */
  private sendFarewell(serverCall: ServerCall | null): ServerCall | null {
    const farewell = this.farewell;
    this.farewell = null;
    if (!farewell || !serverCall) return serverCall;
    const same = farewell.callId === serverCall.callId || (farewell.callId === null && farewell.peerUserId === serverCall.peerUserId);
    if (!same) return serverCall;
    this.signal.send('call:hangup', farewell.payload);
    return null;
  }

  private reconcile(call: CallSession, serverCall: ServerCall | null): void {
    if (isSame(call, serverCall)) call.onReconnected(serverCall?.callId ?? null, serverCall?.state === 'active');
    else if (call.offerWasLost) call.repeatOffer();
    else if (call.direction === 'incoming' && call.state === 'ringing') call.finish('canceled', 'server', null, null);
    else call.finish('disconnected', 'server', null, null);
  }

  /** The server has this device in a call that this page does not know: it was reloaded, most likely. */
  private comeBack(serverCall: ServerCall): void {
    const { callId, peerUserId, state, role } = serverCall;
    if (state === 'ringing' && role === 'callee') {
      this.announced = { callId, peerUserId }; // the server shows the offer again
      return;
    }
    const saved = this.readSaved();
    const mine = saved?.callId === callId ? saved : null;
    if (this.options.resume === 'off' || (state === 'ringing' && !mine) || mine?.e2e === 'with-secret') {
      this.signal.send('call:hangup', {});
      return;
    }
    const direction = role === 'caller' ? 'outgoing' : 'incoming';
    const now = this.env.now();
    const resumed: SavedCall = mine ?? {
      callId, peerUserId, direction, offeredVideo: false, muted: false, audio: true, video: false, startedAt: now, answeredAt: now,
    };
    const e2e = resumed.e2e === 'on' ? true : null;
    const call = this.makeCall({ peerUserId, direction, callId, offeredVideo: resumed.offeredVideo, extra: {}, e2e, resumed });
    if (state === 'active') {
      call.comeBack(resumed);
    } else {
      call.dial({ audio: resumed.audio, video: resumed.video });
      call.onRinging(1);
    }
    this.publish(call);
  }

  private onStatus(status: ConnectionStatus): void {
    if (status === 'unauthorized') this.session?.finish('unauthorized', 'server', null, null);
    else if (status === 'idle') this.session?.finish('disconnected', 'local', null, null);
  }

  // ---- what calls need --------------------------------------------------------------------------------------------

  private makeHost(): CallHost {
    const client = this;
    const { signal, env } = this;
    const { devices } = this.options;
    return {
      env,
      get selfId() {
        return signal.userId ?? '';
      },
      get ringTimeoutMs() {
        return client.hello?.ringTimeoutMs ?? kRingTimeoutMs;
      },
      get isOnline() {
        return signal.status === 'online';
      },
      send: (call, event, payload): SendOutcome => signal.send(event, payload, call.localId),
      settled: async () => void (await client.fence),
      configuration: () => client.configuration(),
      opensWithoutAsking: (media: MediaChoice) => opensWithoutAsking(env, media),
      choices: () => devices?.choices ?? { microphone: null, camera: null, speaker: null },
      cameraIds: () => devices?.devices.cameras.map((camera) => camera.deviceId) ?? [],
      save: (saved) => client.writeSaved(saved),
      onEnd: (call, end, tell) => client.onEnd(call, end, tell),
    };
  }

  private async configuration(): Promise<{ value: RTCConfiguration; warning: CallWarning | null }> {
    const { servers, warning } = await this.loadIceServers();
    return { value: { bundlePolicy: 'max-bundle', ...this.options.rtcConfiguration, iceServers: [...servers] }, warning };
  }

  private async loadIceServers(): Promise<{ servers: readonly RTCIceServer[]; warning: CallWarning | null }> {
    const { iceServers } = this.options;
    if (Array.isArray(iceServers)) return { servers: iceServers as readonly RTCIceServer[], warning: null };
    const load = typeof iceServers === 'function' ? iceServers : (): Promise<RTCIceServer[]> => this.signal.api.iceServers();
    let timer: unknown = null;
    const late = new Promise<never>((_, reject) => {
      timer = this.env.setTimeout(() => reject(new Error('The list of servers took too long')), kIceServersMs);
    });
    try {
      return { servers: await Promise.race([load(), late]), warning: null };
    } catch (error) {
      return { servers: [], warning: iceServersWarning(error) };
    } finally {
      this.env.clearTimeout(timer);
    }
  }

  private readSaved(): SavedCall | null {
    try {
      const saved = asMembers(JSON.parse(this.env.sessionStorage?.getItem(kSavedCallKey) ?? 'null'));
      return typeof saved['callId'] === 'string' && typeof saved['peerUserId'] === 'string' ? (saved as unknown as SavedCall) : null;
    } catch {
      return null;
    }
  }

  private writeSaved(saved: SavedCall | null): void {
    try {
      if (saved) this.env.sessionStorage?.setItem(kSavedCallKey, JSON.stringify(saved));
      else this.env.sessionStorage?.removeItem(kSavedCallKey);
    } catch {
      // Then a reload comes back with the default devices.
    }
  }
}

function isSame(call: CallSession, serverCall: ServerCall | null): boolean {
  if (!serverCall) return false;
  return call.callId === null ? call.peerUserId === serverCall.peerUserId : call.callId === serverCall.callId;
}
