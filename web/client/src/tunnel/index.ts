// Everything public of @zvonok/client/tunnel.
export type * from './types.js';
export { CallState } from './types.js';
export { CallManager, type CallManagerOptions } from './call-manager.js';
