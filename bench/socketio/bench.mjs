// Events per CPU-second and memory per idle connection: our Socket.IO server and the official one, in turn, in one run.
//
//   npm ci && node bench.mjs [--echo ../../build/socketio_echo] [--rounds 3] [--seconds 5] [--connections 100] [--idle 5000]
//
// The servers run on core 0 and this generator on core 1 (taskset). What is compared is the CPU time of the server
// (/proc/<pid>/stat) for each event that came back, so a slow generator spoils nothing. WebSocket only; events are
// 42["message",{...}] of about 100 bytes, each connection has eight of them under way. Memory is RSS.
import { spawn, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createConnection } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import WebSocket from "ws";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({
  options: {
    echo: { type: "string", default: `${here}../../build/socketio_echo` },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    connections: { type: "string", default: "100" },
    idle: { type: "string", default: "5000" },
  },
});
const seconds = Number(values.seconds);
const underWay = 8;
const event = `42["message",{"id":"0123456789abcdef","text":"${"x".repeat(48)}","n":12345}]`;
const ticks = Number(execFileSync("getconf", ["CLK_TCK"]));

const targets = {
  zvonok: (port) => [values.echo, "--port", `${port}`, "--ping-interval", "25000", "--ping-timeout", "20000"],
  "socket.io": (port) => [process.execPath, `${here}official.mjs`, `${port}`],
};

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}
const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))[1]) * 1024;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function listening(port) {
  for (let i = 0; i < 100; ++i) {
    const socket = createConnection(port, "127.0.0.1");
    const open = await once(socket, "connect").then(() => true, () => false); // an error event rejects
    socket.destroy();
    if (open) return;
    await pause(50);
  }
  throw new Error("the server does not listen");
}

/// A connection in namespace "/"; `onEvent` is told of what comes back.
function connect(port, onEvent) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    ws.on("error", reject);
    ws.on("close", () => reject(new Error("closed")));
    ws.on("message", (data) => {
      const text = data.toString();
      if (text[0] === "0") ws.send("40");
      else if (text === "2") ws.send("3");
      else if (text.startsWith("40")) resolve(ws);
      else if (text.startsWith("42")) onEvent(ws);
      else reject(new Error(`unexpected: ${text.slice(0, 80)}`));
    });
  });
}

async function connectMany(port, count, onEvent) {
  const all = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(100, count - all.length) }, () => connect(port, onEvent));
    all.push(...(await Promise.all(some)));
  }
  return all;
}

async function events(port, pid) {
  let back = 0;
  const sockets = await connectMany(port, Number(values.connections), (ws) => {
    ++back;
    ws.send(event);
  });
  for (const ws of sockets) for (let i = 0; i < underWay; ++i) ws.send(event);
  await pause(1000); // compilers warm up
  const before = { back, cpu: cpuSeconds(pid) };
  await pause(seconds * 1000);
  const result = { count: back - before.back, cpu: cpuSeconds(pid) - before.cpu };
  for (const ws of sockets) ws.terminate();
  return result;
}

async function idle(port, pid) {
  const before = memory(pid);
  const sockets = await connectMany(port, Number(values.idle), () => {});
  await pause(2000);
  const each = (memory(pid) - before) / sockets.length;
  for (const ws of sockets) ws.terminate();
  return each;
}

async function run(name, what, port) {
  const child = spawn("taskset", ["-c", "0", ...targets[name](port)], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    await listening(port);
    return await what(port, child.pid); // taskset becomes the server
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

execFileSync("taskset", ["-cp", "1", `${process.pid}`]);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const results = Object.fromEntries(Object.keys(targets).map((name) => [name, { perCpu: [], perSecond: [], bytes: [] }]));
let port = 20000 + Math.floor(Math.random() * 10000); // below those that the system gives to clients, who could meet themselves there
for (let round = 0; round < Number(values.rounds); ++round) {
  for (const name of Object.keys(targets)) {
    const measured = await run(name, events, ++port);
    results[name].perCpu.push(measured.count / measured.cpu);
    results[name].perSecond.push(measured.count / seconds);
    results[name].bytes.push(await run(name, idle, ++port));
  }
}
const version = (folder) => JSON.parse(readFileSync(`${here}node_modules/${folder}/package.json`)).version;
console.log(`socket.io ${version("socket.io")}, ws ${version("ws")}, Node.js ${process.version}; ${event.length} bytes an event,`);
console.log(`${values.connections} connections with ${underWay} under way; ${values.idle} idle ones; medians of ${values.rounds} rounds`);
for (const [name, all] of Object.entries(results)) {
  console.log(
    `${name.padEnd(10)} ${Math.round(median(all.perCpu)).toString().padStart(9)} events per CPU-second` +
      ` ${Math.round(median(all.perSecond)).toString().padStart(8)} events/s` +
      ` ${(median(all.bytes) / 1024).toFixed(2).padStart(8)} KiB an idle connection`,
  );
}
const [ours, theirs] = Object.values(results);
console.log(`events per CPU-second: ${(median(ours.perCpu) / median(theirs.perCpu)).toFixed(1)} times;`);
console.log(`memory of an idle connection: ${(median(ours.bytes) / median(theirs.bytes)).toFixed(3)} of the official server's`);
