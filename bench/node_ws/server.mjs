// What the benchmark compares the server with: the pair dialect (docs/protocol/pair.md) on Node.js and `ws`, the way one
// writes it for production, without what the comparison does not ask for: no database, no history, no reconnect grace,
// no early candidates, no rate limits. Less work than the server does, so the comparison leans this way.
//
// Settings: SERVER_PORT, JWT_SECRET. SIGUSR2 collects garbage (needs --expose-gc), so that memory is counted without it.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const SECRET = process.env.JWT_SECRET;
const PORT = Number(process.env.SERVER_PORT);
const PING_INTERVAL_MS = 25_000;
const RING_TIMEOUT_MS = 45_000;
const SEND_QUEUE_BYTES_MAX = 1024 * 1024;

// ---- tokens --------------------------------------------------------------------------------------------------------

function verify(token) {
  const parts = token.split('.');
  if (parts.length !== 3) return null;
  const [header, body, signature] = parts;
  const expected = createHmac('sha256', SECRET).update(`${header}.${body}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  try {
    if (JSON.parse(Buffer.from(header, 'base64url').toString()).alg !== 'HS256') return null;
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const now = Date.now() / 1000;
    if (claims.exp !== undefined && !(claims.exp > now)) return null;
    if (claims.nbf !== undefined && !(claims.nbf <= now + 5)) return null;
    const user = claims.sub ?? claims.userId;
    return user === undefined ? null : String(user);
  } catch {
    return null;
  }
}

// ---- state ---------------------------------------------------------------------------------------------------------

/** user id -> Set of sockets */
const users = new Map();
/** user id -> {caller, callee, callerSocket, calleeSocket (null while it rings), timer}; the same object under both */
const calls = new Map();

function send(socket, event, payload) {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount > SEND_QUEUE_BYTES_MAX) {
    socket.close(4008, 'Slow consumer');
    return;
  }
  socket.send(JSON.stringify({ event, payload }));
}

function refuse(socket, code, message) {
  send(socket, 'call:error', { code, message });
}

function endCall(call, reason, payload, by) {
  clearTimeout(call.timer);
  calls.delete(call.caller);
  calls.delete(call.callee);
  const sockets = call.calleeSocket ? [call.calleeSocket] : (users.get(call.callee) ?? []);
  for (const socket of [call.callerSocket, ...sockets]) {
    if (socket !== by) send(socket, 'call:hangup', { reason, ...payload });
  }
}

// ---- messages ------------------------------------------------------------------------------------------------------

function onOffer(socket, payload) {
  const target = payload.userId ?? payload.targetUserId;
  if (target === undefined || target === null || target === '') {
    refuse(socket, 'bad-message', 'the offer names nobody');
    return;
  }
  const callee = String(target);
  const offer = { ...payload, fromUserId: socket.userId };
  const own = calls.get(socket.userId);
  const theirs = calls.get(callee);
  if (own !== undefined && own === theirs) {
    const peer = peerOf(own, socket);
    if (peer) send(peer, 'call:offer', offer);
    return;
  }
  if (own || theirs) {
    refuse(socket, 'busy', 'in another call');
    return;
  }
  const devices = users.get(callee);
  if (devices === undefined || callee === socket.userId) {
    refuse(socket, 'offline', 'no device of the user is connected');
    return;
  }
  const call = { caller: socket.userId, callee, callerSocket: socket, calleeSocket: null, timer: undefined };
  call.timer = setTimeout(() => endCall(call, 'no-answer'), RING_TIMEOUT_MS);
  calls.set(call.caller, call);
  calls.set(call.callee, call);
  for (const device of devices) send(device, 'call:offer', offer);
}

function peerOf(call, socket) {
  if (socket === call.callerSocket) return call.calleeSocket;
  if (socket === call.calleeSocket) return call.callerSocket;
  return null;
}

function onAnswer(socket, payload) {
  const call = calls.get(socket.userId);
  if (call === undefined) {
    refuse(socket, 'not-in-call', 'nothing to answer');
    return;
  }
  if (call.calleeSocket === null && socket.userId === call.callee) {
    clearTimeout(call.timer);
    call.calleeSocket = socket;
    for (const device of users.get(call.callee)) {
      if (device !== socket) send(device, 'call:hangup', { reason: 'answered-elsewhere' });
    }
  }
  const peer = peerOf(call, socket);
  if (peer) send(peer, 'call:answer', payload);
  else refuse(socket, 'not-in-call', 'not the device in the call');
}

function onIce(socket, payload) {
  const call = calls.get(socket.userId);
  if (call === undefined) {
    refuse(socket, 'not-in-call', 'a candidate without a call');
    return;
  }
  const peer = peerOf(call, socket);
  if (peer) {
    send(peer, 'call:ice', payload);
  } else if (socket === call.callerSocket) {
    for (const device of users.get(call.callee) ?? []) send(device, 'call:ice', payload);
  }
}

function onHangup(socket, payload) {
  const call = calls.get(socket.userId);
  if (call === undefined) {
    refuse(socket, 'not-in-call', 'nothing to hang up');
    return;
  }
  endCall(call, 'hangup', payload, socket);
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function onMessage(socket, data) {
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    message = null;
  }
  if (!isObject(message)) {
    refuse(socket, 'bad-message', 'not a JSON object');
    return;
  }
  const { event, payload } = message;
  if (event === 'client:hello') {
    send(socket, 'server:hello', { userId: socket.userId, device: null, call: null });
  } else if (event === 'call:hangup') {
    onHangup(socket, isObject(payload) ? payload : {});
  } else if (!isObject(payload)) {
    refuse(socket, 'bad-message', 'payload must be an object');
  } else if (event === 'call:ice') {
    onIce(socket, payload);
  } else if (event === 'call:offer') {
    onOffer(socket, payload);
  } else if (event === 'call:answer') {
    onAnswer(socket, payload);
  } else {
    refuse(socket, 'bad-message', 'unknown event');
  }
}

// ---- sockets -------------------------------------------------------------------------------------------------------

function onMessageOf(data) {
  this.isAlive = true;
  onMessage(this, data);
}
function onPong() {
  this.isAlive = true;
}
function onClose() {
  const devices = users.get(this.userId);
  devices.delete(this);
  if (devices.size === 0) users.delete(this.userId);
  const call = calls.get(this.userId);
  if (call && (call.callerSocket === this || call.calleeSocket === this)) endCall(call, 'disconnected', {}, this);
}
function onError() {} // `close` follows

function accept(socket, userId) {
  socket.userId = userId;
  socket.isAlive = true;
  const devices = users.get(userId);
  if (devices) devices.add(socket);
  else users.set(userId, new Set([socket]));
  socket.on('message', onMessageOf);
  socket.on('pong', onPong);
  socket.on('close', onClose);
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 256 * 1024 });
const server = createServer((request, response) => {
  response.writeHead(404).end();
});
server.on('upgrade', (request, stream, head) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname !== '/ws') {
    stream.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    return;
  }
  const token = url.searchParams.get('token') ?? request.headers.authorization?.replace(/^Bearer /i, '') ?? '';
  const userId = verify(token);
  sockets.handleUpgrade(request, stream, head, (socket) => {
    socket.on('error', onError);
    if (userId === null) socket.close(4001, 'Unauthorized');
    else accept(socket, userId);
  });
});

setInterval(() => {
  for (const socket of sockets.clients) {
    if (!socket.isAlive) {
      socket.terminate();
      continue;
    }
    socket.isAlive = false;
    socket.ping();
  }
}, PING_INTERVAL_MS);

if (globalThis.gc) process.on('SIGUSR2', () => globalThis.gc());
process.on('SIGTERM', () => process.exit(0));
server.listen({ port: PORT, host: '127.0.0.1', backlog: 4096 });
