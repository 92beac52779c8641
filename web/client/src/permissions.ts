// What the browser says about the permission to use a device, before anything is opened.
import type { Environment } from './environment.js';
import type { MediaChoice, PermissionStatus } from './types.js';
import { isWanted } from './capture.js';

/** Firefox learned these names late, Safari answers `prompt` for ever: then opening the device is how to find out. */
export async function queryPermission(env: Environment, name: 'microphone' | 'camera'): Promise<PermissionStatus> {
  try {
    const status = await env.permissions?.query({ name: name as PermissionName });
    return status?.state ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** Whether these devices open without a prompt: because that was allowed before, or because nothing is opened. */
export async function opensWithoutAsking(env: Environment, media: MediaChoice): Promise<boolean> {
  if (!env.mediaDevices) return true;
  const wanted: ('microphone' | 'camera')[] = [];
  if (isWanted(media.audio, true)) wanted.push('microphone');
  if (isWanted(media.video, false)) wanted.push('camera');
  const found = await Promise.all(wanted.map((name) => queryPermission(env, name)));
  return found.every((status) => status === 'granted');
}
