// The main process's side of `window.zvonokTunnel`: starts the tunnel client that a page asks for, sets the proxy of its
// session, and undoes both however the call, the page or the app ends. Electron itself is the app's: what is used of it is
// said here.
import type { RunningTunnel, StartTunnel, VpnConnectionConfig } from '../tunnel/types.js';
import { trustedConfig } from './trusted-config.js';

/** Of `webContents.session`. */
export interface ElectronSession {
  setProxy(config: { mode?: 'direct'; proxyRules?: string; proxyBypassRules?: string }): Promise<void>;
  /** Connections that are kept for later know the proxy of before. */
  closeAllConnections(): Promise<void>;
}

/** Of a `WebContents`. */
export interface ElectronWebContents {
  readonly session: ElectronSession;
  setWebRTCIPHandlingPolicy(policy: 'default' | 'disable_non_proxied_udp'): void;
  send(channel: string, ...args: unknown[]): void;
  isDestroyed(): boolean;
  // What Electron's own types say of each event is assignable to nothing narrower.
  on(event: string, listener: (...args: any[]) => void): unknown;
  off(event: string, listener: (...args: any[]) => void): unknown;
}

/** Of an `IpcMainInvokeEvent`. */
export interface ElectronInvokeEvent {
  readonly sender: unknown;
  readonly senderFrame: { readonly url: string; readonly parent: unknown } | null;
}

/** Of `ipcMain`, and of `webContents.ipc`. */
export interface ElectronIpc {
  handle(channel: string, listener: (event: ElectronInvokeEvent, ...args: unknown[]) => unknown): void;
  removeHandler(channel: string): void;
}

/** Of `app`. */
export interface ElectronApp {
  on(event: 'will-quit', listener: (event: { preventDefault(): void }) => void): unknown;
  off(event: 'will-quit', listener: (event: { preventDefault(): void }) => void): unknown;
  quit(): void;
}

export interface HostTunnelOptions {
  readonly app: ElectronApp;
  /** The one page that may ask. */
  readonly webContents: ElectronWebContents;
  /** `webContents.ipc`, or `ipcMain` where one window is all there is. */
  readonly ipc: ElectronIpc;
  /** Where that page comes from, and what is reached without the tunnel: `https://calls.example.org`. */
  readonly origin: string;
  /** `tunnelClient({ executable: 'xray' })`. */
  readonly startTunnel: StartTunnel;
}

/** Channels between the preload script and the main process. */
export const tunnelChannels = { start: 'zvonok-tunnel-start', stop: 'zvonok-tunnel-stop', exit: 'zvonok-tunnel-exit' } as const;

/** From the app's start, once for each window. */
export function hostTunnel(options: HostTunnelOptions): TunnelHost {
  return new TunnelHost(options);
}

interface Attempt {
  readonly callId: string;
  readonly abort: AbortController;
  tunnel: RunningTunnel | null;
}

export class TunnelHost {
  private readonly options: HostTunnelOptions;
  private readonly origin: URL;
  /** Known for longer than the page, and other pages may share it. */
  private readonly session: ElectronSession;
  private current: Attempt | null = null;
  /** One thing after the other: a tunnel is not started while the one before is still being undone. */
  private last: Promise<unknown> = Promise.resolve();
  private turns = 0;
  private readonly offs: (() => void)[] = [];

  constructor(options: HostTunnelOptions) {
    this.options = options;
    this.origin = new URL(options.origin);
    // Pages without an origin can't be told from one another.
    if (this.origin.origin === 'null') throw new Error('the origin must be that of a server, such as https://calls.example.org');
    this.session = options.webContents.session;
    const { ipc, app } = options;
    ipc.handle(tunnelChannels.start, (event, config) => {
      this.check(event);
      return this.start(trustedConfig(config));
    });
    ipc.handle(tunnelChannels.stop, (event, callId) => {
      this.check(event);
      return this.stop(typeof callId === 'string' ? callId : null);
    });
    const gone = (): void => void this.stop();
    const quits = (event: { preventDefault(): void }): void => {
      if (!this.current && this.turns === 0) return;
      event.preventDefault();
      void this.stop().finally(() => app.quit());
    };
    this.listen('render-process-gone', gone);
    this.listen('destroyed', gone);
    // Another page in its place knows nothing of the call. What only begins to be one may turn out to be a download.
    this.listen('did-navigate', gone);
    app.on('will-quit', quits);
    this.offs.push(() => app.off('will-quit', quits));
    this.offs.push(() => [tunnelChannels.start, tunnelChannels.stop].forEach((channel) => ipc.removeHandler(channel)));
  }

