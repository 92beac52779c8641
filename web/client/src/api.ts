// The REST API: accounts, people, history, tickets. Refreshes the login by itself, once for all tabs.
import { createEnvironment, type Environment } from './environment.js';
import { Emitter } from './emitter.js';
import { ApiError } from './errors.js';
import { withTabLock } from './tab-lock.js';
import { localStorageTokens, type TokenStore } from './tokens.js';
import type { RoomInfo, RoomKind } from './room-types.js';
import { toAccount, toCallRecord, toChat, toGroup, toMember, toPage, toPerson, toSession, members, text } from './rest-json.js';
import type {
  Account,
  CallFilter,
  CallRecord,
  Chat,
  Group,
  GroupRole,
  Listenable,
  Member,
  Page,
  PageOptions,
  Person,
  Session,
  Unsubscribe,
} from './types.js';

export interface ApiOptions {
  /** Where the server is: `https://calls.example.org`. Default: the page's own origin. */
  readonly baseUrl?: string | undefined;
  /** Default: localStorageTokens(). */
  readonly tokens?: TokenStore | undefined;
  /** For a messenger with its own users: its JWT, a fresh one each time. Then `tokens` is not used. */
  readonly getToken?: (() => Promise<string>) | undefined;
  readonly environment?: Partial<Environment> | undefined;
}

export interface ApiEvents {
  /** Login, logout, refresh, rename: here or in another tab. */
  session: Session | null;
  /** The login is over although nobody here logged out. */
  expired: ApiError;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly body?: unknown;
  /** `user` (the default) sends the access token and refreshes it when it is refused; `none` sends none. */
  readonly auth?: 'user' | 'none' | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Goes on when the page or this object ends. The answer may be heard by nobody. */
  readonly keepalive?: boolean | undefined;
}

/** An access token that ends within this time is refreshed before it is used. */
const kRefreshAheadMs = 30_000;
const kIceServersTtlMs = 10 * 60_000;

export class ZvonokApi implements Listenable<ApiEvents> {
  readonly baseUrl: string;
  private readonly env: Environment;
  private readonly tokens: TokenStore;
  private readonly getToken: (() => Promise<string>) | null;
  private readonly events = new Emitter<ApiEvents>();
  private readonly stopWatching: Unsubscribe;
  private readonly closing = new AbortController();
  private refreshing: Promise<Session> | null = null;
  private iceCache: { servers: RTCIceServer[]; until: number } | null = null;

  constructor(options: ApiOptions = {}) {
    this.env = createEnvironment(options.environment);
    this.baseUrl = (options.baseUrl ?? this.env.origin ?? '').replace(/\/+$/, '');
    this.getToken = options.getToken ?? null;
    this.tokens = options.tokens ?? localStorageTokens(undefined, options.environment);
    this.stopWatching = this.tokens.subscribe((session) => this.events.emit('session', session));
  }

  /** Whether tokens come from the application, which then does the logging in. */
  get usesForeignTokens(): boolean {
    return this.getToken !== null;
  }
  get session(): Session | null {
    return this.getToken ? null : this.tokens.load();
  }
  get account(): Account | null {
    return this.session?.user ?? null;
  }
  get isLoggedIn(): boolean {
    return this.getToken !== null || this.session !== null;
  }

  on<Name extends keyof ApiEvents>(event: Name, listener: (value: ApiEvents[Name]) => void): Unsubscribe {
    return this.events.on(event, listener);
  }
  once<Name extends keyof ApiEvents>(event: Name, listener: (value: ApiEvents[Name]) => void): Unsubscribe {
    return this.events.once(event, listener);
  }

  // ---- accounts ---------------------------------------------------------------------------------------------------

  async register(form: {
    readonly email: string;
    readonly password: string;
    readonly displayName?: string | undefined;
  }): Promise<Session> {
    const body = { email: form.email, password: form.password, display_name: form.displayName };
    return this.keepLogin(await this.request('/api/auth/register', { method: 'POST', body, auth: 'none' }));
  }

