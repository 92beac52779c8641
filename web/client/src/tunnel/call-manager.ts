// One tunnelled call at a time, from `initiate-call` or `incoming-call` to its end: says what the server must hear, starts
// and stops the tunnel client, and tells the app in which state the call is.
import { KeyAgreement } from '../e2e/agreement.js';
import { callSalt } from '../e2e/key-schedule.js';
import { Emitter } from '../emitter.js';
import type { Unsubscribe } from '../types.js';
import type { TunnelCallEvents, TunnelEncryption } from './events.js';
import {
  CallState,
  type RunningTunnel,
  type StartTunnel,
  type TunnelCallInfo,
  type TunnelSocket,
  type VpnConnectionConfig,
} from './types.js';

export interface CallManagerOptions {
  readonly startTunnel: StartTunnel;
  /** After the socket is back, the server says again what a running call has to know. Silence means that it is over. */
  readonly resumeTimeoutMs?: number;
  /**
   * Both ends agree a key that the server does not get (`e2e`, docs/protocol/e2e.md); `secret`: something that both users know besides.
   * `connected` waits for it, and a call whose other side does not do so fails. Default: not.
   */
  readonly endToEnd?: boolean | { readonly secret: string };
  /** From when both tunnels are up until there has to be a key. */
  readonly keyTimeoutMs?: number;
  /** For tests. */
  readonly timers?: {
    setTimeout(callback: () => void, ms: number): unknown;
    clearTimeout(timer: unknown): void;
  };
}

interface CurrentCall {
  info: TunnelCallInfo;
  config: VpnConnectionConfig | null;
  tunnel: RunningTunnel | null;
  readonly abort: AbortController;
  peerConnected: boolean;
  ready: boolean;
  agreement: KeyAgreement | null;
  /** The last words that were said. */
  said: string;
  encryption: TunnelEncryption | null;
}

const FINAL: readonly CallState[] = [CallState.ENDED, CallState.REJECTED, CallState.ERROR];

export class CallManager {
  private readonly emitter = new Emitter<TunnelCallEvents>();
  private readonly socket: TunnelSocket;
  private readonly options: CallManagerOptions;
  private readonly offs: (() => void)[] = [];
  private current: CurrentCall | null = null;
  private stateNow: CallState = CallState.IDLE;
  private resumeTimer: unknown = null;
  private keyTimer: unknown = null;
  /** What is being stopped: a new tunnel must not find the old one on its port. */
  private stopping: Promise<void> = Promise.resolve();

  constructor(socket: TunnelSocket, options: CallManagerOptions) {
    this.socket = socket;
    this.options = options;
    this.hear('call-initiated', (data) => this.onInitiated(data as unknown as TunnelCallInfo));
    this.hear('incoming-call', (data) => this.onIncoming(data as unknown as TunnelCallInfo));
    this.hear('call-accepted', (data) => this.ifCurrent(data, () => this.enter(CallState.CONNECTING_VPN)));
    this.hear('vpn-config-received', (data) =>
      this.ifCurrent(data, (call) => void this.bringUp(call, data as unknown as VpnConnectionConfig)),
    );
    this.hear('vpn-connected', (data) => this.ifCurrent(data, (call) => this.onPeerConnected(call)));
    this.hear('e2e', (data) => this.ifCurrent(data, (call) => call.agreement?.hear(data['data'])));
    this.hear('call-rejected', (data) => this.ifCurrent(data, () => this.finish(CallState.REJECTED, 'rejected')));
    this.hear('call-hangup', (data) =>
      this.ifCurrent(data, () => this.finish(CallState.ENDED, textOf(data['reason']) ?? 'hangup')),
    );
    this.hear('call-error', (data) => this.onError(data));
    const disconnected = (): void => this.clearResume();
    const connected = (): void => this.awaitResume();
    this.listen('disconnect', disconnected);
    this.listen('connect', connected);
  }

  get state(): CallState {
    return this.stateNow;
  }
  get call(): TunnelCallInfo | null {
    return this.current?.info ?? null;
  }

  on<Name extends keyof TunnelCallEvents>(
    event: Name,
    listener: (value: TunnelCallEvents[Name]) => void,
  ): Unsubscribe {
    return this.emitter.on(event, listener);
  }

  initiateCall(calleeId: string): void {
    this.refuseWhileBusy();
    this.begin({ callId: '', callerId: '', calleeId, direction: 'outgoing' }, CallState.INITIATING);
    this.socket.emit('initiate-call', { calleeId });
  }

  acceptCall(callId = this.current?.info.callId ?? ''): void {
    if (this.stateNow !== CallState.RINGING || this.current?.info.direction !== 'incoming') {
      throw new Error('there is no incoming call to accept');
    }
    this.enter(CallState.ACCEPTING);
    this.socket.emit('accept-call', { callId });
  }

