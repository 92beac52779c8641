// One phone call: what the server says of it, and its sound while it is on this page.
import { Emitter } from './emitter.js';
import type { Environment } from './environment.js';
import { ApiError, CallError } from './errors.js';
import { PhoneAudio, type PhoneAudioOptions } from './phone-audio.js';
import type {
  PhoneCall,
  PhoneCallEvents,
  PhoneCallRecord,
  PhoneEnd,
  PhoneSnapshot,
  PhoneStatus,
} from './phone-types.js';
import type { CallDirection, Unsubscribe } from './types.js';

/** What a call asks of the server. All reject with ApiError. */
export interface PhoneRequests {
  initiate(phoneNumber: string): Promise<PhoneCallRecord>;
  terminate(callId: string): Promise<PhoneCallRecord>;
  /** POST /api/calls/{id}/<what> */
  act(callId: string, what: string, body?: unknown): Promise<PhoneCallRecord>;
}

export interface PhoneHost {
  readonly env: Environment;
  readonly requests: PhoneRequests;
  readonly audio: Pick<PhoneAudioOptions, 'configuration' | 'choices'>;
  readonly onCallId: (call: PhoneSession) => void;
  readonly onEnd: (call: PhoneSession) => void;
}

const kRank: Readonly<Record<PhoneStatus, number>> = {
  dialing: 0,
  connecting: 1,
  ringing: 2,
  in_progress: 3,
  completed: 4,
  busy: 4,
  no_answer: 4,
  failed: 4,
  canceled: 4,
  declined: 4,
};

export function isOverPhoneStatus(status: PhoneStatus): boolean {
  return kRank[status] === 4;
}

export class PhoneSession implements PhoneCall {
  readonly localId: string;
  readonly direction: CallDirection;
  private readonly host: PhoneHost;
  private readonly events = new Emitter<PhoneCallEvents>();
  private readonly sound: PhoneAudio;
  private id: string | null = null;
  private here: boolean;
  private hangupWanted = false;
  /** Presses of keys go one after another. */
  private keys: Promise<unknown> = Promise.resolve();
  private now: PhoneSnapshot;

  constructor(host: PhoneHost, localId: string, phoneNumber: string, record: PhoneCallRecord | null) {
    this.host = host;
    this.localId = localId;
    this.direction = record?.direction ?? 'outgoing';
    this.here = record === null;
    this.now = {
      status: record?.status ?? 'dialing',
      phoneNumber,
      reason: null,
      cause: null,
      startedAt: host.env.now(),
      answeredAt: null,
      duration: 0,
      onHold: false,
      muted: false,
      accepted: record?.accepted ?? false,
      media: 'none',
      hearsRemote: false,
      microphone: false,
      end: null,
    };
    this.sound = new PhoneAudio({
      env: host.env,
      ...host.audio,
      sendAnswer: async (sdp) => {
        if (this.id !== null) await host.requests.act(this.id, 'answer', { sdp_answer: sdp });
      },
      restart: async () => {
        if (this.id === null) throw new CallError('bad-state', 'The call has not begun');
        const { sdpOffer } = await host.requests.act(this.id, 'ice-restart');
        if (sdpOffer === null) throw new CallError('bad-state', 'The server offers no new way');
        return sdpOffer;
      },
      onChange: () =>
        this.change({
          media: this.sound.state,
          hearsRemote: this.sound.hearsRemote,
          microphone: this.sound.hasMicrophone,
        }),
      onWarning: (warning) => this.events.emit('warning', warning),
    });
    if (record) {
      this.id = record.callId;
      this.update(record);
    }
  }

