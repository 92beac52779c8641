// Somebody who is in a room, for requests that need one: joins, and leaves. By Node.js alone.
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

/** One masked text frame (RFC 6455) of less than 126 bytes. */
function frame(text) {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, payload.map((byte, i) => byte ^ mask[i % 4])]);
}

/** Resolves once the server counts the participant in, with what makes it leave. */
export function join({ port, kind, room, session, token }) {
  return new Promise((resolve, reject) => {
    const upgrade = request({
      host: '127.0.0.1',
      port,
      path: `/api/v1/${kind}/${room}/call`,
      headers: {
        Authorization: `Bearer ${token}`,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      },
    });
    upgrade.on('error', reject);
    upgrade.on('response', ({ statusCode }) => reject(new Error(`no upgrade: ${statusCode}`)));
    upgrade.on('upgrade', (_, socket, head) => {
      let text = head.toString('latin1');
      const look = () => {
        if (!text.includes('"joined"')) return;
        resolve({
          leave: () => socket.write(frame(JSON.stringify({ type: 'leave', sessionId: session })), () => socket.destroy()),
        });
      };
      socket.on('data', (data) => {
        text += data.toString('latin1');
        look();
      });
      socket.on('error', () => {});
      socket.write(frame(JSON.stringify({ type: 'join', sessionId: session })));
      look();
    });
    upgrade.end();
  });
}