  rejectCall(callId = this.current?.info.callId ?? ''): void {
    if (this.stateNow !== CallState.RINGING || this.current?.info.direction !== 'incoming') {
      throw new Error('there is no incoming call to reject');
    }
    this.socket.emit('reject-call', { callId });
    this.finish(CallState.ENDED, 'declined');
  }

  /** Resolves when the tunnel client is stopped. Without a call nothing happens. */
  async hangup(): Promise<void> {
    const call = this.current;
    // Before the server gave an id there is nothing to name; it hears of it when it does.
    if (call && call.info.callId !== '') this.socket.emit('hangup', { callId: call.info.callId });
    if (call) this.finish(CallState.ENDED, 'hangup');
    await this.stopping;
  }

  /** Media flows. */
  mediaStarted(): void {
    if (this.stateNow === CallState.VPN_CONNECTED) this.enter(CallState.ACTIVE);
  }

  /** Hangs up and hears no more of the socket, which stays the app's. */
  async dispose(): Promise<void> {
    await this.hangup();
    for (const off of this.offs.splice(0)) off();
    this.emitter.clear();
  }

  // ---- what the server says ------------------------------------------------------------------------------------------

  private onInitiated(data: TunnelCallInfo): void {
    const call = this.current;
    if (call?.info.callId === data.callId) {
      this.clearResume(); // said again after a reconnect
      return;
    }
    const mine = call && call.info.callId === '' && call.info.calleeId === data.calleeId;
    if (!mine) {
      // Hung up before it had an id.
      this.socket.emit('hangup', { callId: data.callId });
      return;
    }
    call.info = { ...call.info, callId: data.callId, callerId: data.callerId };
    this.enter(CallState.RINGING);
  }

  private onIncoming(data: TunnelCallInfo): void {
    if (this.current?.info.callId === data.callId) {
      this.clearResume();
      return;
    }
    if (this.current) return; // the server lets nobody be in two calls: its word about the other one is on the way
    const { callId, callerId, calleeId } = data;
    this.begin({ callId, callerId, calleeId, direction: 'incoming' }, CallState.RINGING);
    this.emitter.emit('incoming', this.current!.info);
  }

  private onError(data: Record<string, unknown>): void {
    const message = textOf(data['message']) ?? 'unknown error';
    const callId = textOf(data['callId']);
    this.emitter.emit('error', { message, callId });
    if (!this.current) return;
    const placing = callId === null && this.stateNow === CallState.INITIATING;
    const gone = callId === this.current.info.callId && message === 'Call not found';
    if (placing || gone) this.finish(CallState.ERROR, message);
  }

  private async bringUp(call: CurrentCall, config: VpnConnectionConfig): Promise<void> {
    this.clearResume();
    if (call.config) {
      // After a reconnect the server repeats itself; it may have missed that this side is ready.
      if (call.ready) this.socket.emit('vpn-ready', { callId: call.info.callId });
      this.sayWords(call, true);
      return;
    }
    call.config = config;
    this.enter(CallState.CONNECTING_VPN);
    void this.agree(call, config.encryptionKey);
    try {
      await this.stopping;
      if (call !== this.current) return;
      const tunnel = await this.options.startTunnel(config, call.abort.signal);
      if (call !== this.current) {
        void tunnel.stop();
        return;
      }
      call.tunnel = tunnel;
      tunnel.onExit?.((reason) => this.onTunnelLost(call, reason));
      call.ready = true;
      this.socket.emit('vpn-ready', { callId: call.info.callId });
      this.connectedIfBothAre(call);
    } catch (error) {
      this.onTunnelLost(call, error instanceof Error ? error.message : String(error));
    }
  }

  private onTunnelLost(call: CurrentCall, reason: string): void {
    if (call !== this.current) return;
    this.socket.emit('hangup', { callId: call.info.callId });
    this.finish(CallState.ERROR, `the tunnel client failed: ${reason}`);
  }

  private onPeerConnected(call: CurrentCall): void {
    call.peerConnected = true;
    this.connectedIfBothAre(call);
  }

  private connectedIfBothAre(call: CurrentCall): void {
    if (!call.peerConnected || !call.tunnel || !call.config || this.stateNow !== CallState.CONNECTING_VPN) return;
    const { encryption } = call;
    if (call.agreement && !encryption) return this.awaitKeys(call);
    this.clearKeyTimer();
    this.enter(CallState.VPN_CONNECTED);
    this.emitter.emit('connected', { call: call.info, config: call.config, proxy: call.tunnel.proxy, encryption });
  }

  // ---- the key that only the two ends have ---------------------------------------------------------------------------

