// Real SIP user agents as telephones: baresip, which says a tone and keeps what it hears, and SIPp, which echoes.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './server.mjs';
import { until } from './until.mjs';

const rate = 8000;
export const number = '+491512345678'; // of every telephone here

/** 16-bit samples of one channel as a WAV file. */
function wavOf(samples) {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length * 2, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length * 2, 40);
  return Buffer.concat([head, Buffer.from(samples.buffer)]);
}

function samplesOf(wav) {
  const at = wav.indexOf('data') + 8;
  const count = Math.floor((wav.length - at) / 2);
  return Int16Array.from({ length: count }, (_, i) => wav.readInt16LE(at + 2 * i));
}

/**
 * The share of the energy that is at this frequency, 0 to 1 (Goertzel's algorithm), in the purest of the seconds that are about
 * as loud as the loudest: a browser on a busy machine leaves out a piece of a tone at times.
 */
export function shareOf(hz, samples) {
  const seconds = [];
  for (let from = 0; from + rate <= samples.length; from += rate / 4) {
    const step = 2 * Math.cos((2 * Math.PI * hz) / rate);
    let last = 0;
    let before = 0;
    let energy = 0;
    for (let i = from; i < from + rate; i += 1) {
      const value = samples[i] + step * last - before;
      before = last;
      last = value;
      energy += samples[i] ** 2;
    }
    seconds.push({ energy, share: (2 * (last ** 2 + before ** 2 - step * last * before)) / (energy * rate || 1) });
  }
  const loudest = Math.max(...seconds.map(({ energy }) => energy));
  return Math.max(...seconds.filter(({ energy }) => energy > loudest / 2).map(({ share }) => share));
}

/** Whether nobody else is at that port, by UDP. */
async function isFree(port) {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

async function listens(port, child) {
  await until('the telephone listens', async () => child.exitCode !== null || !(await isFree(port)));
  if (child.exitCode !== null) throw new Error('the telephone has ended');
}

async function end(child, folder) {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 3000);
    await once(child, 'exit');
    clearTimeout(late);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** A telephone that answers at once, says a tone of `hz`, and keeps what it hears. */
export async function startBaresip({ hz }) {
  const folder = mkdtempSync(join(tmpdir(), 'zvonok-baresip-'));
  const heard = join(folder, 'heard');
  mkdirSync(heard);
  const [port, control] = [await freePort(), await freePort()];
  const tone = Int16Array.from({ length: 60 * rate }, (_, i) => 8000 * Math.sin((2 * Math.PI * hz * i) / rate));
  writeFileSync(join(folder, 'tone.wav'), wavOf(tone));
  writeFileSync(join(folder, 'contacts'), '');
  writeFileSync(join(folder, 'accounts'), `<sip:${number}@127.0.0.1:${port}>;regint=0;answermode=auto\n`);
  writeFileSync(
    join(folder, 'config'),
    [
      'net_interface 127.0.0.1',
      `sip_listen 127.0.0.1:${port}`,
      'module_path /usr/lib/baresip/modules',
      ...['g711', 'aufile', 'aubridge', 'sndfile'].map((name) => `module ${name}.so`),
      ...['account', 'menu', 'ctrl_tcp'].map((name) => `module_app ${name}.so`),
      `audio_source aufile,${join(folder, 'tone.wav')}`,
      'audio_player aubridge,nowhere',
      `ctrl_tcp_listen 127.0.0.1:${control}`,
      `snd_path ${heard}`,
      '',
    ].join('\n'),
  );
  const child = spawn('baresip', ['-4', '-f', folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  await listens(port, child);

  // Netstrings of JSON (its module ctrl_tcp).
  const events = [];
  let unread = Buffer.alloc(0);
  const socket = await until('it takes commands', async () => {
    const attempt = connect(control, '127.0.0.1');
    return once(attempt, 'connect').then(() => attempt, () => false);
  });
  socket.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    for (;;) {
      const colon = unread.indexOf(':');
      const length = Number(unread.subarray(0, colon));
      if (colon < 0 || unread.length < colon + length + 2) return;
      events.push(JSON.parse(unread.subarray(colon + 1, colon + 1 + length)));
      unread = unread.subarray(colon + length + 2);
    }
  });
  const command = (name, params) => {
    const text = JSON.stringify({ command: name, params, token: 'test' });
    socket.write(`${Buffer.byteLength(text)}:${text},`);
  };

  return {
    port,
    dial: (uri) => command('dial', uri),
    hangUp: () => command('hangup', ''),
    press: (key) => command('sndcode', key),
    /** Keys that it was sent, in their order, since the beginning. */
    keys: () => events.filter(({ type, param }) => type === 'CALL_DTMF_START' && param !== '').map(({ param }) => param).join(''),
    count: (type) => events.filter((event) => event.type === type).length,
    report: () => output + JSON.stringify(events),
    /** Samples of all calls that are over, the last one last. */
    heard: () =>
      readdirSync(heard)
        .filter((name) => name.includes('dec'))
        .sort()
        .map((name) => samplesOf(readFileSync(join(heard, name)))),
    async stop() {
      socket.destroy();
      await end(child, folder);
    },
  };
}

const echo = `<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="echo">
<recv request="INVITE"></recv>
${['180 Ringing', '200 OK']
  .map(
    (status) => `<send><![CDATA[
SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]T[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:echo@[local_ip]:[local_port]>
${
  status === '200 OK'
    ? `Content-Type: application/sdp
Content-Length: [len]

v=0
o=echo 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
`
    : 'Content-Length: 0\n'
}
]]></send>`,
  )
  .join('\n')}
<recv request="ACK"></recv>
<recv request="BYE"></recv>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
`;

/** A telephone that answers at once and gives back what it hears, packet by packet. It knows no telephone events. */
export async function startEcho() {
  const folder = mkdtempSync(join(tmpdir(), 'zvonok-sipp-'));
  const [port, media] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'echo.xml'), echo);
  const args = ['-sf', join(folder, 'echo.xml'), '-nostdin', '-i', '127.0.0.1', '-p', port, '-mi', '127.0.0.1', '-mp', media, '-rtp_echo'];
  const child = spawn('sipp', args.map(String), { cwd: folder, stdio: 'ignore' });
  await listens(port, child);
  return { port, stop: () => end(child, folder) };
}
