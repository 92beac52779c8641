// What has to be undone when this process ends without having been asked nicely: tunnel clients do not end with whoever
// started them, and their configuration lets its reader into the call.
import process from 'node:process';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Of all copies of this module in the process: they would take one another for somebody else who listens. */
interface Shared {
  readonly wills: Set<() => void>;
  readonly hook: () => void;
  readonly unhook: () => void;
}

type Globals = Record<symbol, Shared | { count?: number } | undefined>;
const kShared = Symbol.for('@zvonok/client last will');

/** Listeners of the package signal-exit, which end the process only when there is nobody else: they are nobody's decision. */
function politeListeners(): number {
  const v3 = (process as unknown as { __signal_exit_emitter__?: { count?: number } }).__signal_exit_emitter__?.count ?? 0;
  const v4 = (globalThis as unknown as Globals)[Symbol.for('signal-exit emitter')] as { count?: number } | undefined;
  return v3 + (v4?.count ?? 0);
}

function makeShared(): Shared {
  const wills = new Set<() => void>();
  let hooked = false;
  // Electron ends by itself at these, in an order of its own.
  const signals = process.versions['electron'] === undefined ? SIGNALS : [];

  const execute = (): void => {
    for (const will of wills) {
      try {
        will();
      } catch {
        // The others are no less due.
      }
    }
    wills.clear();
  };
  /** What the signal would have done without us, unless somebody else listens: then that is theirs to decide. */
  const onSignal = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) - 1 - politeListeners() > 0) return;
    execute();
    unhook();
    process.kill(process.pid, signal);
  };
  const hook = (): void => {
    if (hooked) return;
    hooked = true;
    process.on('exit', execute);
    for (const signal of signals) process.on(signal, onSignal);
  };
  const unhook = (): void => {
    hooked = false;
    process.off('exit', execute);
    for (const signal of signals) process.off(signal, onSignal);
  };
  return { wills, hook, unhook };
}

function shared(): Shared {
  const globals = globalThis as unknown as Globals;
  return (globals[kShared] ??= makeShared()) as Shared;
}

/** `will` may not wait for anything. The returned function takes it back. */
export function atExit(will: () => void): () => void {
  const { wills, hook, unhook } = shared();
  wills.add(will);
  hook();
  return () => {
    wills.delete(will);
    if (wills.size === 0) unhook();
  };
}
