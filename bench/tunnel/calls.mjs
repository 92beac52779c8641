// A server of its own for a benchmark, and real calls on it by socket.io-client.
import { execFileSync, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io } from "socket.io-client";

const secret = "a secret of the benchmark, long enough";
const ticks = Number(execFileSync("getconf", ["CLK_TCK"]));
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function token(user) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, name: user, iat: now, exp: now + 3600 })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** `program` is the command with its arguments but `serve`. */
export async function startServer(program) {
  const folder = mkdtempSync(join(tmpdir(), "zvonok-bench-"));
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  const child = spawn(program[0], [...program.slice(1), "serve"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env.PATH, SERVER_PORT: `${port}`, BIND_ADDRESS: "127.0.0.1", DATA_DIR: join(folder, "data"), JWT_SECRET: secret,
      AUTH_PROVISION: "jit", STUN_PORT: "0", LOG_LEVEL: "error", VPN_SETUP_TIMEOUT: "120s", MEDIA_ADVERTISED_IP: "127.0.0.1",
    },
  });
  for (let i = 0; i < 200; i += 1) {
    if (await fetch(`http://127.0.0.1:${port}/healthz`).then((r) => r.ok, () => false)) break;
    await pause(50);
  }
  return { child, port, pid: child.pid, clean: () => rmSync(folder, { recursive: true, force: true }) };
}

async function connect(port, user) {
  const socket = io(`http://127.0.0.1:${port}/call`, { auth: { token: token(user) }, transports: ["websocket"], forceNew: true });
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
}
/** A call that was accepted: `configs` of both sides. */
export async function acceptedCall(port, name) {
  const [a, b] = await Promise.all([connect(port, `${name}a`), connect(port, `${name}b`)]);
  const heard = (socket, event) => new Promise((resolve) => socket.once(event, resolve));
  const configs = [a, b].map((socket) => heard(socket, "vpn-config-received"));
  const rung = heard(b, "incoming-call");
  a.emit("initiate-call", { calleeId: `${name}b` });
  const { callId } = await rung;
  b.emit("accept-call", { callId });
  const both = await Promise.all(configs);
  for (const socket of [a, b]) socket.emit("vpn-ready", { callId });
  return { sockets: [a, b], configs: both };
}
/** Many of them, some at a time; `make` makes one of a name. */
export async function many(count, make) {
  const all = [];
  for (let i = 0; i < count; i += 20) {
    all.push(...(await Promise.all(Array.from({ length: Math.min(20, count - i) }, (_, k) => make(`load${i + k}-${randomBytes(3).toString("hex")}`)))));
  }
  return all;
}
