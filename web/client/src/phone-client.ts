// The phone calls of this user, as this page sees them: dials, and rings when a telephone calls.
import type { ZvonokApi } from './api.js';
import { backoffMs, type BackoffOptions } from './backoff.js';
import type { DeviceManager } from './devices.js';
import { Emitter } from './emitter.js';
import { createEnvironment, type Environment, type TimerId } from './environment.js';
import { ApiError, CallError } from './errors.js';
import { isOverPhoneStatus, PhoneSession, type PhoneHost } from './phone-call.js';
import type { PhoneCall, PhoneCallRecord } from './phone-types.js';
import { members, toPhoneCall } from './rest-json.js';
import { EventReader } from './sse.js';
import type { Listenable, Unsubscribe } from './types.js';

export interface PhoneClientEvents {
  /** One that this page dials, or a telephone that calls. */
  call: PhoneCall;
  ended: PhoneCall;
}

export interface PhoneClientOptions {
  readonly api: ZvonokApi;
  readonly devices?: DeviceManager | undefined;
  /** Default: what the server lists. */
  readonly iceServers?: readonly RTCIceServer[] | undefined;
  readonly rtcConfiguration?: RTCConfiguration | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

/** The server sends something every 15 s. */
const kSilenceMaxMs = 40_000;
const kBackoff: BackoffOptions = { baseMs: 500, capMs: 20_000 };

export class PhoneClient implements Listenable<PhoneClientEvents> {
  private readonly env: Environment;
  private readonly api: ZvonokApi;
  private readonly host: PhoneHost;
  private readonly events = new Emitter<PhoneClientEvents>();
  private readonly sessions = new Set<PhoneSession>();
  private readonly offPage: Unsubscribe[];
  /** Events of calls that may be those that are being dialed: their ids are not known yet. */
  private unclaimed = new Map<string, PhoneCallRecord>();
  private stream: AbortController | null = null;
  private retryTimer: TimerId | null = null;
  private attempts = 0;
  private wanted = false;
  private disposed = false;
  private counter = 0;

  constructor(options: PhoneClientOptions) {
    const { api, devices, iceServers, rtcConfiguration } = options;
    this.env = createEnvironment(options.environment);
    this.api = api;
    this.host = {
      env: this.env,
      requests: {
        initiate: async (phoneNumber) => this.ask('initiate', { phone_number: phoneNumber }),
        // Closing the page must not leave a telephone on the line.
        terminate: async (callId) => this.ask('terminate', { call_id: callId }, true),
        act: async (callId, what, body) =>
          what === ''
            ? toPhoneCall(await api.request(pathOf(callId)))
            : this.ask(`${encodeURIComponent(callId)}/${what}`, body),
      },
      audio: {
        choices: () => devices?.choices ?? { microphone: null, camera: null, speaker: null },
        configuration: async () => ({
          iceServers: [...(iceServers ?? (await api.iceServers().catch(() => [])))],
          ...rtcConfiguration,
        }),
      },
      onCallId: (call) => this.claim(call),
      onEnd: (call) => {
        this.sessions.delete(call);
        this.events.emit('ended', call);
      },
    };
    this.offPage = [
      this.env.onPageEvent('online', () => this.retryNow()),
      this.env.onPageEvent('visible', () => this.retryNow()),
      this.env.onPageEvent('pagehide', () => this.hangUpAll()),
    ];
  }

  /** Those that are not over, the oldest first. */
  get calls(): readonly PhoneCall[] {
    return [...this.sessions];
  }
  /** Whether events come: only then does this page ring. */
  get isListening(): boolean {
    return this.stream !== null && this.attempts === 0;
  }

