// Everything public of @zvonok/client/tunnel-node: Node.js and Electron's main process.
export { tunnelClient, type TunnelClientOptions } from './start-tunnel.js';
