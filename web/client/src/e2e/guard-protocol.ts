// What the page and its sealing worker say to each other, and what calls and rooms see of the two.
import type { FrameCounts } from '../types.js';
import type { MediaKind } from './frames.js';
import type { SframeKey } from './sframe.js';

export interface StreamRole {
  readonly direction: 'send' | 'receive';
  readonly kind: MediaKind;
}

export type ToWorker =
  | { readonly type: 'send-key'; readonly key: SframeKey }
  | { readonly type: 'receive-key'; readonly sender: string; readonly key: SframeKey }
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
  /** Whether all that was to be protected is: browsers may let frames pass as they are until the worker has taken them over. */
  readonly isReady: boolean;
  /** isReady has become true. */
  onReady: () => void;
  sendWith(key: SframeKey): void;
  receiveWith(sender: string, key: SframeKey): void;
  forget(sender: string): void;
  /** null: it was closed. */
  counts(): Promise<FrameCounts | null>;
  close(): void;
}
