// Everything public of @zvonok/client/tunnel.
export type * from './types.js';
export type * from './events.js';
export { CallState } from './types.js';
export { CallManager, type CallManagerOptions } from './call-manager.js';
export { CallSocket, type CallSocketOptions } from './call-socket.js';
export { createMediaGuard } from '../e2e/guard.js';
export type { MediaGuard } from '../e2e/guard-protocol.js';
export type { PairKeys } from '../e2e/key-schedule.js';
