// Opening microphones, cameras and screens.
import type { Environment } from './environment.js';
import { captureWarning, screenWarning, warn } from './media-errors.js';
import type { CallWarning, DeviceChoices, MediaChoice, ScreenShareOptions } from './types.js';

export interface Captured {
  readonly audio: MediaStreamTrack | null;
  readonly video: MediaStreamTrack | null;
  readonly warnings: readonly CallWarning[];
}

type Wanted = MediaChoice['audio'];

export function isWanted(choice: Wanted, byDefault: boolean): boolean {
  return choice === undefined ? byDefault : choice !== false;
}

function deviceIdOf(choice: Wanted): string | null {
  return typeof choice === 'object' ? (choice.deviceId ?? null) : null;
}

/** A device that was asked for by name must be that one; a remembered one may have been unplugged. */
function deviceConstraint(asked: string | null, remembered: string | null): Pick<MediaTrackConstraints, 'deviceId'> {
  if (asked !== null) return { deviceId: { exact: asked } };
  return remembered !== null ? { deviceId: { ideal: remembered } } : {};
}

export function audioConstraints(asked: string | null, choices: DeviceChoices): MediaTrackConstraints {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...deviceConstraint(asked, choices.microphone),
  };
}

export function videoConstraints(asked: string | null, choices: DeviceChoices): MediaTrackConstraints {
  const device = deviceConstraint(asked, choices.camera);
  return {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30 },
    ...(device.deviceId === undefined ? { facingMode: { ideal: 'user' } } : device),
  };
}

/**
 * Opens what was asked for. One prompt for both; when that fails each on its own, so that a missing camera does not
 * cost the microphone. Never rejects.
 */
export async function capture(
  env: Environment,
  media: { readonly audio: MediaTrackConstraints | null; readonly video: MediaTrackConstraints | null },
): Promise<Captured> {
  const devices = env.mediaDevices;
  if (!media.audio && !media.video) return { audio: null, video: null, warnings: [] };
  if (!devices?.getUserMedia) {
    return { audio: null, video: null, warnings: [warn('insecure-context', 'Devices need https (or localhost)')] };
  }
  if (media.audio && media.video) {
    try {
      const stream = await devices.getUserMedia({ audio: media.audio, video: media.video });
      return { audio: stream.getAudioTracks()[0] ?? null, video: stream.getVideoTracks()[0] ?? null, warnings: [] };
    } catch {
      // Which of the two it was shows when they are asked one by one.
    }
  }
  const warnings: CallWarning[] = [];
  const one = async (source: 'microphone' | 'camera', constraints: MediaStreamConstraints): Promise<MediaStreamTrack | null> => {
    try {
      return (await devices.getUserMedia(constraints)).getTracks()[0] ?? null;
    } catch (error) {
      warnings.push(captureWarning(source, error));
      return null;
    }
  };
  const audio = media.audio ? await one('microphone', { audio: media.audio }) : null;
  const video = media.video ? await one('camera', { video: media.video }) : null;
  return { audio, video, warnings };
}

export function captureChoice(env: Environment, choice: MediaChoice, choices: DeviceChoices): Promise<Captured> {
  return capture(env, {
    audio: isWanted(choice.audio, true) ? audioConstraints(deviceIdOf(choice.audio), choices) : null,
    video: isWanted(choice.video, false) ? videoConstraints(deviceIdOf(choice.video), choices) : null,
  });
}

export async function captureScreen(
  env: Environment,
  options: ScreenShareOptions,
): Promise<{ readonly track: MediaStreamTrack | null; readonly warning: CallWarning | null }> {
  const devices = env.mediaDevices;
  if (!devices?.getDisplayMedia) return { track: null, warning: warn('screen-failed', 'This browser cannot share screens') };
  try {
    const video = options.video ?? { width: { max: 1920 }, height: { max: 1080 }, frameRate: { max: 30 } };
    const stream = await devices.getDisplayMedia({ video, audio: false });
    const track = stream.getVideoTracks()[0] ?? null;
    // Text matters more than motion.
    if (track && 'contentHint' in track) track.contentHint = 'detail';
    return { track, warning: track ? null : warn('screen-failed', 'The screen gave no picture') };
  } catch (error) {
    return { track: null, warning: screenWarning(error) };
  }
}
