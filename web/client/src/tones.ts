// The sounds of a telephone, made of sine waves: no files to ship.
import type { CallClient } from './call-client.js';
import { createEnvironment, type Environment, type TimerId } from './environment.js';
import type { PhoneClient } from './phone-client.js';
import type { PhoneCall } from './phone-types.js';
import type { Call, CallEndReason, Unsubscribe } from './types.js';

export type ToneName = 'ring' | 'ringback' | 'busy' | 'ended' | 'reconnecting';

export interface TonesOptions {
  /** 0 to 1; default 0.5. */
  readonly volume?: number | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

/** One sound of a pattern. Times in ms from the start of the pattern. */
interface Beep {
  readonly at: number;
  readonly ms: number;
  readonly frequencies: readonly number[];
}

interface Pattern {
  readonly beeps: readonly Beep[];
  readonly periodMs: number;
  readonly times: number;
}

/** ringback and busy as European exchanges send them (425 Hz). */
const kPatterns: Readonly<Record<ToneName, Pattern>> = {
  ring: {
    beeps: [
      { at: 0, ms: 180, frequencies: [659, 830] },
      { at: 220, ms: 180, frequencies: [659, 830] },
      { at: 440, ms: 420, frequencies: [880, 1109] },
    ],
    periodMs: 2_400,
    times: Infinity,
  },
  ringback: { beeps: [{ at: 0, ms: 1_000, frequencies: [425] }], periodMs: 5_000, times: Infinity },
  busy: { beeps: [{ at: 0, ms: 350, frequencies: [425] }], periodMs: 700, times: 5 },
  ended: {
    beeps: [
      { at: 0, ms: 120, frequencies: [520] },
      { at: 150, ms: 200, frequencies: [390] },
    ],
    periodMs: 400,
    times: 1,
  },
  reconnecting: { beeps: [{ at: 0, ms: 120, frequencies: [320] }], periodMs: 4_000, times: Infinity },
};
/** So short a rise and fall is not heard, and without it every beep would click. */
const kRampSeconds = 0.015;

export class Tones {
  private readonly env: Environment;
  private level: number;
  private context: AudioContext | null = null;
  private output: GainNode | null = null;
  private timer: TimerId | null = null;
  private name: ToneName | null = null;
  private sounding: OscillatorNode[] = [];
  private readonly followed = new Set<Unsubscribe>();
  private disposed = false;

  constructor(options: TonesOptions = {}) {
    this.env = createEnvironment(options.environment);
    this.level = clamp(options.volume ?? 0.5);
  }

  get volume(): number {
    return this.level;
  }
  set volume(volume: number) {
    this.level = clamp(volume);
    if (this.output) this.output.gain.value = this.level;
  }
  get playing(): ToneName | null {
    return this.name;
  }
  /** The browser keeps quiet until the user has touched the page: see unlock(). */
  get blocked(): boolean {
    return this.context?.state === 'suspended';
  }

  /** Plays a tone instead of the one that is playing. The same one goes on undisturbed. */
  play(name: ToneName): void {
    if (this.disposed || this.name === name) return;
    this.stop();
    if (!this.open()) return;
    this.name = name;
    void this.unlock();
    this.repeat(kPatterns[name], 0);
  }

  stop(): void {
    if (this.timer !== null) this.env.clearTimeout(this.timer);
    this.timer = null;
    this.name = null;
    for (const oscillator of this.sounding.splice(0)) {
      oscillator.onended = null;
      try {
        oscillator.stop();
      } catch {
        // It had not begun.
      }
      oscillator.disconnect();
    }
  }

  /** What a telephone's key sounds like (ITU-T Q.23), beside whatever else plays. */
  key(digit: string): void {
    const frequencies = keyTones(digit);
    if (!frequencies || !this.open()) return;
    void this.unlock();
    this.sound({ at: 0, ms: 120, frequencies });
  }

  /** To be called in a click or key handler. Says whether sound is allowed now. */
  async unlock(): Promise<boolean> {
    if (!this.open() || !this.context) return false;
    try {
      // Where it is not allowed yet, the promise waits for ever in some browsers: nobody may wait for it.
      void this.context.resume().catch(() => undefined);
      await Promise.resolve();
    } catch {
      return false;
    }
    return this.context.state === 'running';
  }

  /** Plays what fits the state of every call, until unsubscribed. */
  follow(calls: CallClient): Unsubscribe {
    const perCall = new Set<Unsubscribe>();
    const attach = (call: Call): void => {
      this.fit(call);
      const off = call.on('state', () => {
        this.fit(call);
        if (call.isOver) {
          off();
          perCall.delete(off);
        }
      });
      perCall.add(off);
    };
    const offCalls = calls.on('call', attach);
    if (calls.current) attach(calls.current);
    const off = (): void => {
      if (!this.followed.delete(off)) return;
      offCalls();
      for (const each of perCall) each();
      this.stop();
    };
    this.followed.add(off);
    return off;
  }

