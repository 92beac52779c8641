// REST: errors, tokens, and one refresh for all tabs.
import { describe, expect, it } from 'vitest';
import { ApiError, ZvonokApi, localStorageTokens, memoryTokens, type Session } from '../src/index.js';
import { FakeBrowser, FakeClock, FakeLocks, SharedStorage, settle, type StorageTab } from './fakes.js';

const kUser = { id: 'alice', email: 'alice@example.org', display_name: 'Alice', created_at: '2026-01-01T00:00:00.000Z' };

function session(n: number, expiresAt: number): Session {
  return {
    accessToken: `access-${n}`,
    refreshToken: `refresh-${n}`,
    expiresAt,
    user: { id: 'alice', email: 'alice@example.org', displayName: 'Alice', createdAt: kUser.created_at },
  };
}

/** A server that rotates refresh tokens and ends the login when one is used twice. */
class AuthServer {
  current = 1;
  refreshes = 0;
  ended = false;
  respond = async (url: string, init: RequestInit): Promise<{ status: number; body?: unknown }> => {
    const path = new URL(url).pathname;
    await settle(5); // an answer takes a while
    if (path === '/api/auth/refresh') {
      this.refreshes += 1;
      const { refresh_token } = JSON.parse(String(init.body)) as { refresh_token: string };
      if (this.ended || refresh_token !== `refresh-${this.current}`) {
        this.ended = true;
        return { status: 401, body: { code: 'bad_refresh_token', detail: 'The refresh token is not valid' } };
      }
      this.current += 1;
      const tokens = { access_token: `access-${this.current}`, refresh_token: `refresh-${this.current}`, expires_in: 900 };
      return { status: 200, body: { ...tokens, user: kUser } };
    }
    const token = (init.headers as Record<string, string>)['Authorization'];
    if (token !== `Bearer access-${this.current}`) return { status: 401, body: { code: 'token_expired' } };
    return { status: 200, body: kUser };
  };
}

function tab(server: AuthServer, clock: FakeClock, storage: StorageTab, locks: FakeLocks | null, seed: number): { api: ZvonokApi; browser: FakeBrowser } {
  const browser = new FakeBrowser({ clock, storage, locks, seed });
  browser.respond = server.respond;
  return { api: new ZvonokApi({ environment: browser.environment }), browser };
}

