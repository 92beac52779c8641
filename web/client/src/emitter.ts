// Typed events. A listener that throws does not keep the others from hearing.
import type { Listenable, Unsubscribe } from './types.js';

type AnyListener = (value: never) => void;

export class Emitter<Events> implements Listenable<Events> {
  private readonly listeners = new Map<keyof Events, Set<AnyListener>>();

  on<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): Unsubscribe {
    let set = this.listeners.get(event);
    if (!set) this.listeners.set(event, (set = new Set()));
    // A wrapper of its own, so that one function subscribed twice is two subscriptions.
    const entry: AnyListener = (value) => listener(value);
    set.add(entry);
    return () => {
      set.delete(entry);
    };
  }

  once<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): Unsubscribe {
    const off = this.on(event, (value) => {
      off();
      listener(value);
    });
    return off;
  }

  emit<Name extends keyof Events>(event: Name, value: Events[Name]): void {
    const set = this.listeners.get(event);
    if (!set) return;
    for (const entry of [...set]) {
      if (!set.has(entry)) continue;
      try {
        (entry as (value: Events[Name]) => void)(value);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** How many listeners there are: of one event, or of all. */
  count(event?: keyof Events): number {
    if (event !== undefined) return this.listeners.get(event)?.size ?? 0;
    let all = 0;
    for (const set of this.listeners.values()) all += set.size;
    return all;
  }

  clear(): void {
    for (const set of this.listeners.values()) set.clear();
    this.listeners.clear();
  }
}

/** Shows a listener's mistake where mistakes are shown, without stopping the caller. */
function reportError(error: unknown): void {
  const report = (globalThis as { reportError?: (error: unknown) => void }).reportError;
  if (report) report(error);
  else console.error(error);
}
