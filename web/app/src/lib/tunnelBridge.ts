// The tunnel of a call by what an app around this page brings.
import type { RunningTunnel, VpnConnectionConfig } from '@zvonok/client/tunnel';
import type { Socks } from './tunnelSetup';

/** What an app around this page brings (Electron: by its preload script), which can start Xray and set the proxy. */
export interface TunnelBridge {
  start(config: VpnConnectionConfig): Promise<Socks>;
  /** Of that call: the next one may be starting already. */
  stop(callId: string): Promise<void>;
  /** May return how to hear no more of it. */
  onExit?(listener: (reason: string, callId?: string) => void): (() => void) | void;
}

/** For `CallManager`. `onThere`: the proxy is set, and the call is not over. */
export async function startByBridge(
  bridge: TunnelBridge,
  config: VpnConnectionConfig,
  signal: AbortSignal,
  onThere: () => void,
): Promise<RunningTunnel> {
  const { callId } = config;
  let stopped: Promise<void> | null = null;
  let ended: ((reason: string) => void) | null = null;
  let endedBefore: string | null = null;
  // Before it starts: it may end before anybody has asked.
  const off = bridge.onExit?.((reason, whose) => {
    if (stopped || (whose !== undefined && whose !== callId)) return;
    if (ended) ended(reason);
    else endedBefore = reason;
  });
  const stop = (): Promise<void> => {
    off?.();
    return (stopped ??= bridge.stop(callId).catch(() => undefined));
  };
  // What is being started for a call that is over ends at once, and not when it is there.
  signal.addEventListener('abort', () => void stop());
  try {
    const proxy = await bridge.start(config);
    if (!stopped) onThere();
    else await bridge.stop(callId).catch(() => undefined); // one that did not hear of it while it started
    return {
      proxy,
      stop,
      onExit: (listener) => {
        ended = listener;
        if (endedBefore !== null) listener(endedBefore);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
