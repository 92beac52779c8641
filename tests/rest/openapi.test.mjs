// Every answer that openapi.yaml documents is produced by a running server, and is as documented; and the server answers
// nothing else. Which routes there are is compared in tests/unit/rest/router_test.cpp.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startPostgres } from '../e2e/support/server.mjs';
import { startRooms, token } from '../rooms/support/server.mjs';
import { Api, checkSchema, document, operations, unseen } from './support/contract.mjs';
import { join } from './support/participant.mjs';

const answers = '+491512345678';
const answersAtOnce = '+15005550008';
const cannotBeDialed = '+15005550003';
const callsBack = '+15005550010';
const neverAnswers = '+15005550002';

const isSocket = ({ path }) => path === '/ws';
const isPhone = ({ operation }) => operation.tags?.includes('phone');
const needsUser = ({ operation }) => operation.security === undefined && !isSocket({ path: '' });
const hasBody = ({ operation }) => operation.requestBody !== undefined;

/** An answer to what was offered, of a browser that would talk. */
const sdpAnswer = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 0 101', 'c=IN IP4 0.0.0.0',
  'a=mid:0', 'a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=setup:active', 'a=sendrecv', 'a=rtcp-mux', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000', '',
].join('\r\n');

describe('the document', { timeout: 240_000 }, () => {
  let server;
  let strict;
  let open;
  let alice;
  let bob;
  const servers = [];
  const start = async (environment) => {
    const started = await startRooms({ PASSWORD_MEMORY_KIB: '8', PASSWORD_PASSES: '1', VOIP_DIAL_TIMEOUT: '5s', SHUTDOWN_TIMEOUT: '100ms', ...environment });
    servers.push(started);
    return started;
  };

  before(async () => {
    server = await start({ VOIP_DENY_PREFIXES: '+7', VOIP_CALLS_PER_USER_MAX: '1', METRICS_TOKEN: 'a token of the metrics', REGISTRATIONS_PER_IP: '20', LOGIN_FAILURES_PER_ACCOUNT: '2' });
    strict = await start({
      VOIP_REQUESTS_PER_MINUTE: '1',
      VOIP_INITIATIONS_PER_MINUTE: '1',
      REGISTRATION: 'closed',
      DIRECTORY: 'off',
    });
    open = new Api(server, null);
    alice = new Api(server, token('alice'));
    bob = new Api(server, token('bob'));
    await alice.expect(200, 'GET /api/auth/me');
    await bob.expect(200, 'GET /api/auth/me');
  });
  after(async () => {
    for (const each of servers) await each.stopAndClean();
  });

  it('is what the server gives out', async () => {
    const told = await open.expect(200, 'GET /openapi.yaml');
    assert.ok(told.text.includes('openapi: 3.1.0'));
    await open.expect(200, 'GET /healthz');
    await open.expect(200, 'GET /readyz');
    await open.as('a token of the metrics').expect(200, 'GET /metrics');
    await open.as('another').expect(403, 'GET /metrics');
    assert.match(document.openapi, /^3\.1\./);
  });

  it('asks for a token wherever a user is needed', async () => {
    for (const each of operations.filter(needsUser)) {
      const body = hasBody(each) ? { body: {} } : {};
      const { headers } = await open.expect(401, each.name, body);
      assert.match(headers.get('www-authenticate') ?? '', /^Bearer/);
      await open.as('no.such.token').expect(401, each.name, body);
    }
  });

  it('knows what becomes of bodies that are none', async () => {
    for (const each of operations.filter(hasBody)) {
      const path = { userId: 'alice' };
      await alice.expect(415, each.name, { raw: 'a=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, path });
      await alice.expect(400, each.name, { raw: '{"a":', path });
      await alice.expect(400, each.name, { raw: '[]', path });
    }
  });

  it('knows what becomes of bodies that are too large', async () => {
    for (const each of operations.filter(({ operation }) => operation.responses['413'] !== undefined)) {
      await alice.expect(413, each.name, { raw: `{"a":"${'x'.repeat(1 << 20)}"}` }).catch((error) => {
        // The connection is closed under a body that nobody will read: the answer may be lost with it.
        if (!String(error.cause ?? error).match(/ECONNRESET|EPIPE|socket|closed/)) throw error;
      });
    }
  });

  it('holds for accounts', async () => {
    const account = { email: 'ada@example.org', password: 'a long password', display_name: 'Ada' };
    const registered = await open.expect(201, 'POST /api/auth/register', { body: account });
    await open.expect(409, 'POST /api/auth/register', { body: account });
    const session = await open.expect(200, 'POST /api/auth/login', { body: account });
    await open.expect(401, 'POST /api/auth/login', { body: { ...account, password: 'a wrong password' } });
    const refresh_token = session.body.refresh_token;
    await open.expect(200, 'POST /api/auth/refresh', { body: { refresh_token } });
    await open.expect(401, 'POST /api/auth/refresh', { body: { refresh_token } });
    const ada = open.as(registered.body.access_token);
    await ada.expect(200, 'PATCH /api/auth/me', { body: { display_name: 'Ada L.' } });
    await ada.expect(200, 'POST /api/auth/ws-ticket');
    await ada.expect(200, 'GET /api/users');
    await ada.expect(400, 'GET /api/users', { query: '?limit=none' });
    await ada.expect(204, 'POST /api/auth/logout', { body: { refresh_token: registered.body.refresh_token } });
    await open.expect(401, 'POST /api/auth/logout', { body: {} });
    await new Api(strict, null).expect(403, 'POST /api/auth/register', { body: account });
    await new Api(strict, token('carol')).expect(403, 'GET /api/users');
    await alice.expect(200, 'GET /api/v1/ice-servers');
    const late = { email: 'nobody@example.org', password: 'a wrong password' };
    let status = 401;
    for (let i = 0; i < 10 && status !== 429; i += 1) ({ status } = await open.ask('POST /api/auth/login', { body: late }));
    assert.equal(status, 429);
  });

  it('holds for chats, groups and their rooms', async () => {
    const chat = await alice.expect(201, 'POST /api/v1/chats', { body: { userId: 'bob' } });
    await alice.expect(200, 'POST /api/v1/chats', { body: { userId: 'bob' } });
    await alice.expect(404, 'POST /api/v1/chats', { body: { userId: 'nobody' } });
    await alice.expect(200, 'GET /api/v1/chats');
    await alice.expect(400, 'GET /api/v1/chats', { query: '?limit=-1' });
    const path = { id: chat.body.id };
    await alice.expect(200, 'GET /api/v1/chats/{id}', { path });
    await alice.expect(404, 'GET /api/v1/chats/{id}');
    await alice.expect(200, 'GET /api/v1/chats/{id}/members', { path });
    await alice.expect(404, 'GET /api/v1/chats/{id}/members');
    for (const kind of ['chat', 'group']) {
      await alice.expect(200, `GET /api/v1/${kind}/{id}/room`, { path: { id: 'any' } });
      await alice.as(token('bob', [])).ask(`GET /api/v1/${kind}/{id}/room`, { path: { id: 'any' } });
      await alice.ask(`DELETE /api/v1/${kind}/{id}/room/users/{userId}`, { path: { id: 'any', userId: 'bob' } });
      await alice.as(token('bob', [`${kind}:other`])).ask(`DELETE /api/v1/${kind}/{id}/room/users/{userId}`, { path: { id: 'any', userId: 'bob' } });
    }

    const group = await alice.expect(201, 'POST /api/v1/groups', { body: { title: 'Team', id: 'team', members: ['bob'] } });
    await alice.expect(409, 'POST /api/v1/groups', { body: { title: 'Team', id: 'team' } });
    await alice.expect(404, 'POST /api/v1/groups', { body: { title: 'Team', members: ['nobody'] } });
    await alice.expect(200, 'GET /api/v1/groups');
    await alice.expect(400, 'GET /api/v1/groups', { query: '?limit=x' });
    const id = group.body.id;
    await alice.expect(200, 'GET /api/v1/groups/{id}', { path: { id } });
    await alice.expect(404, 'GET /api/v1/groups/{id}');
    // Without the claim it is the server's own books that say who may enter.
    const unclaimed = (user) => new Api(server, token(user, [], { rooms: undefined }));
    for (const [kind, place] of [['group', id], ['chat', chat.body.id]]) {
      const nowhere = { path: { id: 'what no room is called', userId: 'bob' } };
      const inside = { path: { id: place, userId: 'bob' } };
      await unclaimed('alice').expect(200, `GET /api/v1/${kind}/{id}/room`, inside);
      await unclaimed('stranger').expect(403, `GET /api/v1/${kind}/{id}/room`, inside);
      await unclaimed('stranger').expect(404, `GET /api/v1/${kind}/{id}/room`, nowhere);
      await unclaimed('alice').ask(`DELETE /api/v1/${kind}/{id}/room/users/{userId}`, inside);
      await unclaimed('stranger').expect(404, `DELETE /api/v1/${kind}/{id}/room/users/{userId}`, nowhere);
    }
    await alice.expect(200, 'PATCH /api/v1/groups/{id}', { path: { id }, body: { title: 'Crew' } });
    await bob.expect(403, 'PATCH /api/v1/groups/{id}', { path: { id }, body: { title: 'Mine' } });
    await alice.expect(404, 'PATCH /api/v1/groups/{id}', { body: { title: 'None' } });
    await alice.expect(200, 'GET /api/v1/groups/{id}/members', { path: { id } });
    await alice.expect(400, 'GET /api/v1/groups/{id}/members', { path: { id }, query: '?limit=x' });
    await alice.expect(404, 'GET /api/v1/groups/{id}/members');
    await new Api(server, token('carol')).expect(200, 'GET /api/auth/me');
    const member = (userId) => ({ path: { id, userId } });
    const put = 'PUT /api/v1/groups/{id}/members/{userId}';
    const remove = 'DELETE /api/v1/groups/{id}/members/{userId}';
    await alice.expect(201, put, { ...member('carol'), body: { role: 'member' } });
    await alice.expect(200, put, { ...member('carol'), body: { role: 'admin' } });
    await bob.expect(403, put, { ...member('carol'), body: { role: 'member' } });
    await alice.expect(404, put, { ...member('nobody'), body: { role: 'member' } });
    await alice.expect(409, put, { ...member('alice'), body: { role: 'member' } });
    await alice.expect(409, remove, member('alice'));
    await bob.expect(403, remove, member('carol'));
    await alice.expect(404, remove, member('nobody'));
    await alice.expect(204, remove, member('carol'));
    await bob.expect(403, 'DELETE /api/v1/groups/{id}', { path: { id } });
    await alice.expect(204, 'DELETE /api/v1/groups/{id}', { path: { id } });
    await alice.expect(404, 'DELETE /api/v1/groups/{id}', { path: { id } });
  });

  it('holds for phone calls under way', async () => {
    const begun = await alice.expect(201, 'POST /api/calls/initiate', { body: { phone_number: answersAtOnce } });
    assert.equal(begun.headers.get('location'), `/api/calls/${begun.body.call_id}`);
    const path = { id: begun.body.call_id };
    await alice.expect(409, 'POST /api/calls/initiate', { body: { phone_number: answers } });
    await alice.expect(400, 'POST /api/calls/initiate', { body: { phone_number: '49 151 2345678' } });
    await alice.expect(403, 'POST /api/calls/initiate', { body: { phone_number: '+74951234567' } });
    while ((await alice.expect(200, 'GET /api/calls/{id}', { path })).body.status !== 'in_progress') continue;
    await alice.expect(200, 'POST /api/calls/{id}/answer', { path, body: { sdp_answer: sdpAnswer } });
    await alice.expect(400, 'POST /api/calls/{id}/answer', { path, body: { sdp_answer: 'v=0' } });
    await alice.expect(200, 'POST /api/calls/{id}/dtmf', { path, body: { digits: '1#' } });
    await alice.expect(400, 'POST /api/calls/{id}/dtmf', { path, body: { digits: 'x' } });
    await alice.expect(200, 'POST /api/calls/{id}/hold', { path, body: { hold: true } });
    await alice.expect(200, 'POST /api/calls/{id}/mute', { path, body: { mute: true } });
    for (const act of ['hold', 'mute']) await alice.expect(400, `POST /api/calls/{id}/${act}`, { path, body: { [act]: 'yes' } });
    for (const name of ['GET /api/calls/events', 'GET /api/calls/{id}/events']) {
      const { text } = await alice.expect(200, name, { path });
      for (const [, data] of text.matchAll(/^data: (.*)$/gm)) checkSchema('PhoneCall', JSON.parse(data));
    }
    await alice.ask('POST /api/calls/{id}/accept', { path }); // it goes out: 409
    await alice.ask('POST /api/calls/{id}/reject', { path });
    const ended = await alice.expect(200, 'POST /api/calls/terminate', { body: { call_id: path.id } });
    assert.equal(ended.body.status, 'completed');
    await alice.expect(409, 'POST /api/calls/terminate', { body: { call_id: path.id } });
    const bodies = { answer: { sdp_answer: sdpAnswer }, dtmf: { digits: '1' }, hold: {}, mute: {}, accept: undefined, reject: undefined, 'ice-restart': undefined };
    for (const each of operations.filter((one) => isPhone(one) && one.method === 'POST' && one.path.includes('{id}'))) {
      const body = bodies[each.path.split('/').pop()];
      await alice.expect(409, each.name, { path, body });
      await bob.expect(403, each.name, { path, body });
      await alice.expect(404, each.name, { body });
    }
    for (const name of ['GET /api/calls/{id}', 'GET /api/calls/{id}/events']) {
      await bob.expect(403, name, { path });
      await alice.expect(404, name);
    }
    await bob.expect(403, 'POST /api/calls/terminate', { body: { call_id: path.id } });
    await alice.expect(404, 'POST /api/calls/terminate', { body: { call_id: 'no-such' } });
    const refused = await alice.expect(503, 'POST /api/calls/initiate', { body: { phone_number: cannotBeDialed } });
    checkSchema('PhoneCall', refused.body.call);
  });

  it('holds for telephones in rooms', async () => {
    const stranger = new Api(server, token('stranger', [], { rooms: undefined }));
    for (const kind of ['chat', 'group']) {
      const invite = `POST /api/v1/${kind}/{id}/room/phones`;
      const drop = `DELETE /api/v1/${kind}/{id}/room/phones/{sessionId}`;
      const room = `${kind}-with-telephones`;
      const asked = { path: { id: room }, body: { phone_number: neverAnswers, name: 'Anna' } };
      assert.equal((await alice.expect(409, invite, asked)).body.code, 'room_empty');
      await stranger.expect(403, invite, asked);
      await alice.expect(404, invite, { ...asked, path: { id: 'what no room is called' } });
      const inside = await join({ port: server.port, kind, room, session: 'a', token: alice.token });
      const begun = await alice.expect(201, invite, asked);
      assert.equal(begun.headers.get('location'), `/api/calls/${begun.body.call_id}`);
      assert.deepEqual(begun.body.room, { kind, id: room });
      assert.equal((await alice.expect(409, invite, asked)).body.code, 'in_another_call');
      const telephone = { path: { id: room, sessionId: `phone-${begun.body.call_id}` } };
      const shown = await alice.expect(200, `GET /api/v1/${kind}/{id}/room`, { path: { id: room } });
      assert.equal(shown.body.peers[telephone.path.sessionId].phone.by, 'alice');
      await stranger.expect(403, drop, telephone);
      await alice.expect(204, drop, telephone);
      await alice.expect(404, drop, telephone);
      const headers = { 'Idempotency-Key': `a telephone in a ${kind}` };
      const once = await alice.expect(201, invite, { ...asked, headers });
      assert.equal((await alice.expect(201, invite, { ...asked, headers })).text, once.text);
      await alice.expect(422, invite, { ...asked, body: { phone_number: answers }, headers });
      await alice.expect(200, 'POST /api/calls/terminate', { body: { call_id: once.body.call_id } });
      const refused = await alice.expect(503, invite, { ...asked, body: { phone_number: cannotBeDialed } });
      checkSchema('PhoneCall', refused.body.call);
      inside.leave();
      const erin = new Api(strict, token(`erin-${kind}`));
      for (const [name, request] of [[invite, asked], [drop, telephone]]) {
        let status = 0;
        for (let i = 0; i < 3 && status !== 429; i += 1) ({ status } = await erin.ask(name, request)); // the minute may end
        assert.equal(status, 429, name);
      }
    }
  });

  it('holds for a telephone that calls, and for the ways of a call after a restart', async () => {
    const stream = await fetch(`${alice.base}/api/calls/events`, { headers: { Authorization: `Bearer ${alice.token}` } });
    const reader = stream.body.getReader();
    let text = '';
    const next = async (wanted) => {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const event = text.slice(0, end);
          text = text.slice(end + 2);
          const data = event.match(/^data: (.*)$/m)?.[1];
          if (!data) continue;
          checkSchema('PhoneCall', JSON.parse(data));
          if (wanted(JSON.parse(data))) return JSON.parse(data);
          continue;
        }
        text += new TextDecoder().decode((await reader.read()).value);
      }
    };
    for (const answer of ['accept', 'reject']) {
      await alice.expect(201, 'POST /api/calls/initiate', { body: { phone_number: callsBack } });
      const rung = await next(({ direction, status, accepted }) => direction === 'incoming' && status === 'ringing' && !accepted);
      const path = { id: rung.call_id };
      const { body } = await alice.expect(200, `POST /api/calls/{id}/${answer}`, { path });
      await alice.expect(409, `POST /api/calls/{id}/${answer}`, { path });
      if (answer === 'reject') continue;
      assert.ok(body.sdp_offer.startsWith('v=0'));
      const restart = operations.find(({ path: each }) => each.endsWith('/ice-restart'));
      if (restart) await alice.expect(200, restart.name, { path });
      await alice.expect(200, 'POST /api/calls/terminate', { body: { call_id: rung.call_id } });
    }
    await reader.cancel();
  });

  it('holds for the history, its filters and its pages', async () => {
    const all = await alice.expect(200, 'GET /api/calls/history', { query: '?kind=phone' });
    assert.ok(all.body.calls.length >= 4);
    const walked = [];
    for (let next = ''; next !== null; ) {
      const page = await alice.expect(200, 'GET /api/calls/history', { query: `?kind=phone&limit=1${next && `&after=${encodeURIComponent(next)}`}` });
      walked.push(...page.body.calls);
      next = page.body.next;
    }
    assert.deepEqual(walked, all.body.calls);
    for (const filter of ['direction=incoming', 'direction=outgoing', 'status=completed', 'status=declined', 'status=missed', `phone_number=${encodeURIComponent(callsBack)}`]) {
      const { body } = await alice.expect(200, 'GET /api/calls/history', { query: `?kind=phone&${filter}` });
      assert.ok(body.calls.length < all.body.calls.length, filter);
    }
    for (const wrong of ['kind=fax', 'status=gone', 'direction=up', 'from=yesterday', 'phone_number=12', 'limit=0x']) {
      await alice.expect(400, 'GET /api/calls/history', { query: `?${wrong}` });
    }
    assert.equal((await bob.expect(200, 'GET /api/calls/history')).body.calls.length, 0, "others' calls are nobody's business");
  });

  it('lets a key stand for one request', async () => {
    const headers = { 'Idempotency-Key': 'the same' };
    const bodies = { terminate: { call_id: 'no-such' }, initiate: { phone_number: answers }, answer: { sdp_answer: sdpAnswer }, dtmf: { digits: '1' }, hold: {}, mute: {} };
    for (const each of operations.filter((one) => isPhone(one) && one.method === 'POST')) {
      const body = bodies[each.path.split('/').pop()];
      const key = { 'Idempotency-Key': `of ${each.name}` };
      const first = await bob.ask(each.name, { body, headers: key });
      const again = await bob.ask(each.name, { body, headers: key });
      assert.equal(again.status, first.status);
      // What was refused did nothing, and is tried again.
      assert.equal(again.headers.get('idempotent-replayed'), first.status < 300 ? 'true' : null);
      if (first.status < 300) assert.equal(again.text, first.text);
      await bob.expect(422, each.name, { path: { id: 'another' }, body: { ...body, more: 1 }, headers: key });
    }
    const { body } = await bob.ask('GET /api/calls/history', { headers });
    for (const call of body.calls.filter(({ end_time }) => end_time === null)) {
      await bob.expect(200, 'POST /api/calls/terminate', { body: { call_id: call.call_id } });
    }
  });

  it('says when it is too much', async () => {
    const dave = new Api(strict, token('dave'));
    const bodies = { terminate: { call_id: 'no-such' }, initiate: { phone_number: '12' }, answer: { sdp_answer: '' }, dtmf: { digits: '1' }, hold: {}, mute: {} };
    for (const each of operations.filter((one) => isPhone(one) || one.path === '/api/calls/history')) {
      const request = { body: each.method === 'POST' ? bodies[each.path.split('/').pop()] : undefined };
      // The minute may end between two of them.
      let status = 0;
      for (let i = 0; i < 3 && status !== 429; i += 1) {
        const answer = await dave.ask(each.name, request);
        ({ status } = answer);
        assert.equal(answer.headers.get('ratelimit-limit'), '1', each.name);
        if (status === 429) assert.ok(Number(answer.headers.get('retry-after')) > 0);
      }
      assert.equal(status, 429, each.name);
    }
    const strangers = new Api(await start({ REGISTRATIONS_PER_IP: '1' }), null);
    let status = 0;
    for (let i = 0; i < 4 && status !== 429; i += 1) {
      ({ status } = await strangers.ask('POST /api/auth/register', { body: { email: `u${i}@example.org`, password: 'a long password', display_name: 'U' } }));
    }
    assert.equal(status, 429);
  });

  it('says so when its database is gone', async () => {
    const postgres = await startPostgres();
    const lone = await start({ ...postgres.environment });
    const user = new Api(lone, token('erin'));
    await user.expect(200, 'GET /api/auth/me');
    await postgres.stop();
    const bodies = {
      'POST /api/auth/register': { email: 'x@example.org', password: 'a long password', display_name: 'X' },
      'POST /api/auth/login': { email: 'x@example.org', password: 'a long password' },
      'POST /api/auth/refresh': { refresh_token: 'x'.repeat(43) },
      'POST /api/auth/logout': { refresh_token: 'x'.repeat(43) },
      'PATCH /api/auth/me': { display_name: 'E' },
      'POST /api/calls/terminate': { call_id: 'gone' },
      'POST /api/calls/{id}/answer': { sdp_answer: sdpAnswer },
      'POST /api/calls/{id}/dtmf': { digits: '1' },
      'POST /api/v1/chats': { userId: 'bob' },
      'POST /api/v1/groups': { title: 'T' },
      'PATCH /api/v1/groups/{id}': { title: 'T' },
      'PUT /api/v1/groups/{id}/members/{userId}': { role: 'member' },
    };
    // These need nothing of it: see the list at the end.
    const free = new Set(['POST /api/calls/initiate', 'GET /api/calls/events', 'POST /api/auth/ws-ticket', 'GET /api/v1/ice-servers']);
    for (const each of operations.filter(({ name, operation, path }) => operation.responses['503'] && !free.has(name) && path !== '/ws')) {
      if (each.path.includes('/room')) continue;
      await user.expect(503, each.name, { body: bodies[each.name] ?? (hasBody(each) ? {} : undefined) });
    }
  });

  it('documents nothing that was not seen here', () => {
    // Why each of these is not produced by a client of one small server.
    const excused = [
      [/^GET \/ws /, 'the upgrade: tests/integration/server/websocket_test.cpp'],
      [/ 503$/, 'of rooms, tickets, streams and servers of ICE: a server that is full or about to stop'],
      [/^GET \/api\/auth\/me 404$|^PATCH \/api\/auth\/me 404$/, 'a user who is known by tokens alone, AUTH_PROVISION=none'],
      [/ 413$/, 'the connection may be closed before the answer is read: tests/integration/server'],
    ];
    const left = unseen().filter((each) => !excused.some(([pattern]) => pattern.test(each)));
    assert.deepEqual(left, []);
  });
});
