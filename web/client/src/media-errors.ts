// What getUserMedia and getDisplayMedia throw, as warnings with a code.
import type { CallWarning, WarningCode } from './types.js';

type Source = 'microphone' | 'camera';

export function warn(code: WarningCode, message: string, cause: unknown = null): CallWarning {
  return { code, message, cause };
}

export function captureWarning(source: Source, error: unknown): CallWarning {
  switch ((error as { name?: unknown } | null)?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return warn(`${source}-denied`, `The ${source} was refused by the user, the browser or the system`, error);
    case 'NotFoundError':
    case 'OverconstrainedError':
      return warn(`${source}-missing`, `There is no such ${source}`, error);
    case 'NotReadableError':
    case 'AbortError':
      return warn(`${source}-busy`, `The ${source} is in use by another program, or broken`, error);
    default:
      return warn(`${source}-failed`, `The ${source} could not be opened`, error);
  }
}

export function screenWarning(error: unknown): CallWarning {
  const denied = (error as { name?: unknown } | null)?.name === 'NotAllowedError';
  return denied
    ? warn('screen-denied', 'The user did not choose a screen, or the system refused', error)
    : warn('screen-failed', 'The screen could not be captured', error);
}
