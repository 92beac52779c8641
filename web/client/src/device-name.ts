// The name by which the server knows this tab again after a lost connection or a reload of the page.
import type { Environment } from './environment.js';

export const kDeviceKey = 'zvonok.device';
const kPattern = /^[A-Za-z0-9_-]{1,64}$/;
/** A reloaded page may come up a moment before the old one has let go of the name. */
const kOldPageMs = 300;

export interface DeviceName {
  readonly name: string;
  release(): void;
}

export function isDeviceName(name: string): boolean {
  return kPattern.test(name);
}

export function randomDeviceName(env: Environment): string {
  const part = (): string => env.random().toString(36).slice(2, 12).padEnd(10, '0');
  return `tab-${part()}${part()}`;
}

export function rememberDeviceName(env: Environment, name: string): void {
  try {
    env.sessionStorage?.setItem(kDeviceKey, name);
  } catch {
    // Then a reload makes a new device of this tab.
  }
}

/**
 * The tab's name, made when it has none yet. sessionStorage is copied when a tab is duplicated, so the name is locked
 * while in use: the copy finds it taken and makes another one.
 */
export async function takeDeviceName(env: Environment): Promise<DeviceName> {
  let saved: string | null = null;
  try {
    saved = env.sessionStorage?.getItem(kDeviceKey) ?? null;
  } catch {
    // as if there were none
  }
  if (saved !== null && isDeviceName(saved)) {
    const release = await holdName(env, saved, kOldPageMs);
    if (release) return { name: saved, release };
  }
  return newDeviceName(env);
}

export async function newDeviceName(env: Environment): Promise<DeviceName> {
  const name = randomDeviceName(env);
  rememberDeviceName(env, name);
  return { name, release: (await holdName(env, name, kOldPageMs)) ?? (() => undefined) };
}

function holdName(env: Environment, name: string, waitMs: number): Promise<(() => void) | null> {
  const locks = env.locks;
  if (!locks) return Promise.resolve(() => undefined);
  return new Promise((resolve) => {
    const giveUp = new AbortController();
    const timer = env.setTimeout(() => giveUp.abort(), waitMs);
    const hold = (): Promise<void> => {
      env.clearTimeout(timer);
      return new Promise<void>((release) => resolve(release));
    };
    locks.request(`${kDeviceKey}.${name}`, { signal: giveUp.signal }, hold).catch(() => {
      env.clearTimeout(timer);
      resolve(null);
    });
  });
}
