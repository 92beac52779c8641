// What the embedded tunnel relays by the clock: the server alone on core 0, the load alone on core 1.
//
//   npm ci && node wall.mjs [--calls 135] [--rate 470000] [--batch 1] [--datagram 1200] [--seconds 5] [--rounds 3] [--realtime]
//
// The calls are real ones (by socket.io-client). Their 2 x `calls` VLESS streams are build/bench/bench_tunnel's: each sends `rate`
// bytes of datagrams a second (a user may send 500,000) to the other side of its call, `batch` of them in a WebSocket message, without TLS. Counted is the content
// that arrived, once. Delays are of datagrams of 200 bytes, one each 2 ms, from one side of a call of their own to the other, less those of a bare
// TCP connection of the generator to itself, in turn: with nothing else going on, and beside the load. --realtime (root): both run
// before all other programs, for a machine that is not quiet; those stand still meanwhile.
import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { acceptedCall, cpuSeconds, many, startServer } from "./calls.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({
  options: {
    server: { type: "string", default: `${here}../../build/zvonok` },
    generator: { type: "string", default: `${here}../../build/bench/bench_tunnel` },
    calls: { type: "string", default: "135" },
    rate: { type: "string", default: "470000" },
    batch: { type: "string", default: "1" },
    datagram: { type: "string", default: "1200" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    realtime: { type: "boolean", default: false },
  },
});

const before = values.realtime ? ["chrt", "-r", "1"] : [];
const on = (core, command) => [...before, "taskset", "-c", `${core}`, ...command];

async function round() {
  const server = await startServer(on(0, [values.server]));
  try {
    const calls = [await acceptedCall(server.port, "probe"), ...(await many(Number(values.calls), (name) => acceptedCall(server.port, name)))];
    const lines = calls.flatMap(({ configs }) => configs).map(({ xrayConfig, peerEndpoint }) => {
      const { id } = xrayConfig.outbounds[0].settings.vnext[0].users[0];
      return `${id} ${peerEndpoint.replace(":", " ")}\n`;
    });
    const flags = ["rate", "batch", "datagram", "seconds"].flatMap((name) => [`--${name}`, values[name]]);
    const [program, ...args] = on(1, [values.generator, "--port", `${server.port}`, ...flags]);
    const generator = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    generator.stdin.end(lines.join(""));
    let output = "";
    let cpuBefore;
    let cpuAfter;
    for await (const chunk of generator.stdout) {
      output += chunk;
      if (cpuBefore === undefined) cpuBefore = cpuSeconds(server.pid);
      cpuAfter = cpuSeconds(server.pid);
    }
    const found = JSON.parse(output.slice(output.indexOf("{")));
    return { ...found, cpu: cpuAfter - cpuBefore };
  } finally {
    server.child.kill("SIGKILL");
    server.clean();
  }
}

const show = (text) => console.log(text);
execFileSync("taskset", ["-cp", "1", `${process.pid}`]); // signalling, too, is the load side's
show(`${values.calls} calls, datagrams of ${values.datagram} bytes, ${values.batch} in a message; offered ${((2 * values.calls * values.rate * 8) / 1e9).toFixed(2)} Gbit/s`);
for (let i = 0; i < Number(values.rounds); i += 1) {
  const { seconds, sent, received, messages, late, rest, load, cpu } = await round();
  const gigabits = (bytes, time) => ((bytes * 8) / 1e9 / time).toFixed(2);
  const added = ({ through, bare }, at) => Math.max(0, through[at] - bare[at]).toFixed(3);
  show(
    `relayed ${gigabits(received, seconds)} Gbit/s of ${gigabits(sent, seconds)} sent, with ${((100 * cpu) / seconds).toFixed(0)} % of core 0; ` +
      `${((100 * late) / messages).toFixed(1)} % of messages left over 1 ms late\n` +
      `  added delay one way: at rest p50 ${added(rest, 0)} p99 ${added(rest, 1)} ms; beside the load p50 ${added(load, 0)} p99 ${added(load, 1)} ms ` +
      `(through the tunnel ${load.through.join(" / ")}, bare ${load.bare.join(" / ")} ms, ${load.probes} datagrams)`,
  );
}
process.exit(0);
