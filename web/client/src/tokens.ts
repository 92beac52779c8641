// Where a login is kept between requests, pages and tabs.
import { createEnvironment, type Environment } from './environment.js';
import type { Session, Unsubscribe } from './types.js';

/** Keeps a Session. Your own can keep it anywhere that can be read at once. */
export interface TokenStore {
  /** Names what is shared: tabs with the same name refresh one after another. */
  readonly name: string;
  load(): Session | null;
  save(session: Session | null): void;
  /** Tells of changes that others made (other tabs), not of own saves. */
  subscribe(listener: (session: Session | null) => void): Unsubscribe;
}

/** Forgets the login with the page. */
export function memoryTokens(initial: Session | null = null): TokenStore {
  let kept = initial;
  return {
    name: 'memory',
    load: () => kept,
    save: (session) => {
      kept = session;
    },
    subscribe: () => () => undefined,
  };
}

function isSession(value: unknown): value is Session {
  const session = value as Partial<Session> | null;
  return (
    typeof session === 'object' &&
    session !== null &&
    typeof session.accessToken === 'string' &&
    typeof session.refreshToken === 'string' &&
    typeof session.expiresAt === 'number' &&
    typeof session.user?.id === 'string'
  );
}

/**
 * Keeps the login in localStorage, for all tabs of the origin. Where storage is blocked it works like memoryTokens().
 * Scripts of the page can read it: keep foreign scripts out of the page.
 */
export function localStorageTokens(
  key = 'zvonok.session',
  environment: Partial<Environment> = {},
): TokenStore {
  const env = createEnvironment(environment);
  let fallback: Session | null = null;
  let works = true;
  const load = (): Session | null => {
    if (!works) return fallback;
    try {
      const text = env.localStorage?.getItem(key) ?? null;
      if (text === null) return env.localStorage ? null : fallback;
      const value: unknown = JSON.parse(text);
      return isSession(value) ? value : null;
    } catch {
      return null;
    }
  };
  return {
    name: key,
    load,
    save: (session) => {
      fallback = session;
      try {
        if (session) env.localStorage?.setItem(key, JSON.stringify(session));
        else env.localStorage?.removeItem(key);
      } catch {
        works = false; // full or blocked: this page goes on, other tabs will not know
      }
    },
    subscribe: (listener) =>
      env.onStorage((changed) => {
        if (changed === key || changed === null) listener(load());
      }),
  };
}
