// What a call needs of the client it belongs to.
import type { Environment } from './environment.js';
import type { Members } from './protocol.js';
import type { SendOutcome } from './signal.js';
import type { CallEnd, CallWarning, DeviceChoices, MediaChoice } from './types.js';
import type { CallSession } from './call.js';

/** What survives a reload of the page. */
export interface SavedCall {
  readonly callId: string;
  readonly peerUserId: string;
  readonly direction: 'outgoing' | 'incoming';
  readonly offeredVideo: boolean;
  readonly muted: boolean;
  readonly audio: boolean;
  readonly video: boolean;
  /** End to end; with a secret it can't come back, since that is kept nowhere. */
  readonly e2e?: 'on' | 'with-secret' | undefined;
  readonly startedAt: number;
  readonly answeredAt: number | null;
}

export interface CallHost {
  readonly env: Environment;
  readonly selfId: string;
  readonly ringTimeoutMs: number;
  /** Whether messages leave at once. */
  readonly isOnline: boolean;
  send(call: CallSession, event: string, payload: Members): SendOutcome;
  /** Everything that belongs to calls before this one has been heard. */
  settled(): Promise<void>;
  configuration(): Promise<{ readonly value: RTCConfiguration; readonly warning: CallWarning | null }>;
  /** Whether the browser opens these devices without asking the user first. */
  opensWithoutAsking(media: MediaChoice): Promise<boolean>;
  choices(): DeviceChoices;
  cameraIds(): readonly string[];
  /** Keeps, or forgets, what a reloaded page needs to come back. */
  save(call: SavedCall | null): void;
  /** The call is over. `tell`: what the other side is to be told, null when it knows. */
  onEnd(call: CallSession, end: CallEnd, tell: Members | null): void;
}