  async login(form: { readonly email: string; readonly password: string }): Promise<Session> {
    const body = { email: form.email, password: form.password };
    return this.keepLogin(await this.request('/api/auth/login', { method: 'POST', body, auth: 'none' }));
  }

  /** Forgets the login here at once; the server is told, and a failure to reach it is no error. */
  async logout(): Promise<void> {
    // A refresh that is under way would bring the login back.
    await this.refreshing?.catch(() => undefined);
    const session = this.session;
    if (!session) return;
    this.keep(null);
    try {
      const body = { refresh_token: session.refreshToken };
      await this.request('/api/auth/logout', { method: 'POST', body, auth: 'none' });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  async me(): Promise<Account> {
    return this.keepAccount(toAccount(await this.request('/api/auth/me')));
  }

  async updateMe(change: { readonly displayName: string }): Promise<Account> {
    const body = { display_name: change.displayName };
    return this.keepAccount(toAccount(await this.request('/api/auth/me', { method: 'PATCH', body })));
  }

  // ---- people, history, chats -------------------------------------------------------------------------------------

  async people(options: PageOptions & { readonly search?: string | undefined } = {}): Promise<Page<Person>> {
    const query = { search: options.search, limit: options.limit, after: options.after };
    return toPage(await this.request('/api/users', { query, signal: options.signal }), 'users', toPerson);
  }

  async callHistory(options: PageOptions & CallFilter = {}): Promise<Page<CallRecord>> {
    const { limit, after, kind, status, direction, from, until, phoneNumber } = options;
    const query = { limit, after, kind, status, direction, from, until, phone_number: phoneNumber };
    return toPage(await this.request('/api/calls/history', { query, signal: options.signal }), 'calls', toCallRecord);
  }

  /** The private chat with somebody, made when there is none yet. */
  async createChat(userId: string): Promise<Chat> {
    return toChat(await this.request('/api/v1/chats', { method: 'POST', body: { userId } }));
  }

  async chats(options: PageOptions = {}): Promise<Page<Chat>> {
    const query = { limit: options.limit, after: options.after };
    return toPage(await this.request('/api/v1/chats', { query, signal: options.signal }), 'chats', toChat);
  }

  async chat(id: string): Promise<Chat> {
    return toChat(await this.request(`/api/v1/chats/${encodeURIComponent(id)}`));
  }

  async chatMembers(id: string): Promise<Page<Member>> {
    return toPage(await this.request(`/api/v1/chats/${encodeURIComponent(id)}/members`), 'members', toMember);
  }

  // ---- groups -----------------------------------------------------------------------------------------------------

  /** `id`: one of your own, 1 to 128 of `A-Z a-z 0-9 _ . : -`. Up to 100 members; add the others afterwards. */
  async createGroup(form: {
    readonly title: string;
    readonly id?: string | undefined;
    readonly members?: readonly string[] | undefined;
  }): Promise<Group> {
    return toGroup(await this.request('/api/v1/groups', { method: 'POST', body: form }));
  }

  async groups(options: PageOptions = {}): Promise<Page<Group>> {
    const query = { limit: options.limit, after: options.after };
    return toPage(await this.request('/api/v1/groups', { query, signal: options.signal }), 'groups', toGroup);
  }

  /** ApiError with status 404 for strangers, whether there is such a group or not. */
  async group(id: string): Promise<Group> {
    return toGroup(await this.request(groupPath(id)));
  }

  async renameGroup(id: string, title: string): Promise<Group> {
    return toGroup(await this.request(groupPath(id), { method: 'PATCH', body: { title } }));
  }

  async deleteGroup(id: string): Promise<void> {
    await this.request(groupPath(id), { method: 'DELETE' });
  }

  async groupMembers(id: string, options: PageOptions = {}): Promise<Page<Member>> {
    const query = { limit: options.limit, after: options.after };
    return toPage(await this.request(`${groupPath(id)}/members`, { query, signal: options.signal }), 'members', toMember);
  }

  /** Adds somebody, or changes their role. */
  async putGroupMember(id: string, userId: string, role: GroupRole = 'member'): Promise<Member> {
    const path = `${groupPath(id)}/members/${encodeURIComponent(userId)}`;
    return toMember(await this.request(path, { method: 'PUT', body: { role } }));
  }

  /** Removes somebody, or oneself: out of the group's room at once, too. */
  async removeGroupMember(id: string, userId: string): Promise<void> {
    await this.request(`${groupPath(id)}/members/${encodeURIComponent(userId)}`, { method: 'DELETE' });
  }

  /** A room as it is now, for members. Nobody there: it is empty, and whoever comes first decides about encryption. */
  async roomInfo(kind: RoomKind, id: string, signal?: AbortSignal): Promise<RoomInfo> {
    const room = members(await this.request(`/api/v1/${kind}/${encodeURIComponent(id)}/room`, { signal }));
    return { participants: Object.keys(members(room['peers'])).length, locked: room['locked'] === true, encrypted: room['e2e'] === true };
  }

  // ---- for calls --------------------------------------------------------------------------------------------------

  /** A ticket that opens one WebSocket, within 30 s. */
  async socketTicket(): Promise<string> {
    return text(members(await this.request('/api/auth/ws-ticket', { method: 'POST' })), 'ticket');
  }

  /** STUN and TURN servers for RTCPeerConnection; kept for as long as they hold. Empty where the server lists none. */
  async iceServers(): Promise<RTCIceServer[]> {
    if (this.iceCache && this.iceCache.until > this.env.now()) return this.iceCache.servers;
    let answer: Record<string, unknown> = {};
    try {
      answer = members(await this.request('/api/v1/ice-servers'));
    } catch (error) {
      // A server without this route has no servers to list.
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
    const list = answer['ice_servers'] ?? answer['iceServers'];
    const servers = Array.isArray(list) ? (list as RTCIceServer[]) : [];
    const lifetime = answer['expires_in'] ?? answer['ttl'];
    // Half the life of the credentials: the call that gets them has to live on them for a while.
    const keepMs = typeof lifetime === 'number' ? Math.min((lifetime * 1000) / 2, kIceServersTtlMs) : kIceServersTtlMs;
    this.iceCache = { servers, until: this.env.now() + keepMs };
    return servers;
  }

  // ---- tokens -----------------------------------------------------------------------------------------------------

  /** An access token that is good for a while yet. Rejects with ApiError `no_token` when nobody is logged in. */
  async accessToken(): Promise<string> {
    if (this.getToken) return this.getToken();
    const session = this.session;
    if (!session) throw notLoggedIn();
    if (session.expiresAt - this.env.now() > kRefreshAheadMs) return session.accessToken;
    return (await this.refreshOnce(session)).accessToken;
  }

  /** Takes a new access token now, however good the old one looks. */
  async refresh(): Promise<string> {
    if (this.getToken) return this.getToken();
    const session = this.session;
    if (!session) throw notLoggedIn();
    return (await this.refreshOnce(session)).accessToken;
  }

  /** All who need a new token at the same time wait for one request. */
  private refreshOnce(stale: Session): Promise<Session> {
    this.refreshing ??= this.refreshAcrossTabs(stale).finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  private refreshAcrossTabs(stale: Session): Promise<Session> {
    return withTabLock(this.env, `${this.tokens.name}.refresh`, async () => {
      // While this tab waited, another one may have done it: a refresh token used twice would end the login.
      const current = this.tokens.load();
      if (!current) throw notLoggedIn();
      if (current.accessToken !== stale.accessToken) return current;
      try {
        const body = { refresh_token: current.refreshToken };
        const fresh = toSession(await this.request('/api/auth/refresh', { method: 'POST', body, auth: 'none' }), this.env.now());
        this.keep(fresh);
        return fresh;
      } catch (error) {
        if (!(error instanceof ApiError) || error.isTemporary) throw error;
        const later = this.tokens.load();
        if (later && later.refreshToken !== current.refreshToken) return later;
        this.keep(null);
        this.events.emit('expired', error);
        throw error;
      }
    });
  }

  private keepLogin(answer: unknown): Session {
    const session = toSession(answer, this.env.now());
    this.keep(session);
    return session;
  }

  private keepAccount(account: Account): Account {
    const session = this.session;
    if (session && session.user.id === account.id) this.keep({ ...session, user: account });
    return account;
  }

  private keep(session: Session | null): void {
    this.tokens.save(session);
    this.events.emit('session', session);
  }

  // ---- requests ---------------------------------------------------------------------------------------------------

  /** Any route of the server, with this login. Gives the parsed JSON; null for an empty answer. */
  async request(path: string, options: RequestOptions = {}): Promise<unknown> {
    if (options.auth === 'none') return this.send(path, options, null);
    const token = await this.accessToken();
    try {
      return await this.send(path, options, token);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      const fresh = await this.tokenAfterRefusal(token);
      return this.send(path, options, fresh);
    }
  }

  private async tokenAfterRefusal(refused: string): Promise<string> {
    if (this.getToken) return this.getToken();
    const session = this.session;
    if (!session) throw notLoggedIn();
    if (session.accessToken !== refused) return session.accessToken;
    return (await this.refreshOnce(session)).accessToken;
  }

  private async send(path: string, options: RequestOptions, token: string | null): Promise<unknown> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (token !== null) headers['Authorization'] = `Bearer ${token}`;
    const abort = joinSignals(this.closing.signal, options.signal);
    const init: RequestInit = {
      method: options.method ?? 'GET',
      headers,
      cache: 'no-store',
      credentials: 'omit',
      ...(options.keepalive === true ? { keepalive: true } : { signal: abort.signal }),
    };
    if (options.body !== undefined) {
      headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(options.body);
    }
    let response: Response;
    let body: string;
    try {
      response = await this.env.fetch(this.baseUrl + path + queryText(options.query), init);
      body = await response.text();
    } catch (cause) {
      if (options.signal?.aborted || this.closing.signal.aborted) throw cause;
      throw new ApiError('The server cannot be reached', { status: 0, code: 'network', cause });
    } finally {
      abort.release();
    }
    const value = parseJson(body);
    if (!response.ok) throw problemOf(response, value);
    return value;
  }

  /** Aborts what is under way and forgets the listeners. The login stays. */
  dispose(): void {
    this.closing.abort();
    this.stopWatching();
    this.events.clear();
  }
}

function notLoggedIn(): ApiError {
  return new ApiError('Nobody is logged in', { status: 401, code: 'no_token' });
}

function groupPath(id: string): string {
  return `/api/v1/groups/${encodeURIComponent(id)}`;
}

function queryText(query: RequestOptions['query']): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== '') parameters.set(key, String(value));
  }
  const joined = parameters.toString();
  return joined === '' ? '' : `?${joined}`;
}

