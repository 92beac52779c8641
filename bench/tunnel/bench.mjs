// Bytes that the embedded tunnel relays between the two sides of calls for each second of the server's CPU time, and how much
// later it makes them.
//
//   npm ci && node bench.mjs [--calls 100] [--seconds 5] [--datagram 1200] [--batch 1] [--rate 450000] [--transport udp]
//
// Real calls (by socket.io-client), then VLESS streams by hand: each side sends datagrams of its own to the other at `rate`
// bytes a second (a user may send 500 kB/s), `batch` of them in one WebSocket message. No TLS. What is counted is what
// arrived; the CPU time is the server's (/proc/<pid>/stat), so a slow generator spoils nothing. Delay is that of datagrams that
// go there and back through both tunnels of one more call, halved, less the same by a bare TCP echo in this process; first with
// nothing else going on, then beside the load.
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { acceptedCall, cpuSeconds, many, pause, startServer } from "./calls.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({
  options: {
    server: { type: "string", default: `${here}../../build/zvonok` },
    calls: { type: "string", default: "100" },
    seconds: { type: "string", default: "5" },
    datagram: { type: "string", default: "1200" },
    batch: { type: "string", default: "1" },
    rate: { type: "string", default: "450000" },
    pings: { type: "string", default: "1000" },
  },
});
const [calls, seconds, datagram, batch, rate, pings] = ["calls", "seconds", "datagram", "batch", "rate", "pings"].map((name) => Number(values[name]));

/** A binary message of a client: masked, with the mask 0. */
function message(payload) {
  const head = payload.length < 126 ? Buffer.from([0x82, 0x80 | payload.length]) : payload.length < 65536 ? Buffer.from([0x82, 0xfe, payload.length >> 8, payload.length & 255]) : null;
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

/** One side's stream of datagrams to the other: `send(bytes of a message)`, `onBytes(chunk)` of what came, unparsed. */
async function openStream(port, config) {
  const { id } = config.xrayConfig.outbounds[0].settings.vnext[0].users[0];
  const [host, peerPort] = config.peerEndpoint.split(":");
  const socket = net.connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  await once(socket, "connect");
  socket.write("GET /call HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  await once(socket, "data");
  const request = Buffer.concat([Buffer.from([0]), Buffer.from(id.replaceAll("-", ""), "hex"), Buffer.from([0, 2, Number(peerPort) >> 8, Number(peerPort) & 255, 1, ...host.split(".").map(Number)])]);
  const answered = once(socket, "data");
  socket.write(message(request));
  await answered;
  return socket;
}

function datagramOf(size, fill) {
  const bytes = Buffer.alloc(2 + size, fill);
  bytes.writeUInt16BE(size);
  return bytes;
}

async function call(port, name) {
  const { sockets, configs } = await acceptedCall(port, name);
  return { sockets, streams: await Promise.all(configs.map((config) => openStream(port, config))) };
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
/** Milliseconds there and back: `send` says something that comes back as data of `socket`. */
async function roundTrips(socket, send, count) {
  const times = [];
  for (let i = 0; i < count; i += 1) {
    const back = once(socket, "data");
    const begun = process.hrtime.bigint();
    send();
    await back;
    times.push(Number(process.hrtime.bigint() - begun) / 1e6);
    if (i % 8 === 0) await pause(1);
  }
  return times.sort((x, y) => x - y);
}
async function bareEcho() {
  const server = net.createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("data", (chunk) => socket.write(chunk));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = net.connect(server.address().port, "127.0.0.1");
  socket.setNoDelay(true);
  await once(socket, "connect");
  return { socket, close: () => (socket.destroy(), server.close()) };
}

const server = await startServer([values.server]);
const show = (text) => console.log(text);
try {
  const probe = await call(server.port, "probe");
  const [near, far] = probe.streams;
  const packet = message(datagramOf(200, 7));
  far.on("data", () => far.write(packet));
  const bare = await bareEcho();
  const delay = async (label) => {
    const direct = await roundTrips(bare.socket, () => bare.socket.write(packet), pings);
    const through = await roundTrips(near, () => near.write(packet), pings);
    const added = (share) => Math.max(0, (quantile(through, share) - quantile(direct, share)) / 2).toFixed(3);
    show(`added delay one way, ${label}: p50 ${added(0.5)} ms, p99 ${added(0.99)} ms`);
  };
  await delay("nothing else going on");

  const all = await many(calls, (name) => call(server.port, name));
  let received = 0;
  const frame = message(Buffer.concat(Array.from({ length: batch }, () => datagramOf(datagram, 3))));
  const streams = all.flatMap((one) => one.streams);
  for (const stream of streams) stream.on("data", (chunk) => (received += chunk.length));
  const everyMs = 10;
  const perTick = (rate * everyMs) / 1000 / (datagram * batch);
  let owed = 0;
  const timer = setInterval(() => {
    owed += perTick;
    const now = Math.floor(owed);
    owed -= now;
    for (const stream of streams) for (let i = 0; i < now; i += 1) stream.write(frame);
  }, everyMs);
  await pause(1000);
  const [bytesBefore, cpuBefore, begun] = [received, cpuSeconds(server.pid), process.hrtime.bigint()];
  await pause(seconds * 1000);
  const [bytes, cpu, wall] = [received - bytesBefore, cpuSeconds(server.pid) - cpuBefore, Number(process.hrtime.bigint() - begun) / 1e9];
  const gigabits = (amount) => ((amount * 8) / 1e9).toFixed(2);
  show(`${calls} calls, datagrams of ${datagram} bytes, ${batch} in a message: ${gigabits(bytes / wall)} Gbit/s relayed with ${((cpu / wall) * 100).toFixed(0)} % of a core: ${gigabits(bytes / cpu)} Gbit for a CPU-second`);
  await delay("beside that load");
  clearInterval(timer);
  bare.close();
} finally {
  server.child.kill("SIGKILL");
  server.clean();
}
process.exit(0);
