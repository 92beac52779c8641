// The microphones, cameras and speakers there are, which of them the user chose, and whether they may be used.
import { audioConstraints, capture, captureChoice } from './capture.js';
import { Emitter } from './emitter.js';
import { createEnvironment, type Environment } from './environment.js';
import { startLevelMeter, type LevelMeter } from './level-meter.js';
import { queryPermission } from './permissions.js';
import { asMembers, asText } from './protocol.js';
import type { CallWarning, DeviceChoices, DeviceKind, DeviceList, Listenable, MediaDevice, PermissionStatus, Unsubscribe } from './types.js';

export interface DevicePermission {
  readonly microphone: PermissionStatus;
  readonly camera: PermissionStatus;
}

export interface DeviceEvents {
  devices: DeviceList;
  choices: DeviceChoices;
  permission: DevicePermission;
  warning: CallWarning;
}

export interface DeviceManagerOptions {
  /** Where choices are remembered. Default `zvonok.devices` of localStorage. */
  readonly storageKey?: string | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

export interface DeviceRequest {
  readonly audio?: boolean | undefined;
  readonly video?: boolean | undefined;
}

const kNone: DeviceList = { microphones: [], cameras: [], speakers: [] };
const kKinds: Readonly<Record<MediaDeviceKind, DeviceKind>> = {
  audioinput: 'microphone',
  videoinput: 'camera',
  audiooutput: 'speaker',
};

export class DeviceManager implements Listenable<DeviceEvents> {
  private readonly env: Environment;
  private readonly storageKey: string;
  private readonly events = new Emitter<DeviceEvents>();
  private readonly meters = new Set<LevelMeter>();
  private readonly speakers = new Set<HTMLMediaElement>();
  private readonly permissionStatuses: globalThis.PermissionStatus[] = [];
  private list: DeviceList = kNone;
  private chosen: DeviceChoices;
  private allowed: DevicePermission = { microphone: 'unknown', camera: 'unknown' };
  private disposed = false;
  private readonly onDeviceChange = (): void => void this.refresh();

  constructor(options: DeviceManagerOptions = {}) {
    this.env = createEnvironment(options.environment);
    this.storageKey = options.storageKey ?? 'zvonok.devices';
    this.chosen = this.readChoices();
    this.env.mediaDevices?.addEventListener?.('devicechange', this.onDeviceChange);
    void this.refresh();
    void this.watchPermissions();
  }

  get devices(): DeviceList {
    return this.list;
  }
  /** Device ids; null: whatever the system prefers. A chosen device may be unplugged just now. */
  get choices(): DeviceChoices {
    return this.chosen;
  }
  get permission(): DevicePermission {
    return this.allowed;
  }

