// The WebSocket to the server: opened with a one-time ticket, opened again when it is lost, and probed when it is silent.
import type { ZvonokApi } from './api.js';
import { backoffMs } from './backoff.js';
import { isDeviceName, newDeviceName, takeDeviceName, type DeviceName } from './device-name.js';
import { Emitter } from './emitter.js';
import { createEnvironment, type Environment, type SocketLike, type TimerId } from './environment.js';
import { ApiError } from './errors.js';
import { SendQueue } from './send-queue.js';
import { parseHello, parseMessage, asMembers, type Members, type ServerHello, type WireMessage } from './protocol.js';
import type { ConnectionStatus, Listenable, PresenceUpdate, Unsubscribe } from './types.js';

export interface SignalOptions {
  readonly api: ZvonokApi;
  /** 1 to 64 of `A-Z a-z 0-9 _ -`. Default: a name that lives as long as the tab. */
  readonly device?: string | undefined;
  /** `ticket` (the default) keeps tokens out of URLs; `token` is for servers without tickets. */
  readonly auth?: 'ticket' | 'token' | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

export interface SignalEvents {
  status: ConnectionStatus;
  /** The next attempt is timed. */
  retry: { readonly attempt: number; readonly inMs: number };
  presence: PresenceUpdate;
  /** Messages flow (again). null: the server does not know `client:hello`. Comes before the first `message`. */
  hello: ServerHello | null;
  /** Every message of a call, in the server's order. */
  message: WireMessage;
  /** Another tab took this device's name; this one goes on under a new name, without the call it had. */
  replaced: void;
}

export type SendOutcome = 'sent' | 'queued' | 'refused';

/** Close codes of the server. */
const kReplaced = 4000;
const kUnauthorized = 4001;
const kTooManyConnections = 4029;
const kGoingAway = 1001;
const kServiceRestart = 1012;

const kConnectMs = 10_000;
/** A server that has not said hello by then doesn't know it. */
const kHelloMs = 2_000;
/** How long a probe waits for its answer. */
const kProbeMs = 4_000;
const kSilenceMs = 30_000;
const kRetry = { baseMs: 500, capMs: 30_000 };
/** During a call the server waits for about ten seconds, so the attempts stay close together. */
const kUrgentRetry = { baseMs: 300, capMs: 1_500 };
const kRestartSpreadMs = 1_000;
const kTooManyMs = 30_000;
const kWatchedMax = 500;

/** Waits for the answer to the hello with this number. */
interface HelloWaiter {
  readonly number: number;
  resolve(hello: ServerHello | null): void;
}

export class SignalConnection implements Listenable<SignalEvents> {
  readonly api: ZvonokApi;
  private readonly env: Environment;
  private readonly fixedDevice: string | null;
  private readonly auth: 'ticket' | 'token';
  private readonly events = new Emitter<SignalEvents>();
  private readonly queue = new SendQueue();
  private readonly cleanups: Unsubscribe[] = [];
  private readonly known = new Map<string, boolean>();

  private state: ConnectionStatus = 'idle';
  private deviceName: DeviceName | null = null;
  private naming: Promise<DeviceName> | null = null;
  private socket: SocketLike | null = null;
  /** Counts attempts, so that what belongs to an abandoned one is not taken for the present one's. */
  private generation = 0;
  private attempt = 0;
  private refreshedFor401 = false;
  private wanted = false;
  private disposed = false;
  private retryTimer: TimerId | null = null;
  private watchdog: TimerId | null = null;
  private silence: TimerId | null = null;
  /** Messages of calls that came before the server's hello. null: it is there already. */
  private early: WireMessage[] | null = null;
  private helloWaiters: HelloWaiter[] = [];
  private hellosSent = 0;
  private hellosHeard = 0;
  private knowsHello = false;
  private watched: readonly string[] = [];
  private currentUserId: string | null = null;
  /** While a call is on: attempts come quicker. Set by CallClient. */
  urgent = false;

  constructor(options: SignalOptions) {
    this.api = options.api;
    this.env = createEnvironment(options.environment);
    this.auth = options.auth ?? 'ticket';
    if (options.device !== undefined && !isDeviceName(options.device)) {
      throw new TypeError('device must be 1 to 64 of A-Z a-z 0-9 _ -');
    }
    this.fixedDevice = options.device ?? null;
    this.cleanups.push(
      this.env.onPageEvent('online', () => this.wake()),
      this.env.onPageEvent('visible', () => this.wake()),
      this.env.onPageEvent('pageshow', () => this.wake()),
      this.env.onPageEvent('network-change', () => this.wake()),
      this.api.on('session', (session) => this.onSession(session?.user.id ?? null)),
    );
  }

