// What the page and its sealing worker say to each other, and what calls and rooms see of the two.
import type { FrameCounts } from '../types.js';
import type { MediaKind } from './frames.js';
import type { ChainPosition } from './room-keys.js';
import type { SframeKey } from './sframe.js';

export interface StreamRole {
  readonly direction: 'send' | 'receive';
  readonly kind: MediaKind;
  /** In rooms, of what is received: frames of its owner pass, and no others. */
  readonly stream?: number;
}

export type ToWorker =
  /** refresh: with a key frame, for those who could read nothing before. */
  | { readonly type: 'send-key'; readonly key: SframeKey; readonly refresh: boolean }
  | { readonly type: 'receive-key'; readonly sender: string; readonly key: SframeKey }
  | { readonly type: 'receive-chain'; readonly sender: string; readonly tag: number; readonly position: ChainPosition }
  | { readonly type: 'owner'; readonly stream: number; readonly sender: string | null }
  | { readonly type: 'forget'; readonly sender: string }
  | { readonly type: 'streams'; readonly role: StreamRole; readonly readable: unknown; readonly writable: unknown }
  | { readonly type: 'count'; readonly id: number };

export type FromWorker =
  | { readonly type: 'counts'; readonly id: number; readonly counts: FrameCounts }
  /** One more sender or receiver has its transform. */
  | { readonly type: 'attached' };

/** Seals all that the transceivers send, and opens all that they receive. Without keys nothing passes. */
export interface MediaGuard {
  /** What the connection has to be made with. */
  readonly configuration: RTCConfiguration;
  /** As soon as there is the transceiver, before any description holds it. Again is harmless. */
  protect(transceiver: RTCRtpTransceiver): void;
  /** In rooms a section sends or receives. What is received passes once it has an owner, and only if sealed by that one. */
  protectSender(transceiver: RTCRtpTransceiver): void;
  protectReceiver(transceiver: RTCRtpTransceiver): void;
  setOwner(transceiver: RTCRtpTransceiver, sender: string | null): void;
  /** Whether all that was to be protected is: browsers may let frames pass as they are until the worker has taken them over. */
  readonly isReady: boolean;
  /** isReady has become true. */
  onReady: () => void;
  /** refresh: with a key frame at once. */
  sendWith(key: SframeKey, refresh?: boolean): void;
  receiveWith(sender: string, key: SframeKey): void;
  receiveChain(sender: string, tag: number, position: ChainPosition): void;
  forget(sender: string): void;
  /** null: it was closed. */
  counts(): Promise<FrameCounts | null>;
  close(): void;
}
