// Engine.IO by hand: polls, POSTs and WebSockets, as a client may send them that is no library.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

import WebSocket from 'ws';

/** One HTTP request on a connection of its own unless `agent` says otherwise; resolves to status, headers and body. */
export function request(server, path, { method = 'GET', headers = {}, body, agent = false } = {}) {
  return new Promise((resolve, reject) => {
    const sent = http.request(`${server.url}${path}`, { method, headers, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export const pollPath = (sid, mount = 'engine.io') => `/${mount}/?EIO=4&transport=polling&sid=${sid}`;

/** A session on polling. */
export async function openPolling(server, mount = 'engine.io') {
  const { body } = await request(server, `/${mount}/?EIO=4&transport=polling`);
  const { sid } = JSON.parse(body.slice(1));
  return {
    sid,
    path: pollPath(sid, mount),
    poll: (options) => request(server, pollPath(sid, mount), options),
    post: (text, options = {}) => request(server, pollPath(sid, mount), { method: 'POST', body: text, ...options }),
  };
}

/** A WebSocket whose messages can be waited for one by one. */
export function openSocket(server, path, options = {}) {
  const socket = new WebSocket(`${server.wsUrl}${path}`, options);
  const queue = [];
  const waiting = [];
  const ended = new Promise((resolve) => {
    socket.on('close', (code) => resolve(code));
  });
  const push = (item) => (waiting.length > 0 ? waiting.shift()(item) : queue.push(item));
  socket.on('message', (data, isBinary) => push(isBinary ? data : data.toString()));
  socket.on('close', () => push(undefined));
  socket.on('error', () => {});
  return {
    socket,
    ended,
    opened: once(socket, 'open'),
    /** The next message: a string, a Buffer, or undefined at the end. */
    next: () => (queue.length > 0 ? Promise.resolve(queue.shift()) : new Promise((resolve) => waiting.push(resolve))),
    send: (data) => socket.send(data),
    close: () => socket.close(),
  };
}

/** A bare TCP connection that was sent `text`. */
export async function tcp(server, text) {
  const socket = net.connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const ended = new Promise((resolve) => {
    socket.on('close', () => resolve());
  });
  if (text) socket.write(text);
  return {
    socket,
    ended,
    received: () => received,
    /** Resolves when what has come matches. */
    async until(pattern) {
      while (!pattern.test(received)) {
        if (socket.destroyed) throw new Error(`ended with: ${received}`);
        await Promise.race([once(socket, 'data'), ended]);
      }
      return received;
    },
  };
}
