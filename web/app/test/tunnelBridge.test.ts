// The tunnel of a call by what an app around the page brings, with a bridge of a few lines.
import type { VpnConnectionConfig } from '@zvonok/client/tunnel';
import { describe, expect, it } from 'vitest';
import { startByBridge, type TunnelBridge } from '../src/lib/tunnelBridge';

const socks = { host: '127.0.0.1', port: 10808 };
const config = { callId: 'c-1' } as VpnConnectionConfig;

class FakeBridge implements TunnelBridge {
  readonly did: string[] = [];
  readonly listeners = new Set<(reason: string, callId?: string) => void>();
  there: (value: typeof socks) => void = () => undefined;
  fails: (why: Error) => void = () => undefined;
  start({ callId }: VpnConnectionConfig): Promise<typeof socks> {
    this.did.push(`start ${callId}`);
    return new Promise((resolve, reject) => {
      this.there = resolve;
      this.fails = reject;
    });
  }
  stop(callId: string): Promise<void> {
    this.did.push(`stop ${callId}`);
    return Promise.resolve();
  }
  onExit(listener: (reason: string, callId?: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  exit(reason: string, callId?: string): void {
    for (const listener of this.listeners) listener(reason, callId);
  }
}

function begin() {
  const bridge = new FakeBridge();
  const abort = new AbortController();
  const told: string[] = [];
  const starting = startByBridge(bridge, config, abort.signal, () => told.push('there'));
  return { bridge, abort, told, starting };
}

describe('a tunnel by a bridge', () => {
  it('is there when the bridge says so, and is stopped once', async () => {
    const { bridge, abort, told, starting } = begin();
    bridge.there(socks);
    const tunnel = await starting;
    expect(tunnel.proxy).toEqual(socks);
    expect(told).toEqual(['there']);
    abort.abort(); // both come at the end of a call
    await tunnel.stop();
    expect(bridge.did).toEqual(['start c-1', 'stop c-1']);
    expect(bridge.listeners.size).toBe(0);
  });

  it('is stopped while it starts when the call is over, and again when the bridge has not heard', async () => {
    const { bridge, abort, told, starting } = begin();
    abort.abort();
    expect(bridge.did).toEqual(['start c-1', 'stop c-1']);
    bridge.there(socks);
    await starting;
    expect(told).toEqual([]);
    expect(bridge.did.at(-1)).toBe('stop c-1');
    expect(bridge.did).toHaveLength(3);
  });

  it('that does not start leaves nothing behind', async () => {
    const { bridge, starting } = begin();
    bridge.fails(new Error('no xray'));
    await expect(starting).rejects.toThrow('no xray');
    expect(bridge.did).toEqual(['start c-1', 'stop c-1']);
    expect(bridge.listeners.size).toBe(0);
  });

  it('that ends by itself is told of, also when nobody has asked yet, and only its own end', async () => {
    const { bridge, starting } = begin();
    bridge.exit('of another call', 'c-0');
    bridge.exit('early', 'c-1');
    bridge.there(socks);
    const tunnel = await starting;
    const heard: string[] = [];
    tunnel.onExit!((reason) => heard.push(reason));
    bridge.exit('another', 'c-2');
    bridge.exit('of a bridge that names no calls');
    expect(heard).toEqual(['early', 'of a bridge that names no calls']);
    await tunnel.stop();
    bridge.exit('late', 'c-1');
    expect(heard).toHaveLength(2);
  });
});
