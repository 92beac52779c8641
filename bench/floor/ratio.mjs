// How many times the floor a forwarded packet costs: `zvonok loadtest` against a server, and bench_floor with the sizes, receivers,
// turns and trains that the server had, by turns, on the same two cores. See README.md.
//   node bench/floor/ratio.mjs [--rounds 3] [--window 5] [--server-core 0] [--load-core 1] [--build build] [shape ...]
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { fixed, load, median, run, sample, serve, stop } from '../harness.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    window: { type: 'string', default: '5' },
    'server-core': { type: 'string', default: '0' },
    'load-core': { type: 'string', default: '1' },
    build: { type: 'string', default: 'build' },
  },
});
const video = (perSecond) => ({ bytes: 1100, flags: ['--publishers', '1', '--subscribers', '150', '--audio-packets-per-second', '0', '--video-packets-per-second', `${perSecond}`] });
const audio = (rooms) => ({ bytes: 140, flags: ['--rooms', `${rooms}`, '--publishers', '9', '--subscribers', '0', '--meet'] });
const usual = ['video400', 'video1000', 'video2000', 'video3500', 'audio10x9', 'audio34x9'];
/** videoN: one publisher of N packets/s and 150 receivers; audioNx9: N rooms of nine who speak. */
function shapeOf(name) {
  const [, kind, number] = /^(video|audio)([1-9]\d*)(?:x9)?$/.exec(name) ?? [];
  if (!kind || (kind === 'audio') !== name.endsWith('x9')) throw new Error(`no shape ${name}; there are ${usual.join(', ')} and others like them`);
  return kind === 'video' ? video(Number(number)) : audio(Number(number));
}

/** One window: CPU of the server for a packet, and how it sent. */
async function measure({ flags }) {
  const server = await serve(values['server-core'], values.build);
  const generator = load(values['load-core'], values.build, server, ['--duration', `${values.window}s`, ...flags]);
  const samples = [];
  let over = false;
  generator.ended.then(() => (over = true));
  while (!over) {
    samples.push(await sample(server.port));
    await Promise.race([generator.ended, pause(1000)]);
  }
  await stop(server);
  const result = await generator.result();
  // The second in which most was sent is one of the window.
  const seconds = samples.slice(1).map((after, i) => Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - samples[i][key]])));
  const full = seconds.reduce((best, one) => (one.datagrams > best.datagrams ? one : best));
  const cpu = result.server.cpuSeconds / result.seconds;
  return { us: result.server.cpuMicrosPerPacket, train: full.datagrams / full.trains, trains: full.trains, packets: result.packetsPerSecond, lost: result.lost, cpu, delay: result.delayMs, late: result.sentLateMs };
}

/** Medians of bench_floor for packets apart and in trains of `train`. */
async function floors({ bytes }, { destinations, turns, train }) {
  const child = run(values['server-core'], join(values.build, 'bench/bench_floor'), ['--core', values['server-core'], '--drain-core', values['load-core'], '--bytes', `${bytes}`,
    '--destinations', `${destinations}`, '--train', `${train}`, '--paced-only', '--turns-per-second', `${turns}`]);
  if ((await child.ended) !== 0) throw new Error('bench_floor failed');
  const of = (name) => Number(new RegExp(`^floor, ${name}.*median\\s+([\\d.]+)\\)`, 'm').exec(child.text)[1]);
  return { apart: of('apart'), trains: of('trains') };
}

console.log('| shape | packets/s | core % | us a packet | a train | floor at it, us | ratio (rounds) | floor apart | p50, ms | p99 | sent late, p99 | lost |');
console.log('|---|---|---|---|---|---|---|---|---|---|---|---|');
for (const [name, shape] of (positionals.length > 0 ? positionals : usual).map((name) => [name, shapeOf(name)])) {
  const rounds = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const ours = await measure(shape);
    // As many destinations as a turn of the server has: with video all 150, with sound as many as packets come for in 1.5 ms.
    const destinations = shape.bytes > 1000 ? 150 : Math.min(1000, Math.round(ours.trains / 600));
    const turns = Math.round(ours.trains / destinations);
    const long = Math.max(2, Math.round(ours.train));
    const floor = await floors(shape, { destinations, turns: Math.max(10, turns), train: long });
    // What a message costs, and what each packet in it: two points of the floor tell, and the server's trains lie between or near them.
    const perMessage = (floor.apart - floor.trains) / (1 - 1 / long);
    const at = Math.max(0, floor.apart - perMessage) + perMessage / ours.train;
    rounds.push({ ours, floor, at, ratio: ours.us / at });
  }
  const of = (get) => median(rounds.map(get));
  console.log(`| ${name} | ${fixed(of((r) => r.ours.packets), 0)} | ${fixed(of((r) => r.ours.cpu) * 100, 0)} | ${fixed(of((r) => r.ours.us))} | ${fixed(of((r) => r.ours.train), 1)} | ${fixed(of((r) => r.at))} | ${fixed(of((r) => r.ratio))} (${rounds.map((r) => fixed(r.ratio)).join(', ')}) | ${fixed(of((r) => r.floor.apart))} | ${fixed(of((r) => r.ours.delay.p50), 1)} | ${fixed(of((r) => r.ours.delay.p99), 1)} | ${fixed(of((r) => r.ours.late.p99), 1)} | ${of((r) => r.ours.lost)} |`);
}
