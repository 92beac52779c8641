// The sound of one phone call: the server offers, this side answers, and mends the way when it breaks.
import { audioConstraints, capture } from './capture.js';
import type { Environment, TimerId } from './environment.js';
import type { PhoneMediaState } from './phone-types.js';
import type { CallWarning, DeviceChoices } from './types.js';

export interface PhoneAudioOptions {
  readonly env: Environment;
  readonly configuration: () => Promise<RTCConfiguration>;
  readonly choices: () => DeviceChoices;
  readonly sendAnswer: (sdp: string) => Promise<void>;
  /** A new offer with new ways in it. */
  readonly restart: () => Promise<string>;
  readonly onChange: () => void;
  readonly onWarning: (warning: CallWarning) => void;
}

/** A way that was lost may come back by itself within this time. */
const kMendAfterMs = 3_000;
const kMendsMax = 5;

export class PhoneAudio {
  readonly remoteStream: MediaStream;
  private readonly options: PhoneAudioOptions;
  private pc: RTCPeerConnection | null = null;
  private microphone: MediaStreamTrack | null = null;
  private opening: Promise<void> | null = null;
  private mendTimer: TimerId | null = null;
  private mends = 0;
  private closed = false;
  private mutedNow = false;
  private stateNow: PhoneMediaState = 'none';
  private heard = false;

  constructor(options: PhoneAudioOptions) {
    this.options = options;
    this.remoteStream = options.env.createMediaStream();
  }

  get state(): PhoneMediaState {
    return this.stateNow;
  }
  get hearsRemote(): boolean {
    return this.heard;
  }
  get hasMicrophone(): boolean {
    return this.microphone !== null;
  }

  /** The server keeps silence when it is told to, too: this is for the time until it knows. */
  set muted(muted: boolean) {
    this.mutedNow = muted;
    if (this.microphone) this.microphone.enabled = !muted;
  }

  /** Asks for the microphone; the prompt may take its time while the call goes its way. */
  open(): Promise<void> {
    this.opening ??= this.openMicrophone();
    return this.opening;
  }

  /** Takes the first offer of the call. Does not wait for the microphone: it joins when it is there. */
  async connect(offer: string): Promise<void> {
    if (this.closed || this.pc) return;
    this.setState('connecting');
    const configuration = await this.options.configuration();
    if (this.closed) return;
    const pc = this.options.env.createPeerConnection(configuration);
    this.pc = pc;
    pc.ontrack = ({ track }): void => {
      this.remoteStream.addTrack(track);
      this.watch(track);
    };
    pc.onconnectionstatechange = (): void => this.onConnectionState(pc);
    void this.open();
    await this.answer(offer);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.mendTimer !== null) this.options.env.clearTimeout(this.mendTimer);
    this.microphone?.stop();
    this.microphone = null;
    if (this.pc) {
      this.pc.ontrack = this.pc.onconnectionstatechange = null;
      this.pc.close();
    }
    for (const track of this.remoteStream.getTracks()) this.remoteStream.removeTrack(track);
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private async openMicrophone(): Promise<void> {
    const { env, choices, onWarning } = this.options;
    const { audio, warnings } = await capture(env, { audio: audioConstraints(null, choices()), video: null });
    if (this.closed) {
      audio?.stop();
      return;
    }
    for (const warning of warnings) onWarning(warning);
    if (!audio) return;
    audio.enabled = !this.mutedNow;
    this.microphone = audio;
    this.options.onChange();
    await this.attach();
  }

  private async answer(offer: string): Promise<void> {
    const pc = this.pc;
    if (!pc || this.closed) return;
    await pc.setRemoteDescription({ type: 'offer', sdp: offer });
    for (const transceiver of pc.getTransceivers()) transceiver.direction = 'sendrecv';
    await this.attach();
    await pc.setLocalDescription();
    if (!this.closed && pc.localDescription) await this.options.sendAnswer(pc.localDescription.sdp);
  }

  private async attach(): Promise<void> {
    const sender = this.pc?.getTransceivers()[0]?.sender;
    if (sender && this.microphone && sender.track !== this.microphone) await sender.replaceTrack(this.microphone);
  }

  private watch(track: MediaStreamTrack): void {
    const update = (): void => {
      this.heard = !track.muted;
      this.options.onChange();
    };
    track.onunmute = update;
    track.onmute = update;
    update();
  }

  private onConnectionState(pc: RTCPeerConnection): void {
    switch (pc.connectionState) {
      case 'connected':
        this.mends = 0;
        this.cancelMend();
        this.setState('connected');
        return;
      case 'disconnected':
        this.setState('lost');
        this.mendLater(kMendAfterMs);
        return;
      case 'failed':
        this.setState('lost');
        this.mendLater(0);
        return;
      default:
    }
  }

  private mendLater(ms: number): void {
    this.cancelMend();
    this.mendTimer = this.options.env.setTimeout(() => {
      this.mendTimer = null;
      void this.mend();
    }, ms);
  }
  private cancelMend(): void {
    if (this.mendTimer !== null) this.options.env.clearTimeout(this.mendTimer);
    this.mendTimer = null;
  }

  private async mend(): Promise<void> {
    if (this.closed) return;
    if (this.mends >= kMendsMax) {
      this.setState('failed');
      return;
    }
    this.mends += 1;
    try {
      await this.answer(await this.options.restart());
    } catch {
      this.mendLater(kMendAfterMs);
    }
  }

  private setState(state: PhoneMediaState): void {
    if (this.closed || this.stateNow === state) return;
    this.stateNow = state;
    this.options.onChange();
  }
}
