// End-to-end encryption (docs/protocol/e2e.md).
export { CallEncryption, kNotEncrypted } from './call-encryption.js';
export { kRoomNotEncrypted, RoomEncryption } from './room-encryption.js';
export { createMediaGuard } from './guard.js';
export type { MediaGuard } from './guard-protocol.js';
