// Calls through a tunnel: what the server says over Socket.IO (docs/protocol/tunnel.md), and what an app sees of a call.

/** The part of a `socket.io-client` socket that is used: the package itself is the app's. Namespace `/call`. */
export interface TunnelSocket {
  readonly connected: boolean;
  emit(event: string, ...args: unknown[]): unknown;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

/** The configuration of Xray or v2ray, as it is to be written to its file. */
export interface XrayConfig {
  version?: string;
  log: { loglevel: string };
  inbounds: {
    tag?: string;
    listen?: string;
    port: number;
    protocol: string;
    settings: Record<string, unknown>;
    streamSettings?: Record<string, unknown>;
  }[];
  outbounds: {
    tag?: string;
    protocol: string;
    settings: Record<string, unknown>;
    streamSettings?: Record<string, unknown>;
  }[];
}

/** `vpn-config-received`. */
export interface VpnConnectionConfig {
  callId: string;
  vpnServer: string;
  vpnPort: number;
  encryptionKey: string;
  version?: string;
  xrayConfig: XrayConfig;
  /** `ip:port`: what is sent there through the proxy comes to the other side. */
  peerEndpoint?: string;
  /** `ip:port` of the media server, for media by ICE-TCP. */
  sfuEndpoint?: string;
}

/** A tunnel client that runs. */
export interface RunningTunnel {
  readonly proxy: { readonly host: string; readonly port: number };
  /** Ends it and removes what it left. Never fails. */
  stop(): Promise<void>;
  /** Called once if it ends by itself. */
  onExit?(listener: (reason: string) => void): void;
}

/**
 * Starts a tunnel client, resolves when its proxy takes connections. `signal` aborts when the call is over before that: what
 * was started by then has to be stopped.
 */
export type StartTunnel = (config: VpnConnectionConfig, signal: AbortSignal) => Promise<RunningTunnel>;

export const CallState = {
  IDLE: 'idle',
  INITIATING: 'initiating',
  RINGING: 'ringing',
  ACCEPTING: 'accepting',
  CONNECTING_VPN: 'connecting-vpn',
  VPN_CONNECTED: 'vpn-connected',
  ACTIVE: 'active',
  ENDED: 'ended',
  REJECTED: 'rejected',
  ERROR: 'error',
} as const;
export type CallState = (typeof CallState)[keyof typeof CallState];

export interface TunnelCallInfo {
  /** Empty until the server has given one. */
  readonly callId: string;
  readonly callerId: string;
  readonly calleeId: string;
  readonly direction: 'incoming' | 'outgoing';
}
