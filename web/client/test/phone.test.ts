// Phone calls: what the page makes of the server's answers and events, and of its own devices.
import { describe, expect, it } from 'vitest';
import { memoryTokens, PhoneClient, ZvonokApi, type PhoneCall } from '../src/index.js';
import { EventReader } from '../src/sse.js';
import { FakeBrowser, settle } from './fakes.js';

const kOffer =
  'v=0\r\no=- 9000 1 IN IP4 127.0.0.1\r\ns=1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=sendrecv\r\n';

interface Row {
  call_id: string;
  status: string;
  direction?: string;
  accepted?: boolean;
  cause?: string;
  [more: string]: unknown;
}

function json(row: Row): Record<string, unknown> {
  return {
    session_id: 'sess_1',
    phone_number: '+491512345678',
    direction: 'outgoing',
    reason: null,
    start_time: '2026-02-03T12:34:56.000Z',
    ring_time: null,
    answer_time: null,
    end_time: null,
    duration: 0,
    ...row,
  };
}

/** A server that does what it is told to, and whose stream of events stays open. */
class PhoneServer {
  readonly browser = new FakeBrowser();
  readonly posts: { path: string; body: Record<string, unknown> }[] = [];
  streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  /** Answers of POSTs by path; `initiate` and the like. */
  answers: Record<string, () => { status: number; body: unknown }> = {};
  shown: Row | null = null;
  streamStatus = 200;
  readonly client: PhoneClient;
  readonly calls: PhoneCall[] = [];

  constructor() {
    const session = {
      accessToken: 'access',
      refreshToken: 'refresh',
      expiresAt: this.browser.clock.now + 3_600_000,
      user: { id: 'alice', email: null, displayName: 'Alice', createdAt: '' },
    };
    const environment = { ...this.browser.environment, fetch: (url: string, init?: RequestInit) => this.fetch(url, init ?? {}) };
    const api = new ZvonokApi({ environment, tokens: memoryTokens(session) });
    this.client = new PhoneClient({ api, environment, iceServers: [] });
    this.client.on('call', (call) => this.calls.push(call));
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url);
    if (pathname === '/api/calls/events') {
      if (this.streamStatus !== 200) return new Response('{}', { status: this.streamStatus });
      const body = new ReadableStream<Uint8Array>({ start: (controller) => void this.streams.push(controller) });
      return new Response(body, { status: 200 });
    }
    const path = pathname.replace('/api/calls/', '');
    if ((init.method ?? 'GET') === 'GET') return Response.json(this.shown ? json(this.shown) : {}, { status: this.shown ? 200 : 404 });
    this.posts.push({ path, body: init.body === undefined ? {} : (JSON.parse(String(init.body)) as Record<string, unknown>) });
    const { status, body } = this.answers[path]?.() ?? { status: 200, body: json({ call_id: path.split('/')[0] ?? '', status: 'in_progress' }) };
    return Response.json(body, { status });
  }

  async tell(row: Row): Promise<void> {
    const text = `id: 1\nevent: status\ndata: ${JSON.stringify(json(row))}\n\n`;
    this.streams[this.streams.length - 1]?.enqueue(new TextEncoder().encode(text));
    await settle();
    await new Promise((resolve) => setTimeout(resolve, 0));
    await settle();
  }
  async listen(): Promise<void> {
    this.client.connect();
    await settle();
  }
  /** A telephone calls. */
  async ring(): Promise<PhoneCall> {
    await this.listen();
    await this.tell({ call_id: 'in-1', status: 'ringing', direction: 'incoming', accepted: false, cause: 'provider' });
    const call = this.calls[0];
    if (!call) throw new Error('nothing rings');
    return call;
  }
  async dial(): Promise<PhoneCall> {
    await this.listen();
    this.answers['initiate'] ??= () => ({ status: 201, body: json({ call_id: 'out-1', status: 'connecting', sdp_offer: kOffer }) });
    const call = this.client.dial('+491512345678');
    await settle();
    return call;
  }
  paths(): string[] {
    return this.posts.map(({ path }) => path);
  }
}

describe('server-sent events', () => {
  it('come in pieces of any size, with any end of line', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const text = [': hello', 'retry: 2000', '', 'id: 1', 'event: status', 'data: {"a":', 'data:1}', '', 'data: x', '', ''].join(end);
      for (let size = 1; size <= text.length; size += 1) {
        const reader = new EventReader();
        const events = [];
        for (let at = 0; at < text.length; at += size) events.push(...reader.take(text.slice(at, at + size)));
        expect(events).toEqual([
          { name: 'status', data: '{"a":\n1}' },
          { name: 'message', data: 'x' },
        ]);
      }
    }
  });
  it('have lines of a bounded length', () => {
    expect(() => new EventReader().take('x'.repeat(2 << 20))).toThrow();
  });
});

