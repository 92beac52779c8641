// A first hour with the API by curl, step by step as a newcomer does it: sign up, log in, call, hang up, look back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';

import { startServer } from '../e2e/support/server.mjs';

describe('the walk-through by curl', { timeout: 60_000 }, () => {
  let server;
  let environment;
  before(async () => {
    server = await startServer({ environment: { SHUTDOWN_TIMEOUT: '100ms' } });
    environment = { ...process.env, BASE: `http://localhost:${server.port}` };
  });
  after(async () => {
    await server?.stopAndClean();
  });

  /** What a shell makes of it: [status, body]. */
  const sh = (command) => {
    const output = execFileSync('bash', ['-c', command.replace('curl -X', "curl -s -w '\\n%{http_code}' -X")], { env: environment, encoding: 'utf8' });
    const cut = output.lastIndexOf('\n');
    return { status: Number(output.slice(cut + 1)), body: JSON.parse(output.slice(0, cut)) };
  };

  it('goes from nothing to a call in the history', () => {
    const credentials = `-H "Content-Type: application/json" -d '{"email":"test@example.com","password":"password123"}'`;
    const registered = sh(`curl -X POST $BASE/api/auth/register ${credentials}`);
    assert.equal(registered.status, 201);
    const login = sh(`curl -X POST $BASE/api/auth/login ${credentials}`);
    assert.equal(login.status, 200);
    environment.TOKEN = login.body.access_token;
    assert.ok(environment.TOKEN);

    const number = `-H "Content-Type: application/json" -d '{"phone_number":"+15005550002"}'`; // rings for as long as it takes
    const begun = sh(`curl -X POST $BASE/api/calls/initiate -H "Authorization: Bearer $TOKEN" ${number}`);
    assert.equal(begun.status, 201);
    const { call_id, session_id, sdp_offer, status, start_time } = begun.body;
    assert.match(call_id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    assert.match(session_id, /^sess_/);
    assert.ok(sdp_offer.startsWith('v=0\r\no=-'));
    assert.equal(status, 'connecting');
    assert.match(start_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);

    environment.CALL_ID = call_id;
    const terminate = `curl -X POST $BASE/api/calls/terminate -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"call_id":"'$CALL_ID'"}'`;
    const ended = sh(terminate);
    assert.equal(ended.status, 200);
    assert.equal(ended.body.call_id, call_id);
    assert.equal(ended.body.duration, 0);
    assert.equal(ended.body.status, 'canceled', 'nobody had answered yet');
    assert.equal(sh(terminate).status, 409);

    const history = sh(`curl -X GET $BASE/api/calls/history -H "Authorization: Bearer $TOKEN"`);
    assert.equal(history.status, 200);
    assert.deepEqual(history.body.calls.map((call) => call.call_id), [call_id]);
  });

  it('completes a call that was answered, with its seconds', async () => {
    const number = `-H "Content-Type: application/json" -d '{"phone_number":"+491512345678"}'`;
    const begun = sh(`curl -X POST $BASE/api/calls/initiate -H "Authorization: Bearer $TOKEN" ${number}`);
    environment.CALL_ID = begun.body.call_id;
    let answeredAt;
    for (;;) {
      const { body } = sh('curl -X GET $BASE/api/calls/$CALL_ID -H "Authorization: Bearer $TOKEN"');
      answeredAt = Date.parse(body.answer_time ?? '');
      if (Date.now() - answeredAt > 1100) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const ended = sh(`curl -X POST $BASE/api/calls/terminate -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"call_id":"'$CALL_ID'"}'`);
    assert.equal(ended.status, 200);
    assert.equal(ended.body.status, 'completed');
    const most = (Date.now() - answeredAt) / 1000;
    assert.ok(ended.body.duration >= 1 && ended.body.duration <= most, `${ended.body.duration} s, at most ${most}`);
  });

  it('refuses what is wrong, as the page of troubles says', () => {
    const call = (body, token = '$TOKEN') =>
      sh(`curl -X POST $BASE/api/calls/initiate -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" -d '${body}'`);
    for (const wrong of ['491512345678', '+49 151 2345678']) assert.equal(call(JSON.stringify({ phone_number: wrong })).status, 400);
    assert.equal(call('{}').status, 400);
    assert.equal(call('{"phone_number":"+491512345678"}', 'nonsense').status, 401);
    assert.equal(call('{"phone_number":"+15005550007"}').status, 503, 'the provider is out of reach');

    const begun = call('{"phone_number":"+491512345678"}');
    const other = `-H "Content-Type: application/json" -d '{"email":"other@example.com","password":"password123"}'`;
    environment.OTHER = sh(`curl -X POST $BASE/api/auth/register ${other}`).body.access_token;
    environment.CALL_ID = begun.body.call_id;
    const foreign = sh(`curl -X POST $BASE/api/calls/terminate -H "Authorization: Bearer $OTHER" -H "Content-Type: application/json" -d '{"call_id":"'$CALL_ID'"}'`);
    assert.equal(foreign.status, 403);
  });
});
