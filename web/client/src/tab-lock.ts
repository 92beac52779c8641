// One at a time among all tabs of the origin: by the Web Locks API, or, where there is none, by a lease in localStorage.
import type { Environment } from './environment.js';

/** A tab that died with the lease in its hands holds the others up for no longer than this. */
const kLeaseMs = 10_000;
const kPollMs = 50;
/** Between writing the lease and believing it: long enough for another tab's write to show. */
const kSettleMs = 25;

export async function withTabLock<T>(env: Environment, name: string, work: () => Promise<T>): Promise<T> {
  if (env.locks) return env.locks.request(name, {}, work);
  if (!env.localStorage) return work();
  const lease = await takeLease(env, `${name}.lease`);
  try {
    return await work();
  } finally {
    lease.release();
  }
}

interface Lease {
  release(): void;
}

async function takeLease(env: Environment, key: string): Promise<Lease> {
  const own = `${env.random().toString(36).slice(2)}${env.random().toString(36).slice(2)}`;
  const nothing: Lease = { release: () => undefined };
  for (;;) {
    const held = readLease(env, key);
    if (!held || held.until <= env.now()) {
      if (!writeLease(env, key, { owner: own, until: env.now() + kLeaseMs })) return nothing;
      await pause(env, kSettleMs);
      // The last writer wins; everybody waits as long, so all see the same winner.
      if (readLease(env, key)?.owner === own) return { release: () => dropLease(env, key, own) };
    }
    await pause(env, kPollMs);
  }
}

function pause(env: Environment, ms: number): Promise<void> {
  return new Promise((resolve) => {
    env.setTimeout(resolve, ms);
  });
}

function readLease(env: Environment, key: string): { owner: string; until: number } | null {
  try {
    return JSON.parse(env.localStorage?.getItem(key) ?? 'null') as { owner: string; until: number } | null;
  } catch {
    return null;
  }
}

function writeLease(env: Environment, key: string, lease: { owner: string; until: number }): boolean {
  try {
    env.localStorage?.setItem(key, JSON.stringify(lease));
    return true;
  } catch {
    return false; // no storage, no other tabs that share the login
  }
}

function dropLease(env: Environment, key: string, owner: string): void {
  try {
    if (readLease(env, key)?.owner === owner) env.localStorage?.removeItem(key);
  } catch {
    // It runs out by itself.
  }
}
