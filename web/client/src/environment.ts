// What the SDK takes from the browser, gathered in one place, so that tests and other runtimes can bring their own.
import { canGuardMedia, createMediaGuard } from './e2e/guard.js';
import type { MediaGuard } from './e2e/guard-protocol.js';

export type FetchLike = (input: string, init?: RequestInit) => Promise<Response>;
export type TimerId = unknown;

/** The part of localStorage and sessionStorage that is used. */
export interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** The part of `navigator.locks` that is used. */
export interface LocksLike {
  request<T>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    callback: (lock: unknown) => Promise<T> | T,
  ): Promise<T>;
}

/** The part of WebSocket that is used. */
export interface SocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** Events of the page that matter here. */
export type PageEvent = 'online' | 'offline' | 'visible' | 'pagehide' | 'pageshow' | 'network-change';

export interface Environment {
  /** ms since 1970. */
  now(): number;
  /** 0 <= x < 1 */
  random(): number;
  setTimeout(callback: () => void, ms: number): TimerId;
  clearTimeout(timer: TimerId): void;
  fetch: FetchLike;
  openSocket(url: string): SocketLike;
  createPeerConnection(configuration: RTCConfiguration): RTCPeerConnection;
  createMediaStream(): MediaStream;
  createAudioContext(): AudioContext | null;
  /** Seals media end to end; null where the browser can't. */
  createMediaGuard(): MediaGuard | null;
  /** Whether it would give one. */
  canGuardMedia(): boolean;
  readonly mediaDevices: MediaDevices | null;
  readonly permissions: Permissions | null;
  readonly localStorage: StorageLike | null;
  readonly sessionStorage: StorageLike | null;
  readonly locks: LocksLike | null;
  /** false only when the browser is sure that there is no network. */
  isOnline(): boolean;
  /** The origin of the page; null outside of pages. */
  readonly origin: string | null;
  onPageEvent(event: PageEvent, listener: () => void): () => void;
  /** Changes that other tabs made to localStorage. */
  onStorage(listener: (key: string | null) => void): () => void;
}

type Globals = Record<string, unknown> & {
  navigator?: Navigator & { connection?: EventTarget };
  document?: Document;
  location?: Location;
};

/** Reading a storage may throw where cookies are blocked. */
function storageOf(name: 'localStorage' | 'sessionStorage'): StorageLike | null {
  try {
    return ((globalThis as Globals)[name] as StorageLike | undefined) ?? null;
  } catch {
    return null;
  }
}

function listen(target: EventTarget | undefined, type: string, listener: (event: Event) => void): () => void {
  if (!target) return () => undefined;
  target.addEventListener(type, listener);
  return () => target.removeEventListener(type, listener);
}

function onPageEvent(event: PageEvent, listener: () => void): () => void {
  const globals = globalThis as Globals;
  const page = typeof globals.addEventListener === 'function' ? (globalThis as unknown as EventTarget) : undefined;
  switch (event) {
    case 'visible':
      return listen(globals.document, 'visibilitychange', () => {
        if (globals.document?.visibilityState === 'visible') listener();
      });
    case 'network-change': {
      const connection = globals.navigator?.connection;
      return listen(typeof connection?.addEventListener === 'function' ? connection : undefined, 'change', listener);
    }
    case 'online':
    case 'offline':
    case 'pagehide':
    case 'pageshow':
      return listen(page, event, listener);
  }
}

function construct<T>(name: string, ...parameters: unknown[]): T {
  const constructor = (globalThis as Globals)[name] as (new (...parameters: unknown[]) => T) | undefined;
  if (!constructor) throw new Error(`${name} is not there in this runtime`);
  return new constructor(...parameters);
}

/** The browser's own things; `overrides` replace single ones. */
export function createEnvironment(overrides: Partial<Environment> = {}): Environment {
  const globals = globalThis as Globals;
  const defaults: Environment = {
    now: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer as number),
    fetch: (input, init) => globalThis.fetch(input, init),
    openSocket: (url) => construct<SocketLike>('WebSocket', url),
    createPeerConnection: (configuration) => construct<RTCPeerConnection>('RTCPeerConnection', configuration),
    createMediaStream: () => construct<MediaStream>('MediaStream'),
    createAudioContext: () => (globals.AudioContext ? construct<AudioContext>('AudioContext') : null),
    createMediaGuard,
    canGuardMedia,
    get mediaDevices() {
      return globals.navigator?.mediaDevices ?? null;
    },
    get permissions() {
      return globals.navigator?.permissions ?? null;
    },
    get localStorage() {
      return storageOf('localStorage');
    },
    get sessionStorage() {
      return storageOf('sessionStorage');
    },
    get locks() {
      return (globals.navigator?.locks as LocksLike | undefined) ?? null;
    },
    isOnline: () => globals.navigator?.onLine !== false,
    get origin() {
      return globals.location?.origin ?? null;
    },
    onPageEvent,
    onStorage: (listener) =>
      listen(
        typeof globals.addEventListener === 'function' ? (globalThis as unknown as EventTarget) : undefined,
        'storage',
        (event) => listener((event as StorageEvent).key),
      ),
  };
  // Not spread: the getters have to stay getters.
  for (const key of Object.keys(overrides) as (keyof Environment)[]) {
    const value = overrides[key];
    if (value !== undefined) Object.defineProperty(defaults, key, { value, enumerable: true, configurable: true });
  }
  return defaults;
}
