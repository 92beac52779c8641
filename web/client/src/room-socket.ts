// The WebSocket of one stay in a room: opened with a one-time ticket, opened again when it is lost, probed when silent.
import type { ZvonokApi } from './api.js';
import { backoffMs } from './backoff.js';
import type { Environment, SocketLike, TimerId } from './environment.js';
import { ApiError } from './errors.js';
import type { Members } from './protocol.js';
import { parseRoomMessage, type RoomMessage } from './room-protocol.js';
import type { RoomEndReason } from './room-types.js';
import type { Unsubscribe } from './types.js';

export interface RoomSocketOptions {
  readonly api: ZvonokApi;
  readonly env: Environment;
  readonly auth: 'ticket' | 'token';
  /** `/api/v1/group/17/call` */
  readonly path: string;
  /** What every message carries. */
  readonly roomId: string;
  readonly sessionId: string;
  /** Open: it is time for `join`. */
  readonly onOpen: () => void;
  readonly onMessage: (message: RoomMessage) => void;
  /** Lost; it is going to be opened again. */
  readonly onLost: () => void;
  /** Not to be opened again. */
  readonly onEnd: (reason: RoomEndReason, message: string | null) => void;
}

/** Close codes of the server. */
const kUnauthorized = 4001;
const kRemoved = 4003;
const kReplaced = 4009;
const kTooManyConnections = 4029;
const kGoingAway = 1001;
const kServiceRestart = 1012;

const kOpenMs = 10_000;
/** How long a probe waits for its answer. */
const kProbeMs = 4_000;
/** The server gives up after 60 s without a sign of life. */
const kSilenceMs = 20_000;
/** The server keeps the place for 30 s: attempts stay close together. */
const kRetry = { baseMs: 300, capMs: 4_000 };
const kRestartSpreadMs = 1_000;
const kTooManyMs = 30_000;

export class RoomSocket {
  private readonly options: RoomSocketOptions;
  private readonly env: Environment;
  private readonly cleanups: Unsubscribe[];
  private socket: SocketLike | null = null;
  /** Counts attempts, so that what belongs to an abandoned one is not taken for the present one's. */
  private generation = 0;
  private attempt = 0;
  private refreshedFor401 = false;
  private opened = false;
  private closed = false;
  private retryTimer: TimerId | null = null;
  private watchdog: TimerId | null = null;
  private silence: TimerId | null = null;

  constructor(options: RoomSocketOptions) {
    this.options = options;
    this.env = options.env;
    this.cleanups = (['online', 'visible', 'pageshow', 'network-change'] as const).map((event) =>
      this.env.onPageEvent(event, () => this.wake()),
    );
  }

  get isOpen(): boolean {
    return this.opened;
  }

  open(): void {
    void this.connect();
  }

  /** Sends now, or not at all: what matters is said again after the next join. */
  send(type: string, payload: Members | null = null): boolean {
    if (!this.socket || !this.opened || this.socket.readyState !== 1) return false;
    const { roomId, sessionId } = this.options;
    this.socket.send(JSON.stringify({ type, ...(payload === null ? {} : { payload }), roomId, sessionId }));
    return true;
  }

  /** The server let us in: the next attempts begin with short waits again. */
  settled(): void {
    this.attempt = 0;
    this.refreshedFor401 = false;
  }

  /** Gives the present socket up and opens another one after a while. */
  lose(): void {
    if (this.closed) return;
    this.drop(1000);
    this.retryAfter(backoffMs(this.attempt, kRetry, this.env.random()));
  }

  /** The network may be back: tries at once, or finds out whether the socket still works. */
  wake(): void {
    if (this.closed) return;
    if (this.retryTimer !== null) void this.connect();
    else if (this.opened) this.probe();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.drop(1000);
    for (const cleanup of this.cleanups) cleanup();
  }

  // ---- attempts ---------------------------------------------------------------------------------------------------

  private async connect(): Promise<void> {
    if (this.closed) return;
    this.drop(1000);
    const generation = this.generation;
    try {
      const url = await this.url();
      if (generation !== this.generation) return;
      this.listenTo(this.env.openSocket(url), generation);
    } catch (error) {
      if (generation === this.generation) this.onRefused(error);
    }
  }

