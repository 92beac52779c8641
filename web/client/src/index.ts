// Everything public of @zvonok/client.
export type * from './types.js';
export type * from './phone-types.js';
export type * from './room-types.js';
export { ZvonokApi, type ApiEvents, type ApiOptions, type RequestOptions } from './api.js';
export { CallClient, type CallClientEvents, type CallClientOptions } from './call-client.js';
export { DeviceManager, type DeviceEvents, type DeviceManagerOptions, type DevicePermission, type DeviceRequest } from './devices.js';
/** Whether this browser can encrypt end to end. */
export { canGuardMedia as canEncrypt } from './e2e/guard.js';
export { Emitter } from './emitter.js';
export { createEnvironment, type Environment } from './environment.js';
export { ApiError, CallError, PhoneInviteError, type CallErrorCode } from './errors.js';
export type { LevelMeter } from './level-meter.js';
export type { ServerHello, WireMessage } from './protocol.js';
export { PhoneClient, type PhoneClientEvents, type PhoneClientOptions } from './phone-client.js';
export { RoomClient, type RoomClientEvents, type RoomClientOptions } from './room-client.js';
export { mediaPathOf, sendsUdpDirectly, type MediaPath } from './media-path.js';
export { observeView } from './room-views.js';
export { SignalConnection, type SendOutcome, type SignalEvents, type SignalOptions } from './signal.js';
export { localStorageTokens, memoryTokens, type TokenStore } from './tokens.js';
export { Tones, type ToneName, type TonesOptions } from './tones.js';
export { createZvonok, type Zvonok, type ZvonokOptions } from './zvonok.js';