  get status(): ConnectionStatus {
    return this.state;
  }
  /** Who the server says we are; null before the first hello. */
  get userId(): string | null {
    return this.currentUserId ?? this.api.account?.id ?? null;
  }
  /** Empty before the first connect(). */
  get device(): string {
    return this.fixedDevice ?? this.deviceName?.name ?? '';
  }
  /** Of the people that are watched, as last heard. */
  get presence(): ReadonlyMap<string, boolean> {
    return this.known;
  }

  on<Name extends keyof SignalEvents>(event: Name, listener: (value: SignalEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof SignalEvents>(event: Name, listener: (value: SignalEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  // ---- what the application asks for ------------------------------------------------------------------------------

  /** Connects and stays connected until disconnect(). Calling it again does no harm. */
  connect(): void {
    if (this.disposed) return;
    this.wanted = true;
    if (this.state === 'idle' || this.state === 'unauthorized') this.startOver();
  }

  disconnect(): void {
    this.wanted = false;
    this.dropSocket(1000);
    this.queue.clear();
    this.setStatus('idle');
  }

  /** The network may be back: tries at once, or, when connected, finds out whether that is still true. */
  wake(): void {
    if (!this.wanted) return;
    if (this.state === 'waiting' || this.state === 'offline') this.startOver();
    else if (this.state === 'online') this.probe();
  }

  /** Whose presence to hear of: replaces the former list. Up to 500. */
  watchPresence(userIds: readonly string[]): void {
    this.watched = [...new Set(userIds)].slice(0, kWatchedMax);
    const wanted = new Set(this.watched);
    for (const userId of this.known.keys()) if (!wanted.has(userId)) this.known.delete(userId);
    if (this.state === 'online') this.sendNow('presence:watch', { userIds: this.watched });
  }

  // ---- what CallClient uses ---------------------------------------------------------------------------------------

  /** Sends now, or when connected again. `tag` names what the message belongs to, for dropQueued(). */
  send(event: string, payload: Members, tag = ''): SendOutcome {
    if (this.disposed) return 'refused';
    if (this.state === 'online' && this.sendNow(event, payload)) return 'sent';
    return this.queue.push({ text: JSON.stringify({ event, payload }), tag }) ? 'queued' : 'refused';
  }

  /** Forgets what waits under this tag. Says whether there was anything. */
  dropQueued(tag: string): boolean {
    return this.queue.drop(tag);
  }

  /** Asks the server how it sees us. Everything it sent before is delivered first. null: the connection was lost. */
  sync(): Promise<ServerHello | null> {
    if (this.state !== 'online' || !this.knowsHello || !this.sendHello()) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.helloWaiters.push({ number: this.hellosSent, resolve });
      if (this.watchdog === null) this.armWatchdog(kProbeMs, () => this.lose());
    });
  }

  // ---- attempts ---------------------------------------------------------------------------------------------------

  private startOver(): void {
    this.attempt = 0;
    this.refreshedFor401 = false;
    void this.open();
  }

  private async open(): Promise<void> {
    this.dropSocket(1000);
    const generation = this.generation;
    if (!this.env.isOnline()) {
      this.setStatus('offline');
      this.retryAfter(kRetry.capMs); // some systems say so wrongly
      return;
    }
    this.setStatus('connecting');
    try {
      const url = await this.socketUrl();
      if (generation !== this.generation || !this.wanted) return;
      this.listenTo(this.env.openSocket(url), generation);
    } catch (error) {
      if (generation !== this.generation || !this.wanted) return;
      this.onOpenFailed(error);
    }
  }

  private async socketUrl(): Promise<string> {
    if (this.fixedDevice === null && this.deviceName === null) await this.nameDevice();
    const parameters = new URLSearchParams();
    if (this.auth === 'ticket') parameters.set('ticket', await this.api.socketTicket());
    else parameters.set('token', await this.api.accessToken());
    parameters.set('device', this.device);
    return `${this.api.baseUrl.replace(/^http/, 'ws')}/ws?${parameters.toString()}`;
  }

  /** One name for all attempts: a second request for it would find it taken by the first. */
  private async nameDevice(): Promise<void> {
    this.naming ??= takeDeviceName(this.env);
    const name = await this.naming;
    this.naming = null;
    if (this.disposed) name.release();
    else this.deviceName = name;
  }

  private onOpenFailed(error: unknown): void {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      this.setStatus('unauthorized');
    } else if (error instanceof ApiError && error.retryAfter !== null) {
      // Plus jitter: everybody was told the same number.
      this.retryAfter(error.retryAfter * 1000 + this.env.random() * kRestartSpreadMs);
    } else {
      this.retry();
    }
  }

  private listenTo(socket: SocketLike, generation: number): void {
    this.socket = socket;
    this.early = [];
    this.watchdog = this.env.setTimeout(() => this.lose(), kConnectMs);
    socket.onopen = (): void => {
      if (generation !== this.generation) return;
      this.armWatchdog(kHelloMs, () => this.onHello(null));
      this.sendHello();
    };
    socket.onmessage = (event: { data: unknown }): void => {
      if (generation === this.generation) this.onData(event.data);
    };
    socket.onclose = (event: { code: number }): void => {
      if (generation === this.generation) this.onClose(event.code);
    };
    // A close follows, and says more.
    socket.onerror = null;
  }

  private onClose(code: number): void {
    this.dropSocket(null);
    if (!this.wanted) return;
    switch (code) {
      case kUnauthorized:
        void this.onUnauthorized();
        return;
      case kReplaced:
        void this.onReplaced();
        return;
      case kTooManyConnections:
        this.retryAfter(kTooManyMs * (0.5 + this.env.random()));
        return;
      case kGoingAway:
      case kServiceRestart:
        this.attempt = 0;
        this.retryAfter(this.env.random() * kRestartSpreadMs);
        return;
      default:
        this.retry();
    }
  }

  /** The token may just have run out: one refresh, one more try, then it is the application's turn. */
  private async onUnauthorized(): Promise<void> {
    if (this.refreshedFor401) {
      this.setStatus('unauthorized');
      return;
    }
    this.refreshedFor401 = true;
    this.setStatus('connecting');
    const generation = this.generation;
    try {
      await this.api.refresh();
      if (generation === this.generation && this.wanted) await this.open();
    } catch (error) {
      if (generation === this.generation && this.wanted) this.onOpenFailed(error);
    }
  }

  private async onReplaced(): Promise<void> {
    this.queue.clear();
    this.events.emit('replaced', undefined);
    if (this.fixedDevice !== null) {
      // The application gave the name, so it has to settle who bears it; two tabs would throw each other out for ever.
      this.wanted = false;
      this.setStatus('idle');
      return;
    }
    const generation = this.generation;
    this.setStatus('connecting');
    this.deviceName?.release();
    this.deviceName = null;
    const name = await newDeviceName(this.env);
    if (this.disposed) {
      name.release();
      return;
    }
    this.deviceName = name;
    if (generation === this.generation && this.wanted) await this.open();
  }

  private retry(): void {
    const wait = backoffMs(this.attempt, this.urgent ? kUrgentRetry : kRetry, this.env.random());
    this.retryAfter(wait);
  }

  private retryAfter(ms: number): void {
    this.attempt += 1;
    if (this.env.isOnline()) this.setStatus('waiting');
    else this.setStatus('offline');
    this.clearTimer('retryTimer');
    this.retryTimer = this.env.setTimeout(() => {
      this.retryTimer = null;
      void this.open();
    }, ms);
    this.events.emit('retry', { attempt: this.attempt, inMs: ms });
  }

  /** Gives the present socket up as lost. */
  private lose(): void {
    this.dropSocket(1000);
    if (this.wanted) this.retry();
  }

  /** Ends whatever attempt or socket there is. `code` null: it is closed already. */
  private dropSocket(code: number | null): void {
    this.generation += 1;
    this.clearTimer('retryTimer');
    this.clearTimer('watchdog');
    this.clearTimer('silence');
    const socket = this.socket;
    this.socket = null;
    this.early = null;
    this.hellosSent = this.hellosHeard = 0;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      if (code !== null) {
        try {
          socket.close(code);
        } catch {
          // It never opened.
        }
      }
    }
    for (const waiter of this.helloWaiters.splice(0)) waiter.resolve(null);
  }

