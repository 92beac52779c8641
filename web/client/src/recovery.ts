// When to mend a media connection, and how hard: ICE restarts first, then a new connection, then the end.
import type { Environment, TimerId } from './environment.js';

/** connect: it is being set up. soft: packets stopped, they may come back. hard: it has failed. now: the user asks. */
export type Trouble = 'connect' | 'soft' | 'hard' | 'now';

export interface RecoveryOptions {
  readonly env: Environment;
  /** Only one side should begin, or both offers collide: the other one waits a little longer. */
  readonly leads: boolean;
  /** Whether there was media before: then it is worth more patience. */
  readonly worked: () => boolean;
  /** false: the way to the other side is shut just now; poke() will say when it is open. */
  readonly canTry: () => boolean;
  readonly restart: () => void;
  readonly rebuild: () => void;
  readonly giveUp: () => void;
}

export const kRecovery = {
  connectMs: 8_000,
  softMs: 1_500,
  followerMs: 1_500,
  restartMs: 5_000,
  rebuildMs: 8_000,
  restarts: 2,
  giveUpMs: 60_000,
  giveUpConnectingMs: 30_000,
} as const;

export class Recovery {
  private attempts = 0;
  private timer: TimerId | null = null;
  private lastResort: TimerId | null = null;
  private waitsForPoke = false;
  private current: Trouble | null = null;

  constructor(private readonly options: RecoveryOptions) {}

  get isMending(): boolean {
    return this.current !== null;
  }

  /** Trouble that is not worse than the present one changes nothing. */
  begin(trouble: Trouble): void {
    const order: readonly (Trouble | null)[] = [null, 'connect', 'soft', 'hard', 'now'];
    const worse = order.indexOf(trouble) > order.indexOf(this.current);
    if (!worse) return;
    const firstTime = this.current === null;
    this.current = trouble;
    if (firstTime) {
      const limit = this.options.worked() ? kRecovery.giveUpMs : kRecovery.giveUpConnectingMs;
      this.lastResort = this.options.env.setTimeout(() => this.options.giveUp(), limit);
    }
    // While an attempt is being given its time, worse news of the old connection is no news.
    if (this.attempts > 0 && trouble !== 'now') return;
    this.tryAfter(this.firstDelay(trouble));
  }

  /** The way is open again: what waited for that is tried now. */
  poke(): void {
    if (this.waitsForPoke) this.tryAfter(0);
  }

  /** It works. */
  settled(): void {
    this.stop();
  }

  stop(): void {
    if (this.timer !== null) this.options.env.clearTimeout(this.timer);
    if (this.lastResort !== null) this.options.env.clearTimeout(this.lastResort);
    this.timer = this.lastResort = this.current = null;
    this.attempts = 0;
    this.waitsForPoke = false;
  }

  private firstDelay(trouble: Trouble): number {
    const follower = this.options.leads ? 0 : kRecovery.followerMs;
    switch (trouble) {
      case 'connect':
        return kRecovery.connectMs + follower;
      case 'soft':
        return kRecovery.softMs + follower;
      case 'hard':
        return follower;
      case 'now':
        return 0;
    }
  }

  private tryAfter(ms: number): void {
    if (this.timer !== null) this.options.env.clearTimeout(this.timer);
    this.waitsForPoke = false;
    this.timer = this.options.env.setTimeout(() => {
      this.timer = null;
      this.attempt();
    }, ms);
  }

  private attempt(): void {
    if (!this.options.canTry()) {
      this.waitsForPoke = true;
      return;
    }
    this.attempts += 1;
    if (this.attempts <= kRecovery.restarts) {
      this.tryAfter(kRecovery.restartMs);
      this.options.restart();
    } else {
      this.tryAfter(kRecovery.rebuildMs);
      this.options.rebuild();
    }
  }
}
