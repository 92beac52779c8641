// What has to be undone when this process ends without having been asked nicely: tunnel clients do not end with whoever
// started them, and their configuration lets its reader into the call.
import process from 'node:process';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const wills = new Set<() => void>();

function execute(): void {
  for (const will of wills) {
    try {
      will();
    } catch {
      // The others are no less due.
    }
  }
  wills.clear();
}

/** What the signal would have done without us, unless somebody else listens: then that is theirs to decide. */
function onSignal(signal: NodeJS.Signals): void {
  const others = process.listenerCount(signal) > 1;
  if (others) return;
  execute();
  unhook();
  process.kill(process.pid, signal);
}

// Electron ends by itself at these, in an order of its own.
const hooksSignals = process.versions['electron'] === undefined;
let hooked = false;

function hook(): void {
  if (hooked) return;
  hooked = true;
  process.on('exit', execute);
  if (hooksSignals) for (const signal of SIGNALS) process.on(signal, onSignal);
}

function unhook(): void {
  hooked = false;
  process.off('exit', execute);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** `will` may not wait for anything. The returned function takes it back. */
export function atExit(will: () => void): () => void {
  wills.add(will);
  hook();
  return () => {
    wills.delete(will);
    if (wills.size === 0) unhook();
  };
}