  get callId(): string | null {
    return this.id;
  }
  get phoneNumber(): string {
    return this.now.phoneNumber;
  }
  get snapshot(): PhoneSnapshot {
    return this.now;
  }
  get isOver(): boolean {
    return this.now.end !== null;
  }
  get isHere(): boolean {
    return this.here;
  }
  get remoteStream(): MediaStream {
    return this.sound.remoteStream;
  }
  on<Name extends keyof PhoneCallEvents>(event: Name, listener: (value: PhoneCallEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof PhoneCallEvents>(event: Name, listener: (value: PhoneCallEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  // ---- what the user does -----------------------------------------------------------------------------------------

  /** Of a call that this page dials. */
  async dial(): Promise<void> {
    void this.sound.open();
    let record: PhoneCallRecord;
    try {
      record = await this.host.requests.initiate(this.now.phoneNumber);
    } catch (error) {
      this.finish(refusal(error));
      return;
    }
    this.id = record.callId;
    this.host.onCallId(this);
    this.update(record);
    if (this.hangupWanted) return this.endOnServer();
    if (record.sdpOffer !== null && !this.isOver) await this.startSound(record.sdpOffer);
  }

  async accept(): Promise<void> {
    const id = this.id;
    if (this.direction !== 'incoming' || id === null || this.isOver || this.here) {
      throw new CallError('bad-state', 'There is no call to take');
    }
    this.here = true; // events of the acceptance may be faster than its answer
    void this.sound.open();
    try {
      const record = await this.host.requests.act(id, 'accept');
      this.update(record);
      if (record.sdpOffer !== null && !this.isOver) await this.startSound(record.sdpOffer);
    } catch (error) {
      this.here = false;
      if (error instanceof ApiError && error.code === 'accepted_already') this.finish(end('elsewhere'));
      else if (error instanceof ApiError && error.code === 'call_over') void this.learnEnd();
      throw error;
    }
  }

  decline(): void {
    if (this.direction !== 'incoming' || this.here || this.isOver || this.id === null) return;
    this.tell(this.host.requests.act(this.id, 'reject'));
  }

  hangup(): void {
    if (this.isOver) return;
    this.hangupWanted = true;
    this.sound.close();
    if (this.id !== null) void this.endOnServer();
    else this.change({ status: 'dialing', cause: 'caller' });
  }

  sendDigits(digits: string): Promise<void> {
    const send = this.keys.then(async () => {
      if (this.id === null || this.isOver) throw new CallError('bad-state', 'The call is not in progress');
      await this.host.requests.act(this.id, 'dtmf', { digits });
    });
    this.keys = send.catch(() => undefined);
    return send;
  }

  async setHold(on: boolean): Promise<void> {
    if (this.id === null || this.isOver) throw new CallError('bad-state', 'The call is not in progress');
    this.update(await this.host.requests.act(this.id, 'hold', { hold: on }));
  }

  async setMuted(on: boolean): Promise<void> {
    const before = this.now.muted;
    this.sound.muted = on;
    this.change({ muted: on });
    if (this.id === null || this.isOver) return;
    try {
      this.update(await this.host.requests.act(this.id, 'mute', { mute: on }));
    } catch (error) {
      this.sound.muted = before;
      this.change({ muted: before });
      throw error;
    }
  }

  // ---- what the server says ---------------------------------------------------------------------------------------

  update(record: PhoneCallRecord): void {
    if (this.isOver) return;
    // Answers and events may overtake each other: a call only ever goes on.
    if (kRank[record.status] < kRank[this.now.status]) return;
    const { env } = this.host;
    const answered = record.status === 'in_progress' && this.now.answeredAt === null;
    this.change({
      status: record.status,
      phoneNumber: record.phoneNumber,
      reason: record.reason,
      cause: record.cause ?? this.now.cause,
      answeredAt: answered ? env.now() - talkedAlready(record, env.now()) : this.now.answeredAt,
      duration: record.duration,
      onHold: record.onHold,
      muted: isOverPhoneStatus(record.status) ? this.now.muted : record.muted,
      accepted: this.now.accepted || record.accepted,
    });
    this.sound.muted = this.now.muted;
    if (isOverPhoneStatus(record.status)) this.finish(end('server'));
    else if (record.accepted && !this.here && this.direction === 'incoming') this.finish(end('elsewhere'));
  }

  /** A key of the telephone. */
  hearDigit(digit: string): void {
    if (!this.isOver) this.events.emit('digit', digit);
  }

  finish(why: PhoneEnd): void {
    if (this.isOver) return;
    this.sound.close();
    const status = isOverPhoneStatus(this.now.status) ? this.now.status : why.why === 'refused' ? 'failed' : 'completed';
    this.change({ end: why, status, onHold: false, media: 'none', hearsRemote: false });
    this.events.emit('end', why);
    this.host.onEnd(this);
    this.events.clear();
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private async startSound(offer: string): Promise<void> {
    try {
      await this.sound.connect(offer);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'call_over') return;
      if (!this.isOver) this.change({ media: 'failed' });
    }
  }

  private async endOnServer(): Promise<void> {
    if (this.id !== null) this.tell(this.host.requests.terminate(this.id));
  }

  /** A call that can't be ended because it has ended is over, whatever was asked. */
  private tell(request: Promise<PhoneCallRecord>): void {
    request.then(
      (record) => this.update(record),
      (error: unknown) => {
        if (error instanceof ApiError && !error.isTemporary) void this.learnEnd();
        else this.finish(end('lost'));
      },
    );
  }

  /** What became of it, when the events have not said so. */
  async learnEnd(): Promise<void> {
    if (this.isOver || this.id === null) return;
    try {
      this.update(await this.host.requests.act(this.id, ''));
    } catch (error) {
      if (error instanceof ApiError && !error.isTemporary) this.finish(end('lost'));
    }
  }

  private change(change: Partial<PhoneSnapshot>): void {
    if (this.now.end) return;
    const keys = Object.keys(change) as (keyof PhoneSnapshot)[];
    if (keys.every((key) => Object.is(change[key], this.now[key]))) return;
    this.now = { ...this.now, ...change };
    this.events.emit('change', this.now);
  }
}

function end(why: PhoneEnd['why']): PhoneEnd {
  return { why, code: null, retryAfter: null };
}

function refusal(error: unknown): PhoneEnd {
  if (error instanceof ApiError) return { why: 'refused', code: error.code, retryAfter: error.retryAfter };
  return { why: 'refused', code: 'internal', retryAfter: null };
}

/** Of a call that this page meets when it is under way. Clocks differ, so never negative. */
function talkedAlready(record: PhoneCallRecord, now: number): number {
  if (record.cause !== null || record.answerTime === null) return 0;
  return Math.max(0, now - Date.parse(record.answerTime));
}