function parseJson(body: string): unknown {
  if (body === '') return null;
  try {
    return JSON.parse(body);
  } catch {
    return null; // a proxy's HTML: the status says enough
  }
}

function problemOf(response: Response, value: unknown): ApiError {
  const problem = members(value);
  const pick = (key: string): string | null => (typeof problem[key] === 'string' ? (problem[key] as string) : null);
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return new ApiError(pick('detail') ?? pick('error') ?? `The server answered ${response.status}`, {
    status: response.status,
    code: pick('code') ?? `http_${response.status}`,
    retryAfter: Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : null,
    field: pick('field'),
    requestId: pick('request_id') ?? response.headers.get('X-Request-Id'),
  });
}

/** AbortSignal.any is younger than the browsers this has to run in. `release` takes the listeners off again. */
function joinSignals(own: AbortSignal, other: AbortSignal | undefined): { signal: AbortSignal; release: () => void } {
  if (!other) return { signal: own, release: () => undefined };
  const joined = new AbortController();
  const abort = (): void => joined.abort(other.aborted ? other.reason : own.reason);
  own.addEventListener('abort', abort);
  other.addEventListener('abort', abort);
  if (own.aborted || other.aborted) abort();
  const release = (): void => {
    own.removeEventListener('abort', abort);
    other.removeEventListener('abort', abort);
  };
  return { signal: joined.signal, release };
}
