// Rooms around mediasoup, to be compared with: one worker, one WebRtcServer on one UDP port, a router for each room, and for
// each participant a WebRtcTransport that sends and one that receives, as mediasoup's own client makes them.
//
//   node server.mjs <port of the WebSocket> <address of the media>
//
// A WebSocket for each participant carries {id, method, room, name, sdp}; each is answered by {id, sdp} or {id, error}.
//   publish    their offer of what they send; the answer to it
//   subscribe  an offer of what the others of the room publish now, each as a Consumer
//   answer     their answer to that offer
// mediasoup knows no SDP: what it needs is read from their description, and ours is written around its parameters.

import { createWorker } from 'mediasoup';
import { WebSocketServer } from 'ws';

const [port, address] = [Number(process.argv[2] ?? 5000), process.argv[3] ?? '127.0.0.1'];

const feedback = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }];
const mediaCodecs = [
  { kind: 'audio', mimeType: 'audio/opus', preferredPayloadType: 111, clockRate: 48000, channels: 2 },
  { kind: 'video', mimeType: 'video/VP8', preferredPayloadType: 96, clockRate: 90000, rtcpFeedback: feedback },
];
const known = ['urn:ietf:params:rtp-hdrext:sdes:mid', 'urn:ietf:params:rtp-hdrext:ssrc-audio-level'];

const worker = await createWorker({ logLevel: 'error' });
worker.on('died', (error) => {
  console.error(error);
  process.exit(1);
});
const server = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: address }] });

/** Room number to the promise of its {router, producers}; a producer stands beside its owner's name. */
const rooms = new Map();

function room(number) {
  if (!rooms.has(number)) {
    rooms.set(number, worker.createRouter({ mediaCodecs }).then((router) => ({ router, producers: new Set() })));
  }
  return rooms.get(number);
}

function fingerprints(sdp) {
  return [...sdp.matchAll(/^a=fingerprint:(\S+) (\S+)/gm)].slice(0, 1).map(([, algorithm, value]) => ({ algorithm, value }));
}

/** The sections of a description that send, as mediasoup's RTP parameters. */
function sending(sdp) {
  return sdp.split(/^m=/m).slice(1).map((section) => {
    const kind = section.slice(0, section.indexOf(' '));
    const codec = mediaCodecs.find((one) => one.kind === kind);
    const name = codec.mimeType.split('/')[1];
    const payloadType = Number(section.match(new RegExp(`^a=rtpmap:(\\d+) ${name}/`, 'mi'))[1]);
    const { clockRate, channels, rtcpFeedback } = codec;
    const extensions = [...section.matchAll(/^a=extmap:(\d+)(?:\/\S+)? (\S+)/gm)];
    return {
      kind,
      rtpParameters: {
        mid: section.match(/^a=mid:(\S+)/m)[1],
        codecs: [{ mimeType: codec.mimeType, payloadType, clockRate, channels, rtcpFeedback }],
        headerExtensions: extensions.filter(([, , uri]) => known.includes(uri)).map(([, id, uri]) => ({ uri, id: Number(id) })),
        encodings: [{ ssrc: Number(section.match(/^a=ssrc:(\d+)/m)[1]) }],
      },
    };
  });
}

/** One section for each of {kind, rtpParameters}; `ssrc` of what we send. */
function describe(transport, setup, direction, streams) {
  const { usernameFragment, password } = transport.iceParameters;
  const sha256 = transport.dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256');
  const lines = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=ice-lite',
    `a=group:BUNDLE ${streams.map(({ rtpParameters }) => rtpParameters.mid).join(' ')}`,
    `a=fingerprint:sha-256 ${sha256.value}`, 'a=msid-semantic: WMS *'];
  for (const { kind, rtpParameters } of streams) {
    const [codec] = rtpParameters.codecs;
    const { payloadType: type, clockRate, channels } = codec;
    lines.push(`m=${kind} 9 UDP/TLS/RTP/SAVPF ${type}`, 'c=IN IP4 0.0.0.0', `a=mid:${rtpParameters.mid}`, `a=${direction}`,
      'a=rtcp-mux', `a=setup:${setup}`, `a=ice-ufrag:${usernameFragment}`, `a=ice-pwd:${password}`,
      `a=rtpmap:${type} ${codec.mimeType.split('/')[1]}/${clockRate}${channels > 1 ? `/${channels}` : ''}`);
    for (const { type: name, parameter } of codec.rtcpFeedback ?? []) {
      lines.push(`a=rtcp-fb:${type} ${name}${parameter ? ` ${parameter}` : ''}`);
    }
    for (const { id, uri } of rtpParameters.headerExtensions) lines.push(`a=extmap:${id} ${uri}`);
    if (direction === 'sendonly') {
      const { ssrc } = rtpParameters.encodings[0];
      lines.push(`a=msid:s${ssrc} t${ssrc}`, `a=ssrc:${ssrc} cname:${rtpParameters.rtcp.cname}`);
    }
    for (const { foundation, priority, ip, port: at } of transport.iceCandidates) {
      lines.push(`a=candidate:${foundation} 1 udp ${priority} ${ip} ${at} typ host`);
    }
    lines.push('a=end-of-candidates');
  }
  return `${lines.join('\r\n')}\r\n`;
}

class Participant {
  #transports = [];
  #receiving;

  async #transport(router) {
    const transport = await router.createWebRtcTransport({ webRtcServer: server, enableTcp: false });
    this.#transports.push(transport);
    return transport;
  }

  async publish({ room: number, name, sdp }) {
    const { router, producers } = await room(number);
    const transport = await this.#transport(router);
    await transport.connect({ dtlsParameters: { role: 'client', fingerprints: fingerprints(sdp) } });
    const streams = sending(sdp);
    for (const stream of streams) {
      const entry = { name, producer: await transport.produce(stream) };
      producers.add(entry);
      entry.producer.observer.once('close', () => producers.delete(entry));
    }
    return { sdp: describe(transport, 'passive', 'recvonly', streams) };
  }

  async subscribe({ room: number, name }) {
    const { router, producers } = await room(number);
    this.#receiving = await this.#transport(router);
    // What the participants of this benchmark take: no RTX and no bandwidth estimation, as with the other servers.
    const rtpCapabilities = {
      codecs: mediaCodecs,
      headerExtensions: router.rtpCapabilities.headerExtensions.filter(({ uri }) => known.includes(uri)),
    };
    const others = [...producers].filter((entry) => entry.name !== name);
    const consumers = await Promise.all(
      others.map(({ producer }) => this.#receiving.consume({ producerId: producer.id, rtpCapabilities })));
    return { sdp: describe(this.#receiving, 'actpass', 'sendonly', consumers) };
  }

  async answer({ sdp }) {
    await this.#receiving.connect({ dtlsParameters: { role: 'client', fingerprints: fingerprints(sdp) } });
    return {};
  }

  close() {
    for (const transport of this.#transports) transport.close();
  }
}

const methods = new Set(['publish', 'subscribe', 'answer']);

new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: false }).on('connection', (socket) => {
  const participant = new Participant();
  socket.on('close', () => participant.close());
  socket.on('error', console.error);
  socket.on('message', async (text) => {
    const request = JSON.parse(text);
    let answer;
    try {
      if (!methods.has(request.method)) throw new Error(`unknown method ${request.method}`);
      answer = await participant[request.method](request);
    } catch (error) {
      answer = { error: String(error) };
    }
    socket.send(JSON.stringify({ id: request.id, ...answer }));
  });
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    worker.close();
    process.exit(0);
  });
}
