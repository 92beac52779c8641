// Which state may follow which, and which state a reason ends in. The only place that knows.
import type { CallEndReason, CallState } from './types.js';

const kOver = ['ended', 'rejected', 'error'] as const;

export const kTransitions: Readonly<Record<CallState, readonly CallState[]>> = {
  idle: ['initiating', 'ringing', 'reconnecting', ...kOver],
  initiating: ['ringing', 'connecting', ...kOver],
  ringing: ['accepting', 'connecting', ...kOver],
  accepting: ['connecting', ...kOver],
  connecting: ['active', 'reconnecting', ...kOver],
  active: ['reconnecting', ...kOver],
  reconnecting: ['active', ...kOver],
  ended: [],
  rejected: [],
  error: [],
};

export function canFollow(from: CallState, to: CallState): boolean {
  return kTransitions[from].includes(to);
}

export function isOver(state: CallState): boolean {
  return (kOver as readonly CallState[]).includes(state);
}

/** The states in which there is, or was, a media connection to mend. */
export function hasMedia(state: CallState): boolean {
  return state === 'connecting' || state === 'active' || state === 'reconnecting';
}

export function endState(reason: CallEndReason): 'ended' | 'rejected' | 'error' {
  switch (reason) {
    case 'declined':
    case 'busy':
      return 'rejected';
    case 'offline':
    case 'target-unknown':
    case 'unavailable':
    case 'bad-message':
    case 'unauthorized':
    case 'failed':
      return 'error';
    case 'hangup':
    case 'canceled':
    case 'no-answer':
    case 'answered-elsewhere':
    case 'disconnected':
    case 'server-shutdown':
    case 'replaced':
    case 'disposed':
      return 'ended';
  }
}