  private onSession(userId: string | null): void {
    if (!this.wanted || this.disposed) return;
    if (userId === null) {
      this.dropSocket(1000);
      this.queue.clear();
      this.currentUserId = null;
      this.setStatus('unauthorized');
    } else if (this.state === 'unauthorized' || (this.currentUserId !== null && this.currentUserId !== userId)) {
      this.queue.clear();
      this.currentUserId = null;
      this.startOver();
    }
  }

  // ---- messages ---------------------------------------------------------------------------------------------------

  private onData(data: unknown): void {
    this.armSilence();
    const message = parseMessage(data);
    if (!message) return;
    switch (message.event) {
      case 'server:hello':
        this.onHello(parseHello(message.payload));
        return;
      case 'presence':
        this.onPresence(message.payload);
        return;
      default:
        if (!message.event.startsWith('call:')) return; // news of a later server
        if (this.early) this.early.push(message);
        else this.events.emit('message', message);
    }
  }

  /** The first hello of a socket opens it for messages; later ones answer probes. */
  private onHello(hello: ServerHello | null): void {
    this.hellosHeard += 1;
    const early = this.early;
    if (early === null) {
      if (this.hellosHeard >= this.hellosSent) this.clearTimer('watchdog');
      while ((this.helloWaiters[0]?.number ?? Infinity) <= this.hellosHeard) this.helloWaiters.shift()?.resolve(hello);
      return;
    }
    this.clearTimer('watchdog');
    this.knowsHello = hello !== null;
    const generation = this.generation;
    this.early = null;
    this.attempt = 0;
    this.refreshedFor401 = false;
    if (hello) this.currentUserId = hello.userId;
    this.armSilence();
    this.setStatus('online');
    // The listeners settle what became of their calls before they hear of news, and before old messages leave.
    this.events.emit('hello', hello);
    for (const message of early) {
      if (generation !== this.generation) return;
      this.events.emit('message', { ...message, early: true });
    }
    if (generation !== this.generation) return;
    if (this.watched.length > 0) this.sendNow('presence:watch', { userIds: this.watched });
    for (const item of this.queue.take()) this.socket?.send(item.text);
  }

