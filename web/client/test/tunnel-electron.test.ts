// The main process's side of `window.zvonokTunnel`, with what it uses of Electron played by a few lines.
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';

import { hostTunnel, tunnelChannels, type ElectronInvokeEvent } from '../src/tunnel-node/electron.js';
import { trustedConfig } from '../src/tunnel-node/trusted-config.js';
import type { RunningTunnel, VpnConnectionConfig } from '../src/tunnel/types.js';

const settle = async (turns = 50): Promise<void> => {
  for (let i = 0; i < turns; i += 1) await Promise.resolve();
};

const config = (callId = 'c-1'): VpnConnectionConfig => ({
  callId,
  vpnServer: 'vpn.example.org',
  vpnPort: 443,
  encryptionKey: 'a2V5',
  version: '1.0',
  peerEndpoint: '198.18.1.1:40000',
  xrayConfig: {
    version: '1.0',
    log: { loglevel: 'warning' },
    inbounds: [
      { tag: 'socks-in', listen: '127.0.0.1', port: 10808, protocol: 'socks', settings: { auth: 'noauth', udp: true, ip: '127.0.0.1' } },
    ],
    outbounds: [
      {
        tag: 'call-out',
        protocol: 'vless',
        settings: { vnext: [{ address: 'vpn.example.org', port: 443, users: [{ id: 'b831381d-6324-4d53-ad4f-8cda48b30811', encryption: 'none' }] }] },
        streamSettings: { network: 'ws', security: 'tls', wsSettings: { path: '/call' }, tlsSettings: { serverName: 'vpn.example.org' } },
      },
    ],
  },
});

/** A tunnel client that is there when it is told so. */
class FakeClient implements RunningTunnel {
  readonly proxy: { host: string; port: number };
  private ended: ((reason: string) => void) | null = null;
  constructor(
    private readonly world: World,
    readonly callId: string,
    port: number,
  ) {
    this.proxy = { host: '127.0.0.1', port };
  }
  onExit(listener: (reason: string) => void): void {
    this.ended = listener;
  }
  crash(reason: string): void {
    this.world.did.push(`${this.callId} crashed`);
    this.ended?.(reason);
  }
  stop(): Promise<void> {
    this.world.did.push(`${this.callId} stopped`);
    return Promise.resolve();
  }
}

