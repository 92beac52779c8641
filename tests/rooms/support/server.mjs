// A server of its own for each file of tests, with users by signed tokens: AUTH_PROVISION=jit makes them as they come.
import { createHmac, randomUUID } from 'node:crypto';

import { startServer } from '../../e2e/support/server.mjs';

const secret = 'a secret of the contract tests, long enough';
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of `user`; `rooms` is the claim that lets it in, everywhere unless said otherwise. */
export function token(user, rooms = ['group:*', 'chat:*'], more = {}) {
  const now = Math.floor(Date.now() / 1000);
  const signed = [{ alg: 'HS256', typ: 'JWT' }, { sub: user, name: user, rooms, iat: now, exp: now + 600, ...more }].map(encode).join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export async function startRooms(environment = {}, how = {}) {
  const server = await startServer({
    environment: { JWT_SECRET: secret, AUTH_PROVISION: 'jit', MEDIA_ADVERTISED_IP: '127.0.0.1', ...environment },
    ...how,
  });
  process.once('exit', () => void server.stop('SIGKILL')); // a crashed test leaves no server behind
  let rooms = 0;
  return {
    ...server,
    /** A room that no other test is in. */
    newRoom: () => `room-${(rooms += 1)}`,
    newId: () => randomUUID().slice(0, 8),
    socketUrl: (kind, room) => `ws://127.0.0.1:${server.port}/api/v1/${kind}/${room}/call`,
    async api(method, path, user, body) {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        method,
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token(user, [])}` },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}
