// Everything public of @zvonok/client/tunnel-node: Node.js and Electron's main process.
export {
  hostTunnel,
  tunnelChannels,
  type ElectronApp,
  type ElectronInvokeEvent,
  type ElectronIpc,
  type ElectronSession,
  type ElectronWebContents,
  type HostTunnelOptions,
  type TunnelHost,
} from './electron.js';
export { tunnelClient, type TunnelClientOptions } from './start-tunnel.js';