  on<Name extends keyof PhoneClientEvents>(event: Name, listener: (value: PhoneClientEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof PhoneClientEvents>(event: Name, listener: (value: PhoneClientEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  /** Listens for events from now on, through losses of the connection. */
  connect(): void {
    if (this.wanted || this.disposed) return;
    this.wanted = true;
    void this.listen();
  }

  disconnect(): void {
    this.wanted = false;
    this.stream?.abort();
    this.stream = null;
    this.cancelRetry();
  }

  /** Calls a telephone; what becomes of it shows in the call's events. Throws CallError `disposed`. */
  dial(phoneNumber: string): PhoneCall {
    if (this.disposed) throw new CallError('disposed', 'The client was disposed');
    this.connect();
    const call = this.add(phoneNumber, null);
    this.events.emit('call', call);
    void call.dial().finally(() => {
      if (!this.isDialing) this.unclaimed.clear();
    });
    return call;
  }

  /** Hangs up what this page talks in, and stops listening. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const off of this.offPage) off();
    this.hangUpAll();
    for (const call of [...this.sessions]) call.finish({ why: 'disposed', code: null, retryAfter: null });
    this.disconnect();
    this.events.clear();
  }

  private hangUpAll(): void {
    for (const call of [...this.sessions]) if (call.isHere) call.hangup();
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private async ask(path: string, body?: unknown, keepalive = false): Promise<PhoneCallRecord> {
    return toPhoneCall(await this.api.request(`/api/calls/${path}`, { method: 'POST', body, keepalive }));
  }

  private get isDialing(): boolean {
    return [...this.sessions].some((call) => call.callId === null && !call.isOver);
  }

  private add(phoneNumber: string, record: PhoneCallRecord | null): PhoneSession {
    this.counter += 1;
    const call = new PhoneSession(this.host, `phone-${this.counter}`, phoneNumber, record);
    this.sessions.add(call);
    return call;
  }

  private claim(call: PhoneSession): void {
    const known = call.callId === null ? undefined : this.unclaimed.get(call.callId);
    if (call.callId !== null) this.unclaimed.delete(call.callId);
    if (known) call.update(known);
  }

  private take(record: PhoneCallRecord): void {
    const known = [...this.sessions].find((call) => call.callId === record.callId);
    if (known) {
      known.update(record);
      return;
    }
    if (record.direction === 'outgoing') {
      if (this.isDialing) this.unclaimed.set(record.callId, record);
      return; // one of another device
    }
    if (isOverPhoneStatus(record.status) || record.accepted || record.status !== 'ringing') return;
    this.events.emit('call', this.add(record.phoneNumber, record));
  }

  private takeDigit(value: unknown): void {
    const { call_id: callId, digit } = members(value);
    if (typeof digit !== 'string') return;
    for (const call of [...this.sessions]) if (call.callId === callId) call.hearDigit(digit);
  }

  private async listen(): Promise<void> {
    const abort = new AbortController();
    this.stream = abort;
    try {
      const token = await this.api.accessToken();
      const response = await this.env.fetch(`${this.api.baseUrl}/api/calls/events`, {
        headers: { Accept: 'text/event-stream', Authorization: `Bearer ${token}` },
        cache: 'no-store',
        credentials: 'omit',
        signal: abort.signal,
      });
      if (response.status === 401) await this.api.refresh();
      if (!response.ok || !response.body) throw new Error(`The server answered ${response.status}`);
      this.attempts = 0;
      // Whoever was away learns what became of the calls that are not in the stream's beginning.
      for (const call of [...this.sessions]) if (call.callId !== null) void call.learnEnd();
      await this.read(response.body, abort);
    } catch (error) {
      // Nobody is logged in: connect() comes with the next login.
      if (error instanceof ApiError && error.code === 'no_token') this.wanted = false;
    }
    if (this.stream !== abort) return; // disconnected meanwhile, and perhaps connected anew
    this.stream = null;
    if (this.wanted) this.retryLater();
  }

  private async read(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const events = new EventReader();
    let silence: TimerId | null = null;
    // Reading ends with the stream's request, whatever the runtime does with it.
    const stop = (): void => void reader.cancel().catch(() => undefined);
    abort.signal.addEventListener('abort', stop);
    try {
      for (;;) {
        silence = this.env.setTimeout(() => abort.abort(), kSilenceMaxMs);
        const { done, value } = await reader.read();
        this.env.clearTimeout(silence);
        if (done) return;
        for (const event of events.take(decoder.decode(value, { stream: true }))) {
          if (event.name === 'status') this.take(toPhoneCall(JSON.parse(event.data)));
          if (event.name === 'digit') this.takeDigit(JSON.parse(event.data));
        }
      }
    } finally {
      if (silence !== null) this.env.clearTimeout(silence);
      abort.signal.removeEventListener('abort', stop);
      stop();
    }
  }

  private retryLater(): void {
    this.cancelRetry();
    const wait = backoffMs(this.attempts, kBackoff, this.env.random());
    this.attempts += 1;
    this.retryTimer = this.env.setTimeout(() => {
      this.retryTimer = null;
      void this.listen();
    }, wait);
  }
  private cancelRetry(): void {
    if (this.retryTimer !== null) this.env.clearTimeout(this.retryTimer);
    this.retryTimer = null;
  }
  private retryNow(): void {
    if (this.retryTimer === null) return;
    this.cancelRetry();
    void this.listen();
  }
}

function pathOf(callId: string): string {
  return `/api/calls/${encodeURIComponent(callId)}`;
}
