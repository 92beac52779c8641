// The own microphone, camera and screen during one call: opened, changed, muted, and closed for certain.
import { audioConstraints, capture, captureChoice, captureScreen, isWanted, videoConstraints } from './capture.js';
import type { Environment } from './environment.js';
import { warn } from './media-errors.js';
import type { CallWarning, DeviceChoices, LocalMedia, MediaChoice, ScreenShareOptions } from './types.js';

export interface LocalSourcesOptions {
  readonly env: Environment;
  readonly choices: () => DeviceChoices;
  /** The other cameras, for flip(). */
  readonly cameraIds: () => readonly string[];
  /** Whether a shared screen takes the camera's place in `stream` (the default), or has `screenStream`. */
  readonly screen?: 'replaces-camera' | 'beside-camera';
  readonly onChange: () => void;
  readonly onWarning: (warning: CallWarning) => void;
}

export class LocalSources {
  readonly stream: MediaStream;
  /** The same as `stream`, unless the screen is shown beside the camera. */
  readonly screenStream: MediaStream;
  private readonly options: LocalSourcesOptions;
  private microphone: MediaStreamTrack | null = null;
  private camera: MediaStreamTrack | null = null;
  private screen: MediaStreamTrack | null = null;
  private mutedNow = false;
  private closed = false;
  private wantedAudio = false;
  private wantedVideo = false;
  /** open() was called: before it nobody is to be asked for a device. */
  private begun = false;
  /** For a microphone: asking once more has to wait for the answer. */
  private asking = false;
  private cameraId: string | null = null;
  /** Changes go one after another: two at once would leave a track open that nobody knows. */
  private work: Promise<unknown> = Promise.resolve();

  constructor(options: LocalSourcesOptions) {
    this.options = options;
    this.stream = options.env.createMediaStream();
    this.screenStream = options.screen === 'beside-camera' ? options.env.createMediaStream() : this.stream;
  }

  get state(): LocalMedia {
    return {
      audio: this.microphone !== null,
      muted: this.mutedNow,
      video: this.camera !== null,
      screen: this.screen !== null,
    };
  }
  get audioTrack(): MediaStreamTrack | null {
    return this.microphone;
  }
  get cameraTrack(): MediaStreamTrack | null {
    return this.camera;
  }
  get screenTrack(): MediaStreamTrack | null {
    return this.screen;
  }
  /** What is sent as video where there is one: the screen goes before the camera. */
  get videoTrack(): MediaStreamTrack | null {
    return this.screen ?? this.camera;
  }
  /** Whether audio is, or is about to be, sent. */
  get wantsAudio(): boolean {
    return this.wantedAudio;
  }
  get wantsVideo(): boolean {
    return this.wantedVideo || this.screen !== null;
  }
  get wantsCamera(): boolean {
    return this.wantedVideo;
  }
  /** Of the camera that is on. */
  get currentCameraId(): string | null {
    return this.camera?.getSettings().deviceId ?? this.cameraId;
  }

  /** Takes over tracks that are open already, and opens what is missing. */
  adopt(stream: MediaStream | null, choice: MediaChoice): Promise<void> {
    const live = (tracks: MediaStreamTrack[]): MediaStreamTrack | null => tracks.find((track) => track.readyState === 'live') ?? null;
    const audio = isWanted(choice.audio, true) ? live(stream?.getAudioTracks() ?? []) : null;
    const video = isWanted(choice.video, false) ? live(stream?.getVideoTracks() ?? []) : null;
    for (const track of stream?.getTracks() ?? []) if (track !== audio && track !== video) track.stop();
    this.setMicrophone(audio);
    this.setCameraTrack(video);
    return this.open(choice);
  }

  /** Opens what a call begins with. `wantsAudio` and `wantsVideo` hold at once, the tracks come later. */
  open(choice: MediaChoice): Promise<void> {
    this.begun = true;
    this.wantedAudio = isWanted(choice.audio, true);
    this.asking = this.wantedAudio && !this.microphone;
    this.wantedVideo = isWanted(choice.video, false);
    return this.serially(async () => {
      const missing = {
        audio: this.microphone === null && (choice.audio ?? true),
        video: this.camera === null && (choice.video ?? false),
      };
      const captured = await captureChoice(this.options.env, missing, this.options.choices());
      this.asking = false;
      if (this.discardIfClosed(captured.audio, captured.video)) return;
      if (captured.audio) this.setMicrophone(captured.audio);
      if (captured.video) this.setCameraTrack(captured.video);
      if (!this.microphone) this.wantedAudio = false;
      if (!this.camera) this.wantedVideo = false;
      this.options.onChange();
      captured.warnings.forEach(this.options.onWarning);
    });
  }

  setMuted(muted: boolean): void {
    if (this.mutedNow === muted) return;
    this.mutedNow = muted;
    if (this.microphone) this.microphone.enabled = !muted;
    this.options.onChange();
  }

  /** For a switch that people press: without a microphone they are as silent as muted ones. */
  get isSilent(): boolean {
    return this.mutedNow || (this.begun && !this.microphone && !this.wantedAudio);
  }

  /** As that switch does it: who wants to be heard and has no microphone is asked for one. */
  speak(on: boolean): void {
    this.setMuted(!on);
    if (!on || !this.begun || this.microphone || this.asking || this.closed) return;
    this.asking = true;
    this.wantedAudio = true;
    void this.serially(async () => {
      // Whoever thought better of it meanwhile is not asked.
      const opened = this.microphone !== null || (!this.mutedNow && (await this.switchMicrophone(null)));
      this.asking = false;
      if (!opened) this.goSilent();
    });
  }

  openCamera(): Promise<boolean> {
    return this.serially(async () => this.camera !== null || this.switchCamera(this.cameraId));
  }