class World {
  readonly did: string[] = [];
  readonly sent: unknown[][] = [];
  readonly app = Object.assign(new EventEmitter(), { quit: (): void => void this.did.push('quit') });
  readonly handlers = new Map<string, (event: ElectronInvokeEvent, ...args: unknown[]) => unknown>();
  readonly clients: FakeClient[] = [];
  isDestroyed = false;
  /** Starts wait until they are let go. */
  slow: (() => void)[] | null = null;
  failure: Error | null = null;
  readonly webContents = Object.assign(new EventEmitter(), {
    session: {
      setProxy: (proxy: { mode?: string; proxyRules?: string; proxyBypassRules?: string }): Promise<void> => {
        this.did.push(proxy.mode ?? `proxy ${proxy.proxyRules} but for ${proxy.proxyBypassRules}`);
        return Promise.resolve();
      },
      closeAllConnections: (): Promise<void> => Promise.resolve(),
    },
    setWebRTCIPHandlingPolicy: (policy: string): void => void this.did.push(policy),
    send: (...args: unknown[]): void => {
      if (this.isDestroyed) throw new Error('Object has been destroyed');
      this.sent.push(args);
    },
    isDestroyed: (): boolean => this.isDestroyed,
  });
  readonly host = hostTunnel({
    app: this.app,
    ipc: {
      handle: (channel, listener) => void this.handlers.set(channel, listener),
      removeHandler: (channel) => void this.handlers.delete(channel),
    },
    webContents: this.webContents,
    origin: 'https://calls.example.org',
    startTunnel: async (given, signal) => {
      if (this.failure) throw this.failure;
      if (this.slow) {
        await new Promise<void>((resolve, reject) => {
          this.slow!.push(resolve);
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      }
      this.did.push(`${given.callId} started`);
      const client = new FakeClient(this, given.callId, 10808 + this.clients.length);
      this.clients.push(client);
      return client;
    },
  });

  /** As the page's preload script does. */
  async invoke(channel: string, argument?: unknown, event: Partial<ElectronInvokeEvent> = {}): Promise<unknown> {
    const senderFrame = { url: 'https://calls.example.org/app/', parent: null };
    return this.handlers.get(channel)!({ sender: this.webContents, senderFrame, ...event }, argument);
  }
  start = (callId = 'c-1'): Promise<unknown> => this.invoke(tunnelChannels.start, config(callId));
  stop = (callId?: string): Promise<unknown> => this.invoke(tunnelChannels.stop, callId);
}

const undone = (callId: string): string[] => ['direct', 'default', `${callId} stopped`];

describe('hostTunnel', () => {
  it('starts the client, sets the proxy, and undoes both at the end of the call', async () => {
    const world = new World();
    expect(await world.start()).toEqual({ host: '127.0.0.1', port: 10808 });
    expect(world.did.splice(0)).toEqual([
      'c-1 started',
      'disable_non_proxied_udp',
      'proxy socks5://127.0.0.1:10808 but for calls.example.org',
    ]);
    await world.stop('c-1');
    expect(world.did).toEqual(undone('c-1'));
    await world.stop('c-1');
    expect(world.did).toHaveLength(3);
    expect(world.host.isRunning).toBe(false);
  });

  it.each(['render-process-gone', 'destroyed', 'did-navigate'])('cleans up at %s', async (event) => {
    const world = new World();
    await world.start();
    world.did.length = 0;
    world.isDestroyed = event === 'destroyed';
    world.webContents.emit(event, {}, {});
    await settle();
    expect(world.did).toEqual(event === 'destroyed' ? ['direct', 'c-1 stopped'] : undone('c-1'));
  });

  it('goes on when a frame in the page is navigated, a place in it, or a download', async () => {
    const world = new World();
    await world.start();
    for (const event of ['did-start-navigation', 'did-frame-navigate', 'did-navigate-in-page', 'did-fail-provisional-load']) {
      world.webContents.emit(event, {}, {});
    }
    await settle();
    expect(world.host.isRunning).toBe(true);
  });

  it('lets the app quit when everything is undone, and at once when there is nothing', async () => {
    const world = new World();
    let prevented = 0;
    const quit = (): void => void world.app.emit('will-quit', { preventDefault: () => (prevented += 1) });
    quit();
    expect(prevented).toBe(0);
    await world.start();
    world.did.length = 0;
    quit();
    expect(prevented).toBe(1);
    await settle();
    expect(world.did).toEqual([...undone('c-1'), 'quit']);
    quit();
    expect(prevented).toBe(1);
  });

  it('waits with quitting for what is being undone already', async () => {
    const world = new World();
    await world.start();
    world.did.length = 0;
    void world.stop();
    let prevented = 0;
    world.app.emit('will-quit', { preventDefault: () => (prevented += 1) });
    expect(prevented).toBe(1);
    await settle();
    expect(world.did).toEqual([...undone('c-1'), 'quit']);
  });

  it('puts a second call in the place of the first', async () => {
    const world = new World();
    await world.start('c-1');
    await world.start('c-2');
    expect(world.did).toEqual([
      'c-1 started',
      'disable_non_proxied_udp',
      'proxy socks5://127.0.0.1:10808 but for calls.example.org',
      ...undone('c-1'),
      'c-2 started',
      'disable_non_proxied_udp',
      'proxy socks5://127.0.0.1:10809 but for calls.example.org',
    ]);
    await world.stop('c-1');
    expect(world.host.isRunning, 'the end of the first call is none of the second').toBe(true);
  });

  it('stops what is being started when the call is over before', async () => {
    const world = new World();
    world.slow = [];
    const starting = world.start();
    await settle();
    await world.stop('c-1');
    await expect(starting).rejects.toThrow('aborted');
    expect(world.did).toEqual([]);
    // One that does not hear of it is stopped when it is there.
    const late = world.start('c-2');
    await settle();
    world.slow.at(-1)!();
    await world.stop('c-2');
    await expect(late).rejects.toThrow('the call is over');
    expect(world.did.at(-1)).toBe('c-2 stopped');
    expect(world.did).not.toContain('proxy socks5://127.0.0.1:10808 but for calls.example.org');
    expect(world.host.isRunning).toBe(false);
  });

  it('tells the page of a client that ends by itself, with nothing left behind', async () => {
    const world = new World();
    await world.start();
    world.did.length = 0;
    world.clients[0]!.crash('ended by SIGSEGV');
    await settle();
    expect(world.sent).toEqual([[tunnelChannels.exit, { callId: 'c-1', reason: 'ended by SIGSEGV' }]]);
    expect(world.did).toEqual(['c-1 crashed', ...undone('c-1')]);
    await world.start('c-2');
    expect(world.host.isRunning).toBe(true);
  });

  it('says why there is no tunnel', async () => {
    const world = new World();
    world.failure = new Error('spawn xray ENOENT');
    await expect(world.start()).rejects.toThrow('ENOENT');
    expect(world.did).toEqual([]);
    world.failure = null;
    await world.start('c-2');
    expect(world.host.isRunning).toBe(true);
  });

  it('does nothing for other pages and frames', async () => {
    const world = new World();
    for (const event of [
      { sender: {} },
      { senderFrame: null },
      { senderFrame: { url: 'https://calls.example.org/', parent: {} } },
      { senderFrame: { url: 'https://calls.example.org.evil.example/', parent: null } },
      { senderFrame: { url: 'about:blank', parent: null } },
      { senderFrame: { url: '', parent: null } },
    ]) {
      await expect(world.invoke(tunnelChannels.start, config(), event)).rejects.toThrow('not for this page');
      await expect(world.invoke(tunnelChannels.stop, undefined, event)).rejects.toThrow('not for this page');
    }
    expect(world.did).toEqual([]);
  });

  it('hears of nothing after its end', async () => {
    const world = new World();
    await world.start();
    await world.host.dispose();
    expect(world.did.slice(-3)).toEqual(undone('c-1'));
    expect(world.handlers.size).toBe(0);
    expect(world.app.listenerCount('will-quit')).toBe(0);
    expect(world.webContents.eventNames()).toEqual([]);
  });
});

describe('trustedConfig', () => {
  const changed = (change: (value: Record<string, any>) => void): unknown => {
    const value = structuredClone(config()) as unknown as Record<string, any>;
    change(value);
    return value;
  };

  it('takes what the server sends', () => {
    const { version: _, ...xrayConfig } = config().xrayConfig;
    expect(trustedConfig(config()).xrayConfig).toEqual(xrayConfig);
    const own = changed(({ xrayConfig: { outbounds } }) => {
      outbounds[0].streamSettings.tlsSettings.disableSystemRoot = true;
      outbounds[0].streamSettings.tlsSettings.certificates = [{ usage: 'verify', certificate: ['-----BEGIN CERTIFICATE-----'] }];
    }) as VpnConnectionConfig;
    expect(trustedConfig(own).xrayConfig.outbounds).toEqual(own.xrayConfig.outbounds);
    const plain = changed(({ xrayConfig: { outbounds } }) => {
      outbounds[0].streamSettings = { network: 'ws', security: 'none', wsSettings: { path: '/call' } };
    }) as VpnConnectionConfig;
    expect(trustedConfig(plain).xrayConfig.outbounds).toEqual(plain.xrayConfig.outbounds);
  });

  it('leaves out what reads and writes files, listens, or leads elsewhere', () => {
    const value = changed((all) => {
      const { xrayConfig } = all;
      xrayConfig.log = { loglevel: 'debug', access: '/home/me/.bashrc', error: '/home/me/.profile' };
      xrayConfig.api = { listen: '0.0.0.0:1', services: ['HandlerService'] };
      xrayConfig.env = { XRAY_LOCATION_ASSET: '/' };
      xrayConfig.outbounds[0].streamSettings.tlsSettings.masterKeyLog = '/home/me/keys';
      xrayConfig.outbounds[0].streamSettings.sockopt = { interface: 'eth0' };
      xrayConfig.outbounds[0].sendThrough = '10.0.0.1';
      xrayConfig.inbounds[0].settings.accounts = [];
    });
    const { version: _, ...xrayConfig } = config().xrayConfig;
    expect(trustedConfig(value).xrayConfig).toEqual(xrayConfig);
  });

  it.each<[string, (value: Record<string, any>) => void]>([
    ['an inbound on every address', (all) => (all['xrayConfig'].inbounds[0].listen = '0.0.0.0')],
    ['another inbound', (all) => all['xrayConfig'].inbounds.push({ protocol: 'dokodemo-door', port: 1 })],
    ['another kind of inbound', (all) => (all['xrayConfig'].inbounds[0].protocol = 'http')],
    ['another kind of outbound', (all) => (all['xrayConfig'].outbounds[0].protocol = 'freedom')],
    ['no outbound', (all) => (all['xrayConfig'].outbounds = [])],
    ['a certificate in a file', (all) => (all['xrayConfig'].outbounds[0].streamSettings.tlsSettings.certificates = [{ usage: 'verify', certificateFile: '/etc/shadow' }])],
    ['a port that is none', (all) => (all['xrayConfig'].inbounds[0].port = '1-65535')],
    ['no call', (all) => delete all['callId']],
    ['no configuration', (all) => delete all['xrayConfig']],
    ['too much', (all) => (all['more'] = 'x'.repeat(70_000))],
  ])('refuses %s', (_what, change) => {
    expect(() => trustedConfig(changed(change))).toThrow('not as this server makes it');
  });

  it.each([null, undefined, 'text', 7, [], [{}]])('refuses %s', (value) => {
    expect(() => trustedConfig(value)).toThrow();
  });
});