  private onPresence(payload: Members): void {
    const users = Array.isArray(payload['users']) ? payload['users'] : [];
    for (const user of users.map(asMembers)) {
      const userId = user['userId'];
      if (typeof userId !== 'string') continue;
      const online = user['online'] === true;
      if (this.known.get(userId) === online) continue;
      this.known.set(userId, online);
      this.events.emit('presence', { userId, online });
    }
  }

  private sendHello(): boolean {
    if (!this.sendNow('client:hello', {})) return false;
    this.hellosSent += 1;
    return true;
  }

  private sendNow(event: string, payload: Members): boolean {
    if (!this.socket || this.socket.readyState !== 1) return false;
    this.socket.send(JSON.stringify({ event, payload }));
    return true;
  }

  // ---- is anybody there -------------------------------------------------------------------------------------------

  /** A page cannot see the server's pings, and a dead connection looks like a silent one: so it asks. */
  private probe(): void {
    if (!this.knowsHello || this.watchdog !== null || this.early !== null) return; // it can't be, or is under way
    if (!this.sendHello()) {
      this.lose();
      return;
    }
    this.armWatchdog(kProbeMs, () => this.lose());
  }

  private armSilence(): void {
    this.clearTimer('silence');
    this.silence = this.env.setTimeout(() => this.probe(), kSilenceMs);
  }

  private armWatchdog(ms: number, onTimeout: () => void): void {
    this.clearTimer('watchdog');
    this.watchdog = this.env.setTimeout(() => {
      this.watchdog = null;
      onTimeout();
    }, ms);
  }

  private clearTimer(name: 'retryTimer' | 'watchdog' | 'silence'): void {
    if (this[name] !== null) this.env.clearTimeout(this[name]);
    this[name] = null;
  }

  private setStatus(status: ConnectionStatus): void {
    if (this.state === status) return;
    this.state = status;
    this.events.emit('status', status);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disconnect();
    this.disposed = true;
    for (const cleanup of this.cleanups.splice(0)) cleanup();
    this.deviceName?.release();
    this.deviceName = null;
    this.events.clear();
  }
}