  get isRunning(): boolean {
    return this.current !== null;
  }

  /** Stops what runs, and hears of no page any more. */
  async dispose(): Promise<void> {
    for (const off of this.offs.splice(0)) off();
    await this.stop();
  }

  /** A second one takes the place of the first: a page is in one call at most. */
  private start(config: VpnConnectionConfig): Promise<{ host: string; port: number }> {
    void this.stop();
    const attempt: Attempt = { callId: config.callId, abort: new AbortController(), tunnel: null };
    this.current = attempt;
    return this.inTurn(() => this.bringUp(attempt, config));
  }

  private async bringUp(attempt: Attempt, config: VpnConnectionConfig): Promise<{ host: string; port: number }> {
    const { webContents, startTunnel } = this.options;
    const { signal } = attempt.abort;
    try {
      signal.throwIfAborted();
      attempt.tunnel = await startTunnel(config, signal);
      attempt.tunnel.onExit?.((reason) => this.onExit(attempt, reason));
      signal.throwIfAborted();
      const { host, port } = attempt.tunnel.proxy;
      webContents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp');
      await this.session.setProxy({ proxyRules: `socks5://${host}:${port}`, proxyBypassRules: this.origin.host });
      signal.throwIfAborted();
      return { host, port };
    } catch (error) {
      if (this.current === attempt) this.current = null;
      await this.undo(attempt);
      throw error;
    }
  }

  /** Of that call, or of whatever there is. */
  private stop(callId: string | null = null): Promise<void> {
    const attempt = this.current;
    if (!attempt || (callId !== null && callId !== attempt.callId)) return this.settled();
    this.current = null;
    attempt.abort.abort(new Error('the call is over'));
    return this.inTurn(() => this.undo(attempt));
  }

  private async undo(attempt: Attempt): Promise<void> {
    const { tunnel } = attempt;
    attempt.tunnel = null;
    if (!tunnel) return;
    const { webContents } = this.options;
    // The proxy first: nothing may be sent to a port that somebody else has by then.
    await this.session.setProxy({ mode: 'direct' }).catch(() => undefined);
    await this.session.closeAllConnections().catch(() => undefined);
    if (!webContents.isDestroyed()) webContents.setWebRTCIPHandlingPolicy('default');
    await tunnel.stop();
  }

  private onExit(attempt: Attempt, reason: string): void {
    if (this.current !== attempt) return;
    void this.stop();
    const { webContents } = this.options;
    if (!webContents.isDestroyed()) webContents.send(tunnelChannels.exit, { callId: attempt.callId, reason });
  }

  private inTurn<T>(what: () => Promise<T>): Promise<T> {
    this.turns += 1;
    const turn = this.last.then(what).finally(() => (this.turns -= 1));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async settled(): Promise<void> {
    await this.last;
  }

  /** Whoever may start programs here is that one page, in its main frame. */
  private check({ sender, senderFrame }: ElectronInvokeEvent): void {
    const isPage = sender === this.options.webContents && senderFrame !== null && senderFrame.parent === null;
    if (!isPage || originOf(senderFrame.url) !== this.origin.origin) throw new Error('not for this page');
  }

  private listen(event: string, listener: () => void): void {
    const { webContents } = this.options;
    webContents.on(event, listener);
    this.offs.push(() => void (webContents.isDestroyed() || webContents.off(event, listener)));
  }
}

function originOf(url: string): string | null {
  try {
    return new URL(url).origin;
  } catch {
    return null;
  }
}
