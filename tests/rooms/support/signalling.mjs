// One WebSocket of the room dialect: what is sent, a journal of what came, and how it ended.
import { WebSocket } from 'ws';

import { token } from './server.mjs';
import { Journal } from './wait.mjs';

export class Signalling {
  /** Every message of the server in order, and as last entry {type: 'closed', code}. */
  journal = new Journal();

  constructor(socket, session, roomId) {
    this.socket = socket;
    this.session = session;
    this.roomId = roomId;
    socket.on('message', (data) => this.journal.add(JSON.parse(data.toString())));
    socket.on('close', (code, reason) => this.journal.add({ type: 'closed', code, reason: reason.toString() }));
    socket.on('error', () => {});
  }

  /** Opens the WebSocket; rejects with {status} when the server refuses before the upgrade. */
  static open(server, { user, room, kind = 'group', session, bearer = token(user), options = {}, query = '' }) {
    const socket = new WebSocket(`${server.socketUrl(kind, room)}${query}`, {
      headers: bearer === null ? {} : { Authorization: `Bearer ${bearer}` },
      perMessageDeflate: false,
      ...options,
    });
    const signalling = new Signalling(socket, session, room);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(signalling));
      socket.once('unexpected-response', (request, response) => {
        reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode, headers: response.headers }));
        request.destroy();
      });
      socket.once('error', reject);
    });
  }

  /** Opens and joins: resolves with the signalling once `joined` is there (it is then `.joined`). */
  static async join(server, options) {
    const signalling = await Signalling.open(server, options);
    await signalling.enter(options.joinPayload);
    return signalling;
  }

  async enter(payload) {
    this.send('join', payload);
    this.joined = (await this.next('joined')).payload;
    return this.joined;
  }

  get seen() {
    return this.journal.entries;
  }

  /** A place in the journal: what came before is not looked at by next(..., {from}). */
  get mark() {
    return this.journal.entries.length;
  }

  send(type, payload, more = {}) {
    this.socket.send(JSON.stringify({ type, ...(payload === undefined ? {} : { payload }), roomId: this.roomId, sessionId: this.session, ...more }));
  }

  sendRaw(text) {
    this.socket.send(text);
  }

  /** The next message of a type for which `test` holds. */
  next(type, test = () => true, options = {}) {
    return this.journal.find(`${this.session ?? ''} gets ${type} ${test === undefined ? '' : test}`, (m) => m.type === type && test(m.payload ?? {}, m), options);
  }

  error(code, options) {
    return this.next('error', (payload) => payload.code === code, options);
  }

  /** The server has handled all that was sent before. */
  async settled(options) {
    const from = this.mark;
    this.send('ping');
    await this.next('pong', undefined, { ...options, from });
  }

  async closed(options) {
    return (await this.journal.find('the WebSocket is closed', (m) => m.type === 'closed', options)).code;
  }

  /** Ends the TCP connection without a closing handshake, as a network does that is gone. */
  drop() {
    this.socket.terminate();
  }

  leave() {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.send('leave');
    this.socket.close();
  }
}