describe('ApiError', () => {
  it.each([
    [401, { code: 'wrong_credentials', detail: 'Wrong email or password' }, {}, { status: 401, code: 'wrong_credentials', retryAfter: null }],
    [429, { code: 'too_many_requests', detail: 'later' }, { 'Retry-After': '7' }, { status: 429, code: 'too_many_requests', retryAfter: 7 }],
    [400, { code: 'invalid_field', detail: 'bad', field: 'email' }, {}, { status: 400, code: 'invalid_field', field: 'email' }],
    [502, undefined, {}, { status: 502, code: 'http_502' }],
  ])('carries what a %i says', async (status, body, headers, expected) => {
    const browser = new FakeBrowser();
    browser.respond = () => ({ status, body, headers });
    const api = new ZvonokApi({ environment: browser.environment });
    const error = await api.login({ email: 'a', password: 'b' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject(expected);
  });

  it('is network with status 0 when no answer comes', async () => {
    const browser = new FakeBrowser();
    browser.respond = () => null;
    const api = new ZvonokApi({ environment: browser.environment });
    await expect(api.login({ email: 'a', password: 'b' })).rejects.toMatchObject({ status: 0, code: 'network', isTemporary: true });
  });

  it('names what is missing in an answer', async () => {
    const browser = new FakeBrowser();
    browser.respond = () => ({ status: 200, body: { access_token: 'x' } });
    const api = new ZvonokApi({ environment: browser.environment });
    await expect(api.login({ email: 'a', password: 'b' })).rejects.toMatchObject({ code: 'bad_answer', field: 'refresh_token' });
  });

  it('is the abort itself for an aborted request', async () => {
    const browser = new FakeBrowser();
    browser.respond = () => null;
    const api = new ZvonokApi({ environment: browser.environment, getToken: async () => 't' });
    const controller = new AbortController();
    controller.abort();
    await expect(api.people({ signal: controller.signal })).rejects.toBeInstanceOf(TypeError);
  });
});

describe('the login', () => {
  it('is kept, shown to other tabs, and forgotten at logout', async () => {
    const shared = new SharedStorage();
    const server = new AuthServer();
    const clock = new FakeClock();
    const one = tab(server, clock, shared.tab(), new FakeLocks(), 1);
    const two = tab(server, clock, shared.tab(), new FakeLocks(), 2);
    const seen: (string | null)[] = [];
    two.api.on('session', (s) => seen.push(s?.accessToken ?? null));
    one.browser.respond = (url) =>
      url.endsWith('/login')
        ? { status: 200, body: { access_token: 'access-1', refresh_token: 'refresh-1', expires_in: 900, user: kUser } }
        : { status: 204 };
    await one.api.login({ email: 'a', password: 'b' });
    expect(two.api.account?.displayName).toBe('Alice');
    await one.api.logout();
    expect(two.api.isLoggedIn).toBe(false);
    expect(seen).toEqual(['access-1', null]);
    expect(one.browser.requests[1]?.init.body).toBe('{"refresh_token":"refresh-1"}');
  });

  it('survives a logout that the server never hears of', async () => {
    const browser = new FakeBrowser();
    browser.respond = () => null;
    const api = new ZvonokApi({ environment: browser.environment, tokens: memoryTokens(session(1, Infinity)) });
    await api.logout();
    expect(api.session).toBeNull();
  });

  it('with blocked storage lasts as long as the page', async () => {
    const browser = new FakeBrowser();
    const blocked = { getItem: () => null, setItem: () => { throw new DOMException('full', 'QuotaExceededError'); }, removeItem: () => undefined };
    const tokens = localStorageTokens('k', { ...browser.environment, localStorage: blocked });
    tokens.save(session(1, 5));
    expect(tokens.load()?.accessToken).toBe('access-1');
  });

  it('ignores rubbish in the storage', () => {
    const browser = new FakeBrowser();
    browser.storage.setItem('zvonok.session', '{"accessToken":1');
    expect(new ZvonokApi({ environment: browser.environment }).session).toBeNull();
  });
});

describe('refresh', () => {
  it('is one request for all who wait for it', async () => {
    const server = new AuthServer();
    const clock = new FakeClock();
    const { api } = tab(server, clock, new SharedStorage().tab(), new FakeLocks(), 1);
    (api as unknown as { tokens: { save(s: Session): void } }).tokens.save(session(1, clock.now + 1_000)); // due
    const all = await Promise.all([api.me(), api.me(), api.accessToken(), api.people().catch(() => null)]);
    expect(server.refreshes).toBe(1);
    expect(all[2]).toBe('access-2');
    expect(server.ended).toBe(false);
  });

  it('follows a 401, once', async () => {
    const server = new AuthServer();
    const clock = new FakeClock();
    const { api, browser } = tab(server, clock, new SharedStorage().tab(), new FakeLocks(), 1);
    browser.storage.setItem('zvonok.session', JSON.stringify({ ...session(1, clock.now + 900_000), accessToken: 'revoked' }));
    await expect(api.me()).resolves.toMatchObject({ id: 'alice' });
    expect(server.refreshes).toBe(1);
  });

  it.each([
    ['Web Locks', true],
    ['a lease in localStorage', false],
  ])('is one request for three tabs, by %s', async (_, withLocks) => {
    const server = new AuthServer();
    const clock = new FakeClock();
    const shared = new SharedStorage();
    const locks = withLocks ? new FakeLocks() : null;
    const tabs = [1, 2, 3].map((seed) => tab(server, clock, shared.tab(), locks, seed));
    tabs[0]?.browser.storage.setItem('zvonok.session', JSON.stringify(session(1, clock.now)));
    const work = Promise.all(tabs.map(({ api }) => api.accessToken()));
    await clock.advance(1_000);
    expect(await work).toEqual(['access-2', 'access-2', 'access-2']);
    expect(server.refreshes).toBe(1);
    expect(server.ended).toBe(false);
  });

  it('outlives a tab that died with the lease', async () => {
    const server = new AuthServer();
    const clock = new FakeClock();
    const { api, browser } = tab(server, clock, new SharedStorage().tab(), null, 1);
    browser.storage.setItem('zvonok.session', JSON.stringify(session(1, clock.now)));
    browser.storage.setItem('zvonok.session.refresh.lease', JSON.stringify({ owner: 'dead', until: clock.now + 10_000 }));
    const token = api.accessToken();
    await clock.advance(9_000);
    expect(server.refreshes).toBe(0);
    await clock.advance(2_000);
    expect(await token).toBe('access-2');
  });

  it('ends the login when it is refused, and says so', async () => {
    const server = new AuthServer();
    server.ended = true;
    const clock = new FakeClock();
    const { api, browser } = tab(server, clock, new SharedStorage().tab(), new FakeLocks(), 1);
    browser.storage.setItem('zvonok.session', JSON.stringify(session(1, clock.now)));
    const expired: string[] = [];
    api.on('expired', (error) => expired.push(error.code));
    await expect(api.me()).rejects.toMatchObject({ code: 'bad_refresh_token' });
    expect(expired).toEqual(['bad_refresh_token']);
    expect(api.session).toBeNull();
  });

  it('keeps the login when the server cannot be reached', async () => {
    const browser = new FakeBrowser();
    browser.respond = () => null;
    const api = new ZvonokApi({ environment: browser.environment, tokens: memoryTokens(session(1, 0)) });
    await expect(api.me()).rejects.toMatchObject({ code: 'network' });
    expect(api.isLoggedIn).toBe(true);
  });

  it('is not done with the tokens of a messenger', async () => {
    const browser = new FakeBrowser();
    browser.respond = (_, init) => ({ status: 200, body: { ...kUser, display_name: String((init.headers as Record<string, string>)['Authorization']) } });
    let n = 0;
    const api = new ZvonokApi({ environment: browser.environment, getToken: async () => `own-${(n += 1)}` });
    expect((await api.me()).displayName).toBe('Bearer own-1');
    expect((await api.me()).displayName).toBe('Bearer own-2');
  });
});

describe('listings', () => {
  it('are pages of values', async () => {
    const browser = new FakeBrowser();
    const record = {
      call_id: 'c1', kind: 'pair', direction: 'incoming', peer_user_id: 'bob', peer_display_name: 'Bob', status: 'completed', reason: 'hangup',
      start_time: 't0', ring_time: 't1', answer_time: 't2', end_time: 't3', duration: 12,
    };
    browser.respond = () => ({ status: 200, body: { calls: [record], next: 'cursor' } });
    const api = new ZvonokApi({ environment: browser.environment, getToken: async () => 't' });
    const page = await api.callHistory({ limit: 10, after: 'x y' });
    expect(page.next).toBe('cursor');
    expect(page.items[0]).toMatchObject({ callId: 'c1', peerDisplayName: 'Bob', duration: 12, chatId: null });
    expect(browser.requests[0]?.url).toBe('https://calls.example.org/api/calls/history?limit=10&after=x+y');
  });

  it('of ICE servers are kept, and empty where the server has none', async () => {
    const browser = new FakeBrowser();
    const api = new ZvonokApi({ environment: browser.environment, getToken: async () => 't' });
    expect(await api.iceServers()).toEqual([]);
    expect(await api.iceServers()).toEqual([]);
    expect(browser.requests).toHaveLength(1);
  });
});

it('dispose leaves no listeners', () => {
  const browser = new FakeBrowser();
  const api = new ZvonokApi({ environment: browser.environment });
  expect(browser.storage.listeners.size).toBe(1);
  api.dispose();
  expect(browser.storage.listeners.size).toBe(0);
});
