// The encryption of one pair call: the agreement, the guard of its media, and what the application sees of the two.
import type { Environment, TimerId } from '../environment.js';
import type { Members } from '../protocol.js';
import type { EncryptionChoice, EncryptionProblem, EncryptionState, FrameCounts } from '../types.js';
import { KeyAgreement } from './agreement.js';
import { utf8, type Bytes } from './bytes.js';
import type { MediaGuard } from './guard-protocol.js';

/** From the answer to the other end's key. */
const kAgreeMs = 15_000;
const kPeer = 'peer';

export const kNotEncrypted: EncryptionState = { state: 'off', code: null, problem: null };

export interface CallEncryptionOptions {
  readonly env: Environment;
  readonly selfId: string;
  readonly peerId: string;
  readonly choice: EncryptionChoice;
  /** Say `words` to the other end, if it can be heard by now; `again`: even those that were said. */
  readonly onWords: (again: boolean) => void;
  readonly onChange: () => void;
  /** mayCarry may have become true. */
  readonly onCarry: () => void;
  /** The call must not go on. */
  readonly onProblem: (problem: EncryptionProblem, message: string) => void;
}

/** What the users know besides, as bytes. */
export function extraOf(choice: EncryptionChoice): Bytes {
  const secret = choice === true ? undefined : choice.secret;
  if (secret === undefined) return new Uint8Array(0);
  return typeof secret === 'string' ? utf8(secret) : new Uint8Array(secret);
}

export class CallEncryption {
  state: EncryptionState = { state: 'agreeing', code: null, problem: null };
  private readonly options: CallEncryptionOptions;
  private readonly agreement: KeyAgreement;
  /** There are words from then on, unless it failed. */
  ready: Promise<unknown> = Promise.resolve();
  private guard: MediaGuard | null = null;
  private deadline: TimerId | null = null;

  constructor(options: CallEncryptionOptions) {
    this.options = options;
    this.agreement = new KeyAgreement({
      selfId: options.selfId,
      peerId: options.peerId,
      extra: extraOf(options.choice),
      onWords: options.onWords,
      onRound: () => {
        this.become({ state: 'agreeing', code: null, problem: null });
        this.awaitKeys();
      },
      onKeys: ({ send, receive, code }) => {
        this.guard?.receiveWith(kPeer, receive);
        this.guard?.sendWith(send);
        this.arm(null);
        this.become({ state: 'on', code, problem: null });
        options.onCarry();
      },
      onForged: (why) => this.fail('forged', why),
    });
  }

  /** False: this browser can't, and onProblem was called. */
  async start(): Promise<boolean> {
    try {
      this.guard = this.options.env.createMediaGuard();
      if (!this.guard) throw new Error('no RTCRtpScriptTransform and no createEncodedStreams');
      this.ready = this.agreement.start();
      this.guard.onReady = this.options.onCarry;
      await this.ready;
      return true;
    } catch (error) {
      this.fail('unsupported', `This browser can't encrypt end to end: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }

  get configuration(): RTCConfiguration {
    return this.guard?.configuration ?? {};
  }
  get words(): Members | null {
    return this.agreement.words;
  }
  get showsKey(): boolean {
    return this.agreement.showsKey;
  }
  /** Whether tracks may be given to the connection: there are keys, and nothing passes unsealed. */
  get mayCarry(): boolean {
    return this.state.state === 'on' && this.guard?.isReady === true;
  }
  /** Throws when the browser has no way: the connection must not be used then. */
  protect(transceiver: RTCRtpTransceiver): void {
    this.guard?.protect(transceiver);
  }
  async counts(): Promise<FrameCounts | null> {
    return this.guard ? this.guard.counts() : null;
  }

  /** What the other end says; undefined: nothing, which an offer or an answer must not. */
  hear(words: unknown, from: 'offer' | 'answer' | 'other'): void {
    if (words !== undefined) this.agreement.hear(words);
    else if (from === 'answer') this.fail('peer-unsupported', 'The other side does not encrypt end to end');
    else if (from === 'offer') this.fail('not-offered', 'The other side has offered media that is not encrypted end to end');
  }

  /** The call was answered: from now on keys have to come. */
  awaitKeys(): void {
    if (this.state.state !== 'on') this.arm(kAgreeMs);
  }

  stop(): void {
    this.arm(null);
    this.agreement.stop();
    this.guard?.close();
    this.guard = null;
  }

  private arm(ms: number | null): void {
    const { env } = this.options;
    if (this.deadline !== null) env.clearTimeout(this.deadline);
    this.deadline = ms === null ? null : env.setTimeout(() => this.fail('timeout', 'The other side has sent no key'), ms);
  }

  private fail(problem: EncryptionProblem, message: string): void {
    if (this.state.state === 'failed') return;
    this.arm(null);
    this.agreement.stop();
    this.become({ state: 'failed', code: null, problem });
    this.options.onProblem(problem, message);
  }

  private become(state: EncryptionState): void {
    this.state = state;
    this.options.onChange();
  }
}
