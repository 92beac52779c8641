// People in the namespace /call, by the unmodified client, with everything that they heard.
import { io } from 'socket.io-client';

import { startRooms, token } from '../../rooms/support/server.mjs';

export { token };
export const startCalls = (environment = {}, how = {}) => startRooms({ AUTH_PROVISION: 'jit', ...environment }, how);

const patienceMs = 20_000;

export class Person {
  constructor(server, user, { auth = {}, transports = ['websocket'], ...options } = {}) {
    this.user = user;
    this.heard = [];
    this.waiting = [];
    this.socket = io(`${server.url.replace(/\/$/, '')}/call`, {
      auth: { token: token(user), ...auth },
      transports,
      forceNew: true,
      reconnection: false,
      ...options,
    });
    const hears = (event, data) => {
      this.heard.push({ event, data });
      this.waiting = this.waiting.filter((check) => !check());
    };
    this.socket.onAny(hears);
    for (const event of ['connect', 'connect_error', 'disconnect']) {
      this.socket.on(event, (data) => hears(event, data instanceof Error ? data.message : data));
    }
  }

  /** Resolves to the data of the first such event that was not taken yet. */
  hears(event) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const at = this.heard.findIndex((one) => one.event === event);
        if (at < 0) return false;
        clearTimeout(timer);
        const [{ data }] = this.heard.splice(at, 1);
        resolve(data);
        return true;
      };
      const timer = setTimeout(() => {
        reject(new Error(`${this.user} heard no ${event}, but ${JSON.stringify(this.heard.map((one) => one.event))}`));
      }, patienceMs);
      if (!check()) this.waiting.push(check);
    });
  }
  says(event, data) {
    this.socket.emit(event, data);
    return this;
  }
  leave() {
    this.socket.disconnect();
  }
}

export async function person(server, user, options) {
  const one = new Person(server, user, options);
  await one.hears('connect');
  return one;
}

/** A call that was accepted: its id and both configurations. */
export async function acceptedCall(caller, callee) {
  caller.says('initiate-call', { calleeId: callee.user });
  const { callId } = await callee.hears('incoming-call');
  await caller.hears('call-initiated');
  callee.says('accept-call', { callId });
  await caller.hears('call-accepted');
  const configs = await Promise.all([caller.hears('vpn-config-received'), callee.hears('vpn-config-received')]);
  return { callId, configs };
}