  private async agree(call: CurrentCall, encryptionKey: string): Promise<void> {
    const { endToEnd = false } = this.options;
    if (endToEnd === false) return;
    const { callerId, calleeId, direction } = call.info;
    const [selfId, peerId] = direction === 'outgoing' ? [callerId, calleeId] : [calleeId, callerId];
    const agreement = new KeyAgreement({
      selfId,
      peerId,
      extra: callSalt(encryptionKey, endToEnd === true ? '' : endToEnd.secret),
      onWords: (again) => this.sayWords(call, again),
      // Until the next keys nothing is to be said with the ones before, but what is on the way may be opened.
      onRound: () => undefined,
      onKeys: (keys) => this.onKeys(call, { code: keys.code, keys }),
      onForged: (why) => this.breakOff(call, why),
    });
    call.agreement = agreement;
    try {
      await agreement.start();
      this.sayWords(call, false);
    } catch {
      this.breakOff(call, 'this browser has no X25519');
    }
  }

  private sayWords(call: CurrentCall, again: boolean): void {
    const words = call.agreement?.words;
    if (call !== this.current || !words) return;
    const text = JSON.stringify(words);
    if (text === call.said && !again) return;
    call.said = text;
    this.socket.emit('e2e', { callId: call.info.callId, data: words });
  }

  private onKeys(call: CurrentCall, encryption: TunnelEncryption): void {
    if (call !== this.current) return;
    const isFirst = call.encryption === null;
    call.encryption = encryption;
    if (isFirst) this.connectedIfBothAre(call);
    else this.emitter.emit('rekeyed', encryption);
  }

  private awaitKeys(call: CurrentCall): void {
    if (this.keyTimer !== null) return;
    const timers = this.options.timers ?? globalThis;
    this.keyTimer = timers.setTimeout(
      () => this.breakOff(call, 'the other side has sent no key'),
      this.options.keyTimeoutMs ?? 15_000,
    );
  }

  private breakOff(call: CurrentCall, why: string): void {
    if (call !== this.current) return;
    this.socket.emit('hangup', { callId: call.info.callId });
    this.finish(CallState.ERROR, `end to end: ${why}`);
  }

  private clearKeyTimer(): void {
    if (this.keyTimer === null) return;
    const timers = (this.options.timers ?? globalThis) as { clearTimeout(timer: unknown): void };
    timers.clearTimeout(this.keyTimer);
    this.keyTimer = null;
  }

  // ---- a call's life -------------------------------------------------------------------------------------------------

  private begin(info: TunnelCallInfo, state: CallState): void {
    this.current = {
      info,
      config: null,
      tunnel: null,
      abort: new AbortController(),
      peerConnected: false,
      ready: false,
      agreement: null,
      said: '',
      encryption: null,
    };
    this.enter(state);
  }

  private enter(state: CallState, reason: string | null = null): void {
    if (state === this.stateNow && !FINAL.includes(state)) return;
    this.stateNow = state;
    this.emitter.emit('state', { state, call: this.call, reason });
  }

  private finish(state: CallState, reason: string): void {
    const call = this.current;
    if (!call) return;
    this.clearResume();
    this.clearKeyTimer();
    call.agreement?.stop();
    call.abort.abort();
    this.enter(state, reason);
    this.current = null;
    if (call.tunnel) this.stopping = this.stopping.then(() => call.tunnel!.stop());
    this.stateNow = CallState.IDLE;
  }

  private refuseWhileBusy(): void {
    if (this.current) throw new Error('there is a call already');
    if (!this.socket.connected) throw new Error('not connected to the server');
  }

  // ---- the socket ----------------------------------------------------------------------------------------------------

  private awaitResume(): void {
    const call = this.current;
    if (!call) return;
    if (call.info.callId === '') {
      // Whether the server heard of it is not known: nothing rings that nobody waits for.
      this.finish(CallState.ERROR, 'the connection was lost while the call was placed');
      return;
    }
    this.clearResume();
    const timers = this.options.timers ?? globalThis;
    this.resumeTimer = timers.setTimeout(
      () => this.finish(CallState.ENDED, 'disconnected'),
      this.options.resumeTimeoutMs ?? 5000,
    );
  }

  private clearResume(): void {
    if (this.resumeTimer === null) return;
    const timers = (this.options.timers ?? globalThis) as { clearTimeout(timer: unknown): void };
    timers.clearTimeout(this.resumeTimer);
    this.resumeTimer = null;
  }

  private ifCurrent(data: Record<string, unknown>, then: (call: CurrentCall) => void): void {
    if (this.current && data['callId'] === this.current.info.callId) then(this.current);
  }

  private hear(event: string, listener: (data: Record<string, unknown>) => void): void {
    this.listen(event, (data?: unknown) => {
      if (typeof data === 'object' && data !== null) listener(data as Record<string, unknown>);
    });
  }

  private listen(event: string, listener: (data?: unknown) => void): void {
    this.socket.on(event, listener);
    this.offs.push(() => this.socket.off(event, listener));
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
