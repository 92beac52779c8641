// The namespace /call of Socket.IO over one WebSocket, for pages that bring no socket.io-client: as much of Engine.IO 4 and
// Socket.IO 5 as the tunnel dialect needs (no polling, no acknowledgements, no binary). Comes back by itself.
import { backoffMs } from '../backoff.js';
import { createEnvironment, type Environment, type SocketLike, type TimerId } from '../environment.js';
import type { TunnelSocket } from './types.js';

export interface CallSocketOptions {
  /** Origin of the server; default: that of the page. */
  readonly url?: string | undefined;
  /** Asked for each connection; rejects when nobody is logged in. */
  readonly getToken: () => Promise<string>;
  /** Names the device: a second socket of the same one takes the place of the first. */
  readonly device?: string | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

const kNamespace = '/call';
const kBackoff = { baseMs: 500, capMs: 15_000 };
/** From the open socket to the server's yes. */
const kConnectMs = 10_000;
const kSpareMs = 1_000;

type Listener = (...args: never[]) => void;

/** `connect`, `disconnect` and `connect_error` (`{message}`) beside the events of the dialect. */
export class CallSocket implements TunnelSocket {
  private readonly env: Environment;
  private readonly listeners = new Map<string, Set<Listener>>();
  private socket: SocketLike | null = null;
  private attempt = 0;
  private timer: TimerId | null = null;
  private heartbeatMs = 45_000;
  private inside = false;
  private closed = false;

  constructor(private readonly options: CallSocketOptions) {
    this.env = createEnvironment(options.environment);
    void this.open();
  }

  get connected(): boolean {
    return this.inside;
  }

  /** What is said while there is no connection is lost: the dialect repeats what matters. */
  emit(event: string, ...args: unknown[]): boolean {
    if (!this.inside) return false;
    this.socket?.send(`42${kNamespace},${JSON.stringify([event, ...args])}`);
    return true;
  }
  on(event: string, listener: Listener): this {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
    return this;
  }
  off(event: string, listener: Listener): this {
    this.listeners.get(event)?.delete(listener);
    return this;
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.rearm(null);
    if (this.inside) this.socket?.send(`41${kNamespace},`);
    this.drop('closed');
  }

  private async open(): Promise<void> {
    const token = await this.options.getToken().catch(() => null);
    if (this.closed) return;
    if (token === null) {
      this.later();
      return;
    }
    const base = new URL(this.options.url ?? this.env.origin ?? 'http://localhost');
    base.protocol = base.protocol.replace('http', 'ws');
    const socket = this.env.openSocket(new URL('/socket.io/?EIO=4&transport=websocket', base).href);
    this.socket = socket;
    socket.onmessage = (event: MessageEvent): void => {
      if (this.socket === socket && typeof event.data === 'string') this.hear(event.data, token);
    };
    socket.onclose = (): void => {
      if (this.socket === socket) this.drop('lost');
    };
    this.rearm(kConnectMs);
  }

  private hear(packet: string, token: string): void {
    const rest = packet.slice(1);
    switch (packet[0]) {
      case '0':
        this.begin(rest, token);
        return;
      case '1':
        this.drop('lost');
        return;
      case '2':
        this.socket?.send(`3${rest}`);
        if (this.inside) this.rearm(this.heartbeatMs);
        return;
      case '4':
        this.hearMessage(rest);
        return;
      default: // nothing that a client waits for
    }
  }

  private begin(handshake: string, token: string): void {
    const { pingInterval, pingTimeout } = membersOf(handshake);
    if (typeof pingInterval === 'number' && typeof pingTimeout === 'number') this.heartbeatMs = pingInterval + pingTimeout + kSpareMs;
    const { device } = this.options;
    this.socket?.send(`40${kNamespace},${JSON.stringify({ token, ...(device === undefined ? {} : { device }) })}`);
  }

  private hearMessage(message: string): void {
    const prefix = `${kNamespace},`;
    if (!message.slice(1).startsWith(prefix)) return;
    const payload = message.slice(1 + prefix.length);
    switch (message[0]) {
      case '0':
        this.inside = true;
        this.attempt = 0;
        this.rearm(this.heartbeatMs);
        this.tell('connect');
        return;
      case '1':
        this.drop('lost');
        return;
      case '2': {
        const [event, ...args] = listOf(payload);
        if (this.inside && typeof event === 'string') this.tell(event, ...args);
        return;
      }
      case '4':
        this.tell('connect_error', membersOf(payload));
        this.drop('refused');
        return;
      default: // acknowledgements and binary events are not part of the dialect
    }
  }

  /** The socket is given up; another one is made unless this one was closed on purpose. */
  private drop(why: string): void {
    const { socket } = this;
    this.socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const was = this.inside;
    this.inside = false;
    if (was) this.tell('disconnect', why);
    if (!this.closed) this.later();
  }

  private later(): void {
    const wait = backoffMs(this.attempt, kBackoff, this.env.random());
    this.attempt += 1;
    this.rearm(null);
    this.timer = this.env.setTimeout(() => void this.open(), wait);
  }

  /** Without a sign of life within `ms` the connection counts as lost. */
  private rearm(ms: number | null): void {
    if (this.timer !== null) this.env.clearTimeout(this.timer);
    this.timer = ms === null ? null : this.env.setTimeout(() => this.drop('silent'), ms);
  }

  private tell(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) (listener as (...each: unknown[]) => void)(...args);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function membersOf(text: string): Record<string, unknown> {
  const value = parse(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function listOf(text: string): unknown[] {
  const value = parse(text);
  return Array.isArray(value) ? value : [];
}
