// How long to wait before the next attempt: exponential with full jitter, so that many clients don't return in step.

export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
}

/** `attempt` counts from 0; `random` is in [0, 1). */
export function backoffMs(attempt: number, options: BackoffOptions, random: number): number {
  const ceiling = Math.min(options.capMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random * ceiling);
}