  /** The same for phone calls. An exchange that sends its own tones is left to be heard. */
  followPhone(phone: PhoneClient): Unsubscribe {
    const offs = new Set<Unsubscribe>();
    const attach = (call: PhoneCall): void => {
      this.fitPhone(call);
      const off = call.on('change', () => {
        this.fitPhone(call);
        if (!call.isOver) return;
        off();
        offs.delete(off);
      });
      offs.add(off);
    };
    const offCalls = phone.on('call', attach);
    for (const call of phone.calls) attach(call);
    const off = (): void => {
      if (!this.followed.delete(off)) return;
      offCalls();
      for (const each of offs) each();
      this.stop();
    };
    this.followed.add(off);
    return off;
  }

  dispose(): void {
    if (this.disposed) return;
    for (const off of [...this.followed]) off();
    this.stop();
    this.disposed = true;
    void this.context?.close().catch(() => undefined);
    this.context = this.output = null;
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private fit(call: Call): void {
    switch (call.state) {
      case 'ringing':
        this.play(call.direction === 'incoming' ? 'ring' : 'ringback');
        return;
      case 'reconnecting':
        this.play('reconnecting');
        return;
      case 'ended':
      case 'rejected':
      case 'error': {
        const tone = endTone(call.end?.reason ?? 'hangup', call.snapshot.answeredAt !== null, call.direction === 'outgoing');
        if (tone) this.play(tone);
        else this.stop();
        return;
      }
      case 'idle':
      case 'initiating':
      case 'accepting':
      case 'connecting':
      case 'active':
        this.stop();
    }
  }

  private fitPhone(call: PhoneCall): void {
    const { status, end, accepted, media, hearsRemote } = call.snapshot;
    const outgoing = call.direction === 'outgoing';
    let tone: ToneName | null = null;
    if (end) {
      if (end.why === 'server' && status === 'completed') tone = 'ended';
      else if (outgoing && (status === 'busy' || status === 'no_answer' || status === 'failed')) tone = 'busy';
    } else if (status === 'ringing' && !accepted && !call.isHere) {
      tone = 'ring';
    } else if (outgoing && status === 'ringing' && !hearsRemote) {
      tone = 'ringback';
    } else if (media === 'lost') {
      tone = 'reconnecting';
    }
    if (tone) this.play(tone);
    else this.stop();
  }

  private open(): boolean {
    if (this.disposed) return false;
    if (this.context) return true;
    this.context = this.env.createAudioContext();
    if (!this.context) return false;
    this.output = this.context.createGain();
    this.output.gain.value = this.level;
    this.output.connect(this.context.destination);
    return true;
  }

  private repeat(pattern: Pattern, count: number): void {
    if (count >= pattern.times) {
      this.name = null;
      this.timer = null;
      return;
    }
    // A page that is not allowed to sound yet would play all the missed beeps at once later.
    if (this.context?.state === 'running' || count === 0) for (const beep of pattern.beeps) this.sound(beep);
    this.timer = this.env.setTimeout(() => this.repeat(pattern, count + 1), pattern.periodMs);
  }

  private sound(beep: Beep): void {
    const { context, output } = this;
    if (!context || !output) return;
    const begin = context.currentTime + beep.at / 1000;
    const end = begin + beep.ms / 1000;
    for (const frequency of beep.frequencies) {
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.frequency.value = frequency;
      gain.gain.setValueAtTime(0, begin);
      gain.gain.linearRampToValueAtTime(0.4 / beep.frequencies.length, begin + kRampSeconds);
      gain.gain.setValueAtTime(0.4 / beep.frequencies.length, end - kRampSeconds);
      gain.gain.linearRampToValueAtTime(0, end);
      oscillator.connect(gain).connect(output);
      this.sounding.push(oscillator);
      oscillator.onended = (): void => {
        this.sounding = this.sounding.filter((each) => each !== oscillator);
        gain.disconnect();
      };
      oscillator.start(begin);
      oscillator.stop(end);
    }
  }
}

function keyTones(digit: string): readonly number[] | null {
  const place = '123A456B789C*0#D'.indexOf(digit.toUpperCase());
  if (digit.length !== 1 || place < 0) return null;
  return [[697, 770, 852, 941][place >> 2] ?? 0, [1209, 1336, 1477, 1633][place & 3] ?? 0];
}

function clamp(volume: number): number {
  return Math.min(1, Math.max(0, volume));
}

/** What is heard at the end of a call; null: nothing. */
export function endTone(reason: CallEndReason, answered: boolean, outgoing: boolean): ToneName | null {
  if (answered) return 'ended';
  if (!outgoing) return null; // it stopped ringing, that is enough
  switch (reason) {
    case 'busy':
    case 'declined':
    case 'no-answer':
    case 'offline':
    case 'unavailable':
      return 'busy';
    case 'canceled':
    case 'disposed':
    case 'hangup':
      return null;
    case 'answered-elsewhere':
    case 'disconnected':
    case 'server-shutdown':
    case 'replaced':
    case 'target-unknown':
    case 'bad-message':
    case 'unauthorized':
    case 'failed':
      return 'ended';
  }
}