  on<Name extends keyof DeviceEvents>(event: Name, listener: (value: DeviceEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof DeviceEvents>(event: Name, listener: (value: DeviceEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  /** Looks again. It is done by itself when something is plugged in or out. */
  async refresh(): Promise<DeviceList> {
    let found: MediaDeviceInfo[] = [];
    try {
      found = (await this.env.mediaDevices?.enumerateDevices()) ?? [];
    } catch {
      // As if there were none.
    }
    if (this.disposed) return this.list;
    const list: DeviceList = {
      microphones: pick(found, 'audioinput'),
      cameras: pick(found, 'videoinput'),
      speakers: pick(found, 'audiooutput'),
    };
    if (JSON.stringify(list) !== JSON.stringify(this.list)) {
      this.list = list;
      this.events.emit('devices', list);
    }
    return this.list;
  }

  /** Remembers a choice, here and for later visits. A call that is on is changed by the call's own methods. */
  choose(choices: Partial<DeviceChoices>): void {
    const next = { ...this.chosen, ...choices };
    const same = next.microphone === this.chosen.microphone && next.camera === this.chosen.camera && next.speaker === this.chosen.speaker;
    if (same) return;
    this.chosen = next;
    try {
      this.env.localStorage?.setItem(this.storageKey, JSON.stringify(next));
    } catch {
      // Remembered until the page is closed.
    }
    for (const element of this.speakers) this.route(element);
    this.events.emit('choices', next);
  }

  /** Has the browser ask for permission, so that names of devices are known and calls start at once. Never rejects. */
  async ask(media: DeviceRequest): Promise<DevicePermission> {
    const captured = await captureChoice(this.env, { audio: media.audio ?? false, video: media.video ?? false }, this.chosen);
    captured.audio?.stop();
    captured.video?.stop();
    for (const warning of captured.warnings) this.events.emit('warning', warning);
    // The browser's word counts for more than ours, but not all browsers give it.
    const of = (track: MediaStreamTrack | null, denied: string): PermissionStatus | null =>
      track ? 'granted' : captured.warnings.some((warning) => warning.code === denied) ? 'denied' : null;
    this.setPermission({
      microphone: of(captured.audio, 'microphone-denied') ?? this.allowed.microphone,
      camera: of(captured.video, 'camera-denied') ?? this.allowed.camera,
    });
    await this.refresh();
    return this.allowed;
  }

  /**
   * The chosen devices, to look at oneself before a call. The caller stops the tracks. What can't be had is missing in
   * the stream and told by `warning`.
   */
  async preview(media: DeviceRequest): Promise<MediaStream> {
    const captured = await captureChoice(this.env, { audio: media.audio ?? false, video: media.video ?? false }, this.chosen);
    const stream = this.env.createMediaStream();
    if (captured.audio) stream.addTrack(captured.audio);
    if (captured.video) stream.addTrack(captured.video);
    for (const warning of captured.warnings) this.events.emit('warning', warning);
    void this.refresh(); // names are known now
    return stream;
  }

  /** How loud a stream is, about 16 times a second, until stop(). */
  meter(stream: MediaStream, onLevel: (level: number) => void): LevelMeter {
    const meter = startLevelMeter(this.env, stream, onLevel);
    const tracked: LevelMeter = {
      get level() {
        return meter.level;
      },
      stop: () => {
        if (this.meters.delete(tracked)) meter.stop();
      },
    };
    this.meters.add(tracked);
    return tracked;
  }

  /** How loud the chosen microphone is. Opens it, and closes it at stop(). */
  async meterMicrophone(onLevel: (level: number) => void): Promise<LevelMeter> {
    const captured = await capture(this.env, { audio: audioConstraints(null, this.chosen), video: null });
    const stream = this.env.createMediaStream();
    if (captured.audio) stream.addTrack(captured.audio);
    for (const warning of captured.warnings) this.events.emit('warning', warning);
    const meter = this.meter(stream, onLevel);
    const stop = (): void => {
      meter.stop();
      captured.audio?.stop();
    };
    const whole: LevelMeter = {
      get level() {
        return meter.level;
      },
      stop: () => {
        this.meters.delete(whole);
        stop();
      },
    };
    this.meters.add(whole);
    if (this.disposed) whole.stop();
    return whole;
  }

  /** Plays an element on the chosen speaker, now and after every change, until unsubscribed. */
  attachSpeaker(element: HTMLMediaElement): Unsubscribe {
    this.speakers.add(element);
    this.route(element);
    return () => {
      this.speakers.delete(element);
    };
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.env.mediaDevices?.removeEventListener?.('devicechange', this.onDeviceChange);
    for (const status of this.permissionStatuses.splice(0)) status.onchange = null;
    for (const meter of [...this.meters]) meter.stop();
    this.speakers.clear();
    this.events.clear();
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private route(element: HTMLMediaElement): void {
    // Not everywhere; a speaker that is gone leaves the sound where it was.
    if (typeof element.setSinkId === 'function') element.setSinkId(this.chosen.speaker ?? '').catch(() => undefined);
  }

  private setPermission(next: DevicePermission): void {
    if (next.microphone === this.allowed.microphone && next.camera === this.allowed.camera) return;
    this.allowed = next;
    this.events.emit('permission', next);
    void this.refresh();
  }

  private async watchPermissions(): Promise<void> {
    const read = async (): Promise<void> => {
      const [microphone, camera] = await Promise.all([
        queryPermission(this.env, 'microphone'),
        queryPermission(this.env, 'camera'),
      ]);
      if (!this.disposed) this.setPermission({ microphone, camera });
    };
    await read();
    for (const name of ['microphone', 'camera']) {
      try {
        const status = await this.env.permissions?.query({ name: name as PermissionName });
        if (!status || this.disposed) continue;
        status.onchange = (): void => void read();
        this.permissionStatuses.push(status);
      } catch {
        // This browser doesn't tell; ask() finds out.
      }
    }
  }

  private readChoices(): DeviceChoices {
    try {
      const saved = asMembers(JSON.parse(this.env.localStorage?.getItem(this.storageKey) ?? 'null'));
      return { microphone: asText(saved['microphone']), camera: asText(saved['camera']), speaker: asText(saved['speaker']) };
    } catch {
      return { microphone: null, camera: null, speaker: null };
    }
  }
}

function pick(found: readonly MediaDeviceInfo[], kind: MediaDeviceKind): MediaDevice[] {
  // Without permission browsers list one nameless device of a kind, with an empty id: it can't be chosen.
  return found
    .filter((device) => device.kind === kind && device.deviceId !== '')
    .map((device) => ({
      kind: kKinds[kind],
      deviceId: device.deviceId,
      label: device.label,
      groupId: device.groupId,
      isDefault: device.deviceId === 'default',
    }));
}