  closeCamera(): Promise<void> {
    return this.serially(async () => {
      this.wantedVideo = false;
      this.setCameraTrack(null);
      this.options.onChange();
    });
  }

  useMicrophone(deviceId: string): Promise<boolean> {
    return this.serially(() => this.switchMicrophone(deviceId));
  }

  useCamera(deviceId: string): Promise<boolean> {
    return this.serially(async () => {
      this.cameraId = deviceId;
      return this.camera === null || this.switchCamera(deviceId);
    });
  }

  flipCamera(): Promise<boolean> {
    return this.serially(async () => {
      if (!this.camera) return false;
      const facing = this.camera.getSettings().facingMode;
      if (facing === 'user' || facing === 'environment') return this.turnAround(facing === 'user' ? 'environment' : 'user');
      const ids = this.options.cameraIds();
      if (ids.length < 2) return false;
      const next = ids[(ids.indexOf(this.currentCameraId ?? '') + 1) % ids.length];
      return next !== undefined && this.switchCamera(next);
    });
  }

  shareScreen(options: ScreenShareOptions): Promise<boolean> {
    // Not in the queue: browsers want the request inside the click's own task.
    return captureScreen(this.options.env, options).then(({ track, warning }) => {
      if (this.discardIfClosed(track)) return false;
      if (warning) this.options.onWarning(warning);
      if (!track) return false;
      this.setScreen(track);
      this.options.onChange();
      return true;
    });
  }

  stopScreen(): void {
    if (!this.screen) return;
    this.setScreen(null);
    this.options.onChange();
  }

  /** Stops every track. What is being opened is stopped as soon as it is there. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.setMicrophone(null);
    this.setCameraTrack(null);
    this.setScreen(null);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private serially<T>(step: () => Promise<T>): Promise<T> {
    const run = this.work.then(step);
    this.work = run.catch(() => undefined);
    return run;
  }

  private async switchMicrophone(deviceId: string | null): Promise<boolean> {
    if (this.closed) return false;
    const constraints = audioConstraints(deviceId, this.options.choices());
    const captured = await capture(this.options.env, { audio: constraints, video: null });
    if (this.discardIfClosed(captured.audio)) return false;
    captured.warnings.forEach(this.options.onWarning);
    if (!captured.audio) return false;
    this.wantedAudio = true;
    this.setMicrophone(captured.audio);
    this.options.onChange();
    return true;
  }

  private async switchCamera(deviceId: string | null, facingMode?: string): Promise<boolean> {
    if (this.closed) return false;
    const constraints = videoConstraints(deviceId, this.options.choices());
    if (facingMode !== undefined) {
      constraints.facingMode = { exact: facingMode };
      delete constraints.deviceId;
    }
    const captured = await capture(this.options.env, { audio: null, video: constraints });
    if (this.discardIfClosed(captured.video)) return false;
    captured.warnings.forEach(this.options.onWarning);
    if (!captured.video) return false;
    this.wantedVideo = true;
    this.cameraId = deviceId;
    this.setCameraTrack(captured.video);
    this.options.onChange();
    return true;
  }

  /** Phones have one camera at a time: the present one is closed before the other is opened. */
  private async turnAround(facingMode: string): Promise<boolean> {
    const before = this.currentCameraId;
    this.camera?.stop();
    if (await this.switchCamera(null, facingMode)) return true;
    if (this.closed || (await this.switchCamera(before))) return false;
    this.wantedVideo = false;
    this.setCameraTrack(null);
    this.options.onChange();
    return false;
  }

  private discardIfClosed(...tracks: (MediaStreamTrack | null)[]): boolean {
    if (this.closed) for (const track of tracks) track?.stop();
    return this.closed;
  }

  /** There is no microphone to be had for now, and nobody is told that there is. */
  private goSilent(): void {
    this.wantedAudio = false;
    if (!this.closed) this.options.onChange();
  }

  private setMicrophone(track: MediaStreamTrack | null): void {
    this.exchange(this.microphone, track);
    this.microphone = track;
    if (!track) return;
    track.enabled = !this.mutedNow;
    track.onended = (): void => {
      if (this.microphone !== track) return;
      this.options.onWarning(warn('microphone-ended', 'The microphone was unplugged or taken away'));
      this.setMicrophone(null);
      this.options.onChange();
      void this.serially(async () => {
        if (!this.microphone && !(await this.switchMicrophone(null))) this.goSilent();
      });
    };
  }

  private setCameraTrack(track: MediaStreamTrack | null): void {
    this.exchange(this.camera, track);
    this.camera = track;
    if (!track) return;
    if (this.screen && this.screenStream === this.stream) this.stream.removeTrack(track); // the screen is what is shown
    track.onended = (): void => {
      if (this.camera !== track) return;
      this.wantedVideo = false;
      this.setCameraTrack(null);
      this.options.onChange();
      this.options.onWarning(warn('camera-ended', 'The camera was unplugged or taken away'));
    };
  }

  private setScreen(track: MediaStreamTrack | null): void {
    this.exchange(this.screen, track, this.screenStream);
    this.screen = track;
    if (this.camera && this.screenStream === this.stream) {
      if (track) this.stream.removeTrack(this.camera);
      else this.stream.addTrack(this.camera);
    }
    // The browser's own "stop sharing" button.
    if (track) track.onended = (): void => (this.screen === track ? this.stopScreen() : undefined);
  }

  private exchange(before: MediaStreamTrack | null, after: MediaStreamTrack | null, stream = this.stream): void {
    if (before) {
      before.onended = null;
      before.stop();
      stream.removeTrack(before);
    }
    if (after) stream.addTrack(after);
  }
}