  private async url(): Promise<string> {
    const { api, auth, path } = this.options;
    const query = new URLSearchParams(
      auth === 'ticket' ? { ticket: await api.socketTicket() } : { token: await api.accessToken() },
    );
    return `${api.baseUrl.replace(/^http/, 'ws')}${path}?${query.toString()}`;
  }

  private listenTo(socket: SocketLike, generation: number): void {
    const current = (): boolean => generation === this.generation;
    this.socket = socket;
    this.arm('watchdog', kOpenMs, () => this.lose());
    socket.onopen = (): void => {
      if (!current()) return;
      this.disarm('watchdog');
      this.opened = true;
      this.armSilence();
      this.options.onOpen();
    };
    socket.onmessage = (event: { data: unknown }): void => {
      if (current()) this.onData(event.data);
    };
    socket.onclose = (event: { code: number }): void => {
      if (current()) this.onClose(event.code);
    };
    socket.onerror = null; // a close follows
  }

  private onClose(code: number): void {
    const wasOpen = this.opened;
    this.drop(null);
    switch (code) {
      case kRemoved:
        this.end('removed', 'the server closed the connection as removed');
        return;
      case kReplaced:
        this.end('replaced', 'another connection took this session');
        return;
      case kUnauthorized:
        void this.onUnauthorized();
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
        if (wasOpen) this.retryAfter(backoffMs(this.attempt, kRetry, this.env.random()));
        else void this.findOut();
    }
  }

  /** Browsers hide why an upgrade was refused; the same address asked as a plain request says it. */
  private async findOut(): Promise<void> {
    const generation = this.generation;
    try {
      await this.options.api.request(this.options.path);
      if (generation === this.generation) this.onRefused(null);
    } catch (error) {
      if (generation === this.generation) this.onRefused(error);
    }
  }

  private onRefused(error: unknown): void {
    if (this.closed) return;
    const refusal = error instanceof ApiError ? error : null;
    if (refusal?.status === 401) this.end('unauthorized', refusal.message);
    else if (refusal?.status === 403) this.end('forbidden', refusal.message);
    else if (refusal?.retryAfter != null) this.retryAfter(refusal.retryAfter * 1000 + this.env.random() * kRestartSpreadMs);
    else this.retryAfter(backoffMs(this.attempt, kRetry, this.env.random())); // 426: welcome, the network was to blame
  }

  /** The token may just have run out: one refresh, one more try. */
  private async onUnauthorized(): Promise<void> {
    if (this.refreshedFor401) {
      this.end('unauthorized', 'the server does not take the token');
      return;
    }
    this.refreshedFor401 = true;
    this.options.onLost();
    const generation = this.generation;
    try {
      await this.options.api.refresh();
      if (generation === this.generation) await this.connect();
    } catch (error) {
      if (generation === this.generation) this.onRefused(error);
    }
  }

  private retryAfter(ms: number): void {
    this.attempt += 1;
    this.arm('retryTimer', ms, () => void this.connect());
    this.options.onLost();
  }

  private end(reason: RoomEndReason, message: string | null): void {
    this.close();
    this.options.onEnd(reason, message);
  }

  /** `code` null: it is closed already. */
  private drop(code: number | null): void {
    this.generation += 1;
    this.opened = false;
    this.disarm('retryTimer');
    this.disarm('watchdog');
    this.disarm('silence');
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    if (code === null) return;
    try {
      socket.close(code);
    } catch {
      // It never opened.
    }
  }

  // ---- is anybody there -------------------------------------------------------------------------------------------

  private onData(data: unknown): void {
    this.disarm('watchdog');
    this.armSilence();
    const message = parseRoomMessage(data);
    if (message && message.type !== 'pong') this.options.onMessage(message);
  }

  private probe(): void {
    if (this.watchdog !== null) return;
    if (this.send('ping')) this.arm('watchdog', kProbeMs, () => this.lose());
    else this.lose();
  }

  private armSilence(): void {
    this.arm('silence', kSilenceMs, () => this.probe());
  }

  private arm(name: 'retryTimer' | 'watchdog' | 'silence', ms: number, onTime: () => void): void {
    this.disarm(name);
    this[name] = this.env.setTimeout(() => {
      this[name] = null;
      onTime();
    }, ms);
  }

  private disarm(name: 'retryTimer' | 'watchdog' | 'silence'): void {
    if (this[name] !== null) this.env.clearTimeout(this[name]);
    this[name] = null;
  }
}
