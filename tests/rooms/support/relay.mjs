// Stands between a client and the server's media port: sees, keeps, drops and repeats the datagrams of one client.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { mediaAddress } from './sdp.mjs';

export class Relay {
  sent = []; // datagrams from the client, oldest first
  dropToServer = () => false;
  dropToClient = () => false;

  static async open() {
    const relay = new Relay();
    relay.front = createSocket('udp4');
    relay.back = createSocket('udp4');
    for (const socket of [relay.front, relay.back]) {
      socket.bind(0, '0.0.0.0');
      await once(socket, 'listening');
    }
    relay.front.on('message', (data, from) => {
      relay.client = from;
      relay.sent.push(data);
      if (!relay.dropToServer(data)) relay.back.send(data, relay.server.port, relay.server.address);
    });
    relay.back.on('message', (data) => {
      if (relay.client && !relay.dropToClient(data)) relay.front.send(data, relay.client.port, relay.client.address);
    });
    return relay;
  }

  /** A description of the server with this relay's address in the place of its own. */
  rewrite(sdp) {
    if (!/ typ host/.test(sdp)) return sdp;
    this.server = mediaAddress(sdp);
    return sdp.replaceAll(`${this.server.address} ${this.server.port} typ host`, `127.0.0.1 ${this.front.address().port} typ host`);
  }

  close() {
    this.front.close();
    this.back.close();
  }
}

export const isRtp = (data) => data[0] >= 128 && data[0] <= 191 && !(data[1] >= 192 && data[1] <= 223);
export const isDtls = (data) => data[0] >= 20 && data[0] <= 63;
export const isStun = (data) => data[0] <= 3;
