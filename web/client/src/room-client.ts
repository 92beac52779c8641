// The rooms of this page.
import type { ZvonokApi } from './api.js';
import type { DeviceManager } from './devices.js';
import { Emitter } from './emitter.js';
import { createEnvironment, type Environment } from './environment.js';
import { CallError } from './errors.js';
import { RoomSession, type RoomHost } from './room.js';
import type { Room, RoomEnd, RoomOptions } from './room-types.js';
import type { Listenable, Unsubscribe } from './types.js';

export interface RoomClientEvents {
  room: Room;
  ended: { readonly room: Room; readonly end: RoomEnd };
}

export interface RoomClientOptions {
  readonly api: ZvonokApi;
  /** Remembered choices of devices. Without it the system's defaults are used. */
  readonly devices?: DeviceManager | undefined;
  /** `ticket` (the default) keeps tokens out of URLs; `token` is for servers without tickets. */
  readonly auth?: 'ticket' | 'token' | undefined;
  /** Default: what the server lists. */
  readonly iceServers?: readonly RTCIceServer[] | undefined;
  readonly rtcConfiguration?: RTCConfiguration | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

const kRoomId = /^[A-Za-z0-9_.:-]{1,128}$/;

export class RoomClient implements Listenable<RoomClientEvents> {
  private readonly env: Environment;
  private readonly host: RoomHost;
  private readonly events = new Emitter<RoomClientEvents>();
  private readonly sessions = new Set<RoomSession>();
  private disposed = false;

  constructor(options: RoomClientOptions) {
    const { api, devices, iceServers, rtcConfiguration } = options;
    this.env = createEnvironment(options.environment);
    this.host = {
      env: this.env,
      api,
      auth: options.auth ?? 'ticket',
      choices: () => devices?.choices ?? { microphone: null, camera: null, speaker: null },
      cameraIds: () => (devices?.devices.cameras ?? []).map((camera) => camera.deviceId),
      configuration: (listed) => ({ iceServers: [...(iceServers ?? listed)], ...rtcConfiguration }),
      onEnd: (room) => this.onEnd(room),
    };
  }

  /** Those that are not over, the newest last. */
  get rooms(): readonly Room[] {
    return [...this.sessions];
  }

  on<Name extends keyof RoomClientEvents>(event: Name, listener: (value: RoomClientEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof RoomClientEvents>(event: Name, listener: (value: RoomClientEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  /**
   * Goes into a room; what becomes of it shows in the room's events. Throws CallError: `busy` while this page is in that
   * room, `disposed`; and TypeError for what is no id.
   */
  join(options: RoomOptions): Room {
    if (this.disposed) throw new CallError('disposed', 'The client was disposed');
    if (!kRoomId.test(options.id)) throw new TypeError('id must be 1 to 128 of A-Z a-z 0-9 _ . : -');
    if (this.rooms.some((room) => room.kind === options.kind && room.roomId === options.id)) {
      throw new CallError('busy', 'This page is in that room already');
    }
    const room = new RoomSession(this.host, options, this.newSessionId());
    this.sessions.add(room);
    room.start();
    this.events.emit('room', room);
    return room;
  }

  /** Leaves all rooms and lets go of everything. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const room of [...this.sessions]) room.finish('disposed', null);
    this.events.clear();
  }

  private onEnd(room: RoomSession): void {
    this.sessions.delete(room);
    const { end } = room.snapshot;
    if (end) this.events.emit('ended', { room, end });
  }

  private newSessionId(): string {
    const part = (): string => Math.floor(this.env.random() * 2 ** 32).toString(36).padStart(7, '0');
    return `s-${part()}${part()}${part()}`;
  }
}