describe('a call that is dialed', () => {
  it('goes from dialing to the answer, with sound from the first on', async () => {
    const server = new PhoneServer();
    const call = await server.dial();
    expect(server.paths()).toEqual(['initiate', 'out-1/answer']);
    expect(String(server.posts[1]?.body['sdp_answer'])).toContain('m=audio');
    expect(server.browser.pc.getTransceivers()[0]?.sender.track?.kind).toBe('audio');
    expect(call.snapshot).toMatchObject({ status: 'connecting', media: 'connecting', microphone: true });
    await server.tell({ call_id: 'out-1', status: 'ringing', cause: 'provider' });
    expect(call.snapshot.status).toBe('ringing');
    await server.tell({ call_id: 'out-1', status: 'in_progress', cause: 'provider' });
    expect(call.snapshot.answeredAt).toBe(server.browser.clock.now);
    await server.tell({ call_id: 'out-1', status: 'ringing', cause: 'provider' });
    expect(call.snapshot.status).toBe('in_progress');
    await server.tell({ call_id: 'out-1', status: 'completed', duration: 7, reason: 'hangup', cause: 'provider' });
    expect(call.snapshot).toMatchObject({ status: 'completed', duration: 7, end: { why: 'server' } });
    expect(server.browser.pc.signalingState).toBe('closed');
    expect(server.client.calls).toEqual([]);
  });

  it('is known by its events before its answer, and not taken for another device\'s', async () => {
    const server = new PhoneServer();
    await server.listen();
    let answer: (value: { status: number; body: unknown }) => void = () => undefined;
    const gate = new Promise<{ status: number; body: unknown }>((resolve) => (answer = resolve));
    server.answers['initiate'] = () => ({ status: 201, body: json({ call_id: 'out-1', status: 'connecting', sdp_offer: kOffer }) });
    const call = server.client.dial('+491512345678');
    await server.tell({ call_id: 'elsewhere', status: 'ringing', cause: 'provider' });
    answer(server.answers['initiate']());
    await gate;
    await settle();
    expect(call.callId).toBe('out-1');
    expect(server.calls).toEqual([call]);
  });

  it.each([
    [503, { code: 'provider_failed', detail: 'no' }],
    [403, { code: 'number_not_allowed', detail: 'no' }],
    [409, { code: 'in_another_call', detail: 'no' }],
  ])('ends when it is refused with %i', async (status, body) => {
    const server = new PhoneServer();
    server.answers['initiate'] = () => ({ status, body });
    const call = await server.dial();
    expect(call.snapshot.end).toEqual({ why: 'refused', code: body.code, retryAfter: null });
    expect(server.browser.media.requests).toHaveLength(1);
    expect(server.browser.connections).toHaveLength(0);
  });

  it('is hung up as soon as the server has it, when the user was faster', async () => {
    const server = new PhoneServer();
    await server.listen();
    server.answers['initiate'] = () => ({ status: 201, body: json({ call_id: 'out-1', status: 'connecting', sdp_offer: kOffer }) });
    server.answers['terminate'] = () => ({ status: 200, body: json({ call_id: 'out-1', status: 'canceled', reason: 'canceled' }) });
    const call = server.client.dial('+491512345678');
    call.hangup();
    await settle();
    expect(server.paths()).toEqual(['initiate', 'terminate']);
    expect(call.snapshot).toMatchObject({ status: 'canceled', end: { why: 'server' } });
  });

  it('goes on without a microphone, and says so', async () => {
    const server = new PhoneServer();
    server.browser.media.failures = { audio: 'NotAllowedError' };
    await server.listen();
    const warnings: string[] = [];
    server.client.on('call', (each) => void each.on('warning', ({ code }) => warnings.push(code)));
    const call = await server.dial();
    expect(warnings).toEqual(['microphone-denied']);
    expect(call.snapshot).toMatchObject({ microphone: false, media: 'connecting' });
    expect(server.paths()).toContain('out-1/answer');
  });

  it('presses keys one after another, holds and mutes', async () => {
    const server = new PhoneServer();
    const call = await server.dial();
    await server.tell({ call_id: 'out-1', status: 'in_progress', cause: 'provider' });
    await Promise.all([call.sendDigits('1'), call.sendDigits('2')]);
    expect(server.posts.filter(({ path }) => path === 'out-1/dtmf').map(({ body }) => body['digits'])).toEqual(['1', '2']);
    server.answers['out-1/hold'] = () => ({ status: 200, body: json({ call_id: 'out-1', status: 'in_progress', on_hold: true }) });
    await call.setHold(true);
    expect(call.snapshot.onHold).toBe(true);
    const track = server.browser.pc.getTransceivers()[0]?.sender.track;
    server.answers['out-1/mute'] = () => ({ status: 500, body: { code: 'internal_error' } });
    const muting = call.setMuted(true);
    expect(call.snapshot.muted).toBe(true);
    expect(track?.enabled).toBe(false);
    await expect(muting).rejects.toThrow();
    expect(call.snapshot.muted).toBe(false);
    expect(track?.enabled).toBe(true);
  });

  it('hears the keys of the telephone', async () => {
    const server = new PhoneServer();
    const call = await server.dial();
    const heard: string[] = [];
    call.on('digit', (digit) => heard.push(digit));
    const text = 'event: digit\ndata: {"call_id":"out-1","digit":"5"}\n\nevent: digit\ndata: {"call_id":"other","digit":"6"}\n\n';
    server.streams[0]?.enqueue(new TextEncoder().encode(text));
    await new Promise((resolve) => setTimeout(resolve, 0));
    await settle();
    expect(heard).toEqual(['5']);
  });

  it('mends its way when it is lost', async () => {
    const server = new PhoneServer();
    const call = await server.dial();
    server.answers['out-1/ice-restart'] = () => ({ status: 200, body: json({ call_id: 'out-1', status: 'in_progress', sdp_offer: kOffer.replace('s=1', 's=2') }) });
    const { pc } = server.browser;
    pc.connectionState = 'disconnected';
    pc.onconnectionstatechange?.();
    expect(call.snapshot.media).toBe('lost');
    await server.browser.clock.advance(3_000);
    expect(server.paths().slice(-2)).toEqual(['out-1/ice-restart', 'out-1/answer']);
    pc.connectionState = 'connected';
    pc.onconnectionstatechange?.();
    expect(call.snapshot.media).toBe('connected');
  });
});

