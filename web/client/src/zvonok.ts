// The whole kit, wired together.
import { ZvonokApi } from './api.js';
import { CallClient, type CallClientOptions } from './call-client.js';
import { DeviceManager } from './devices.js';
import type { Environment } from './environment.js';
import { PhoneClient } from './phone-client.js';
import { RoomClient } from './room-client.js';
import type { Room, RoomOptions } from './room-types.js';
import { SignalConnection, type SignalOptions } from './signal.js';
import type { TokenStore } from './tokens.js';
import { Tones } from './tones.js';

export interface ZvonokOptions {
  /** Where the server is: `https://calls.example.org`. Default: the page's own origin. */
  readonly baseUrl?: string | undefined;
  /** Where the login is kept. Default: localStorageTokens(). */
  readonly tokens?: TokenStore | undefined;
  /** Instead, for a messenger with its own users: gives its JWT, a fresh one each time it is asked. */
  readonly getToken?: (() => Promise<string>) | undefined;
  readonly device?: string | undefined;
  readonly auth?: SignalOptions['auth'];
  readonly iceServers?: CallClientOptions['iceServers'];
  readonly rtcConfiguration?: RTCConfiguration | undefined;
  readonly resume?: CallClientOptions['resume'];
  /** Whether ring, ringback and the other tones play by themselves. Default true. */
  readonly tones?: boolean | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

export interface Zvonok {
  readonly api: ZvonokApi;
  readonly signal: SignalConnection;
  readonly calls: CallClient;
  readonly rooms: RoomClient;
  readonly phone: PhoneClient;
  readonly devices: DeviceManager;
  readonly tones: Tones;
  /** Goes into the room of a private chat or a group: `rooms.join()`. */
  joinRoom(options: RoomOptions): Room;
  /** Hangs up, leaves, disconnects, and leaves no timer, track or socket behind. */
  dispose(): void;
}

export function createZvonok(options: ZvonokOptions = {}): Zvonok {
  const { environment, baseUrl, tokens, getToken, device, auth, iceServers, rtcConfiguration, resume } = options;
  const api = new ZvonokApi({ baseUrl, tokens, getToken, environment });
  const signal = new SignalConnection({ api, device, auth, environment });
  const devices = new DeviceManager({ environment });
  const calls = new CallClient({ signal, devices, iceServers, rtcConfiguration, resume, environment });
  // A function that gives the servers is for pair calls, which wait for it; rooms are told theirs by the server.
  const fixedServers = typeof iceServers === 'function' ? undefined : iceServers;
  const rooms = new RoomClient({ api, devices, auth, iceServers: fixedServers, rtcConfiguration, environment });
  const phone = new PhoneClient({ api, devices, iceServers: fixedServers, rtcConfiguration, environment });
  const tones = new Tones({ environment });
  if (options.tones !== false) {
    tones.follow(calls);
    tones.followPhone(phone);
  }
  return {
    api,
    signal,
    calls,
    rooms,
    phone,
    devices,
    tones,
    joinRoom: (room) => rooms.join(room),
    dispose: () => {
      tones.dispose();
      calls.dispose();
      rooms.dispose();
      phone.dispose();
      devices.dispose();
      signal.dispose();
      api.dispose();
    },
  };
}
