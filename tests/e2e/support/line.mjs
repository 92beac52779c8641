// A bad network in front of the server's media port: a UDP relay on a port of its own that loses, delays and narrows.
// Each direction is a queue with a rate; what does not fit into it is dropped at its end. Seeded.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

class Direction {
  constructor(send, random) {
    this.send = send;
    this.random = random;
    this.loss = 0;
    this.rate = Infinity; // bit/s
    this.delayMs = 0;
    this.queueMs = 300; // of waiting, at the rate of the moment
    this.freeAt = 0;
    this.waiting = [];
    this.lost = 0;
    this.overflown = 0;
  }

  take(bytes) {
    if (this.random() < this.loss) {
      this.lost += 1;
      return;
    }
    const now = performance.now();
    const begin = Math.max(now, this.freeAt);
    if (begin - now > this.queueMs) {
      this.overflown += 1;
      return;
    }
    this.freeAt = begin + ((bytes.length + 28) * 8000) / this.rate;
    this.waiting.push({ at: this.freeAt + this.delayMs, bytes });
    this.#arm();
  }

  #arm() {
    if (this.timer || this.waiting.length === 0) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const now = performance.now();
      while (this.waiting.length > 0 && this.waiting[0].at <= now) this.send(this.waiting.shift().bytes);
      this.#arm();
    }, Math.max(0, this.waiting[0].at - performance.now()));
  }
}

/** For one client. `up` is what it sends, `down` what it gets; set `loss`, `rate`, `delayMs`, `queueMs` of each at any time. */
export async function openLine(mediaPort, seed = 1) {
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const outside = createSocket('udp4');
  const inside = createSocket('udp4');
  let client;
  const up = new Direction((bytes) => inside.send(bytes, mediaPort, '127.0.0.1'), random);
  const down = new Direction((bytes) => client && outside.send(bytes, client.port, client.address), random);
  outside.on('message', (bytes, from) => {
    client = from;
    up.take(bytes);
  });
  inside.on('message', (bytes) => down.take(bytes));
  for (const socket of [outside, inside]) {
    socket.bind(0);
    await once(socket, 'listening');
    socket.setRecvBufferSize(1 << 20);
  }
  const close = () => {
    for (const direction of [up, down]) clearTimeout(direction.timer);
    outside.close();
    inside.close();
  };
  return { port: outside.address().port, up, down, close };
}