describe('a telephone that calls', () => {
  it('is taken by the first device, which has the sound', async () => {
    const server = new PhoneServer();
    const call = await server.ring();
    expect(call).toMatchObject({ direction: 'incoming', isHere: false });
    expect(server.browser.media.requests).toEqual([]);
    server.answers['in-1/accept'] = () => ({ status: 200, body: json({ call_id: 'in-1', status: 'ringing', direction: 'incoming', accepted: true, sdp_offer: kOffer }) });
    const taken = call.accept();
    await server.tell({ call_id: 'in-1', status: 'ringing', direction: 'incoming', accepted: true, cause: 'callee' });
    await taken;
    expect(call).toMatchObject({ isHere: true, isOver: false });
    expect(server.paths()).toEqual(['in-1/accept', 'in-1/answer']);
    await server.tell({ call_id: 'in-1', status: 'in_progress', direction: 'incoming', accepted: true, cause: 'provider' });
    expect(call.snapshot.status).toBe('in_progress');
  });

  it('stops to ring when another device has taken it, or is faster', async () => {
    const first = new PhoneServer();
    const call = await first.ring();
    await first.tell({ call_id: 'in-1', status: 'ringing', direction: 'incoming', accepted: true, cause: 'callee' });
    expect(call.snapshot.end?.why).toBe('elsewhere');
    const second = new PhoneServer();
    const late = await second.ring();
    second.answers['in-1/accept'] = () => ({ status: 409, body: { code: 'accepted_already' } });
    await expect(late.accept()).rejects.toMatchObject({ code: 'accepted_already' });
    expect(late.snapshot.end?.why).toBe('elsewhere');
  });

  it('is declined, or gives up', async () => {
    const server = new PhoneServer();
    const call = await server.ring();
    server.answers['in-1/reject'] = () => ({ status: 200, body: json({ call_id: 'in-1', status: 'declined', direction: 'incoming' }) });
    call.decline();
    await settle();
    expect(call.snapshot).toMatchObject({ status: 'declined', end: { why: 'server' } });
    await server.tell({ call_id: 'in-2', status: 'ringing', direction: 'incoming', accepted: false, cause: 'provider' });
    await server.tell({ call_id: 'in-2', status: 'canceled', direction: 'incoming', cause: 'provider' });
    expect(server.calls[1]?.snapshot).toMatchObject({ status: 'canceled', end: { why: 'server' } });
  });

  it('rings on a page that comes later, but not when it was missed', async () => {
    const server = new PhoneServer();
    await server.listen();
    await server.tell({ call_id: 'in-0', status: 'busy', direction: 'incoming', cause: 'user_busy' });
    await server.tell({ call_id: 'in-1', status: 'in_progress', direction: 'incoming', accepted: true });
    expect(server.calls).toEqual([]);
    await server.tell({ call_id: 'in-2', status: 'ringing', direction: 'incoming', accepted: false });
    expect(server.calls).toHaveLength(1);
  });
});

describe('the stream of events', () => {
  it('comes back by itself, and what was missed is asked for', async () => {
    const server = new PhoneServer();
    const call = await server.dial();
    server.shown = { call_id: 'out-1', status: 'no_answer', reason: 'no-answer' };
    server.streams[0]?.close();
    await settle();
    await new Promise((resolve) => setTimeout(resolve, 0));
    await server.browser.clock.advance(1_000);
    expect(server.streams).toHaveLength(2);
    await settle();
    expect(call.snapshot).toMatchObject({ status: 'no_answer', end: { why: 'server' } });
  });

  it('hangs up what is talked in when the page is left', async () => {
    const server = new PhoneServer();
    await server.dial();
    server.browser.pageEvent('pagehide');
    await settle();
    expect(server.paths()).toContain('terminate');
  });

  it('ends with the client, and leaves no timer', async () => {
    const server = new PhoneServer();
    const call = await server.dial();
    server.client.dispose();
    await settle();
    expect(call.snapshot.end?.why).toBe('disposed');
    expect(server.browser.pageListenerCount).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await settle();
    expect(server.browser.clock.pending).toBe(0);
    expect(() => server.client.dial('+491512345678')).toThrow();
  });
});
