// What an app hears of a tunnelled call.
import type { PairKeys } from '../e2e/key-schedule.js';
import type { CallState, TunnelCallInfo, VpnConnectionConfig } from './types.js';

/** What the two ends of a call have agreed on, over a server that does not get it. */
export interface TunnelEncryption {
  /** Eight digits, the same on both sides when nobody is between them: show them, to be compared by voice. */
  readonly code: string;
  /** Of SFrame, for each direction: give them to a guard of `createMediaGuard`. */
  readonly keys: PairKeys;
}

export interface TunnelCallEvents {
  /** Every change, the last one too. `reason` says why a call is over or failed. */
  state: { readonly state: CallState; readonly call: TunnelCallInfo | null; readonly reason: string | null };
  /** Somebody calls: `acceptCall` or `rejectCall`. */
  incoming: TunnelCallInfo;
  /** Both tunnels are up: media may go to `peerEndpoint` through `proxy`. Call `mediaStarted` when it does. */
  connected: {
    readonly call: TunnelCallInfo;
    readonly config: VpnConnectionConfig;
    readonly proxy: { readonly host: string; readonly port: number };
    /** null: not asked for, by the option `endToEnd`. */
    readonly encryption: TunnelEncryption | null;
  };
  /** Other keys from now on: the other side has begun anew. */
  rekeyed: TunnelEncryption;
  /** The server refused something. `callId` is the call that it was about, if any. */
  error: { readonly message: string; readonly callId: string | null };
}
