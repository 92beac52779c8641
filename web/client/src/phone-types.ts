// The public vocabulary of phone calls.
import type { CallDirection, CallWarning, Listenable } from './types.js';

/** In this order; the last six are ends. `dialing`: the server has not said yet that it has the call. */
export type PhoneStatus =
  | 'dialing'
  | 'connecting'
  | 'ringing'
  | 'in_progress'
  | 'completed'
  | 'busy'
  | 'no_answer'
  | 'failed'
  | 'canceled'
  | 'declined';

/** A call as the server tells it. Times are RFC 3339 in UTC; null: it did not happen. */
export interface PhoneCallRecord {
  readonly callId: string;
  readonly sessionId: string;
  /** E.164; of an incoming call what the caller's company says, and '' when it is withheld. */
  readonly phoneNumber: string;
  readonly direction: CallDirection;
  readonly status: Exclude<PhoneStatus, 'dialing'>;
  readonly reason: string | null;
  readonly startTime: string;
  readonly ringTime: string | null;
  readonly answerTime: string | null;
  readonly endTime: string | null;
  /** Whole seconds from answer to end; 0 when nobody answered. */
  readonly duration: number;
  readonly onHold: boolean;
  readonly muted: boolean;
  /** Of an incoming call: a device has taken it. */
  readonly accepted: boolean;
  /** In events: who or what changed it. */
  readonly cause: string | null;
  readonly sdpOffer: string | null;
}

/** Why a call of this page is over. `server`: as `status` and `reason` of the record say. */
export interface PhoneEnd {
  /**
   * Besides the server's: `elsewhere` (another device has taken it, it goes on there), `refused` (the call was never begun:
   * `code` and `retryAfter` of the ApiError), `lost` (nobody knows what became of it), `disposed`.
   */
  readonly why: 'server' | 'elsewhere' | 'refused' | 'lost' | 'disposed';
  readonly code: string | null;
  readonly retryAfter: number | null;
}

/** none: nothing is to be heard yet. lost: it was there, and is being mended. */
export type PhoneMediaState = 'none' | 'connecting' | 'connected' | 'lost' | 'failed';

export interface PhoneSnapshot {
  readonly status: PhoneStatus;
  readonly phoneNumber: string;
  readonly reason: string | null;
  readonly cause: string | null;
  /** Of this page's clock, ms since 1970. */
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly duration: number;
  readonly onHold: boolean;
  readonly muted: boolean;
  readonly accepted: boolean;
  readonly media: PhoneMediaState;
  /** Whether the telephone's side is heard: an exchange may send its own tones before the answer. */
  readonly hearsRemote: boolean;
  readonly microphone: boolean;
  readonly end: PhoneEnd | null;
}

export interface PhoneCallEvents {
  change: PhoneSnapshot;
  /** A key that was pressed at the telephone. */
  digit: string;
  /** The microphone could not be had: the call goes on without. */
  warning: CallWarning;
  end: PhoneEnd;
}

/** One phone call as this page sees it. */
export interface PhoneCall extends Listenable<PhoneCallEvents> {
  readonly localId: string;
  /** null while dialing. */
  readonly callId: string | null;
  readonly direction: CallDirection;
  readonly phoneNumber: string;
  readonly snapshot: PhoneSnapshot;
  readonly isOver: boolean;
  /** Whether sound and keys are here: this page has dialed or accepted it. */
  readonly isHere: boolean;
  readonly remoteStream: MediaStream;

  /** Takes an incoming call. Rejects with ApiError; `accepted_already` means that another device was faster. */
  accept(): Promise<void>;
  /** Declines an incoming call for all devices. */
  decline(): void;
  hangup(): void;
  /** 0-9 * # A-D, and `,` for half a second of silence. They go in the order of the calls. */
  sendDigits(digits: string): Promise<void>;
  setHold(on: boolean): Promise<void>;
  setMuted(on: boolean): Promise<void>;
}
