// What a page does in a room, bare: no SDK. These functions run in the page.

/** Runs in the page: one peer connection and one WebSocket, kept in `window`. */
export async function enter({ path, session, style, simulcast, line, width = simulcast ? 640 : 320, frameRate }) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width, height: (width * 9) / 16, frameRate } });
  // The only way to the server is by that port, when there is one.
  const through = ({ type, sdp }) => ({
    type,
    sdp: line
      ? sdp.replace(/a=candidate:.* tcp .*\r\n/gi, '').replace(/(a=candidate:\S+ 1 udp \d+ \S+) \d+ /gi, `$1 ${line} `)
      : sdp,
  });
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const ws = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}${path}`);
  // Of what happened when: Date.now() is the clock of every page.
  const moments = [];
  const note = (what) => moments.push({ at: Date.now(), what });
  Object.assign(window, { pc, ws, seen: [], closedWith: undefined, failures: [], moments });
  const send = (type, payload) => {
    ws.send(JSON.stringify({ type, payload, roomId: 1, sessionId: session }));
    if (type !== 'ice') note(`sends ${type}`);
  };
  pc.oniceconnectionstatechange = () => note(`ice ${pc.iceConnectionState}`);
  pc.onconnectionstatechange = () => note(`connection ${pc.connectionState}`);
  const addTracks = () => {
    for (const track of stream.getTracks()) {
      if (track.kind === 'video' && simulcast) {
        pc.addTransceiver(track, {
          streams: [stream],
          sendEncodings: [{ rid: 'q', scaleResolutionDownBy: 4 }, { rid: 'h', scaleResolutionDownBy: 2 }, { rid: 'f' }],
        });
      } else {
        pc.addTrack(track, stream);
      }
    }
  };
  pc.ontrack = ({ track }) => {
    const element = document.createElement(track.kind);
    element.autoplay = true;
    element.srcObject = new MediaStream([track]);
    document.documentElement.append(element);
  };
  pc.onicecandidate = ({ candidate }) => candidate && send('ice', candidate);
  ws.onclose = ({ code }) => {
    window.closedWith = code;
  };
  ws.onmessage = async ({ data }) => {
    const message = JSON.parse(data);
    window.seen.push(message);
    note(`gets ${message.type}`);
    try {
      if (message.type === 'offer') {
        if (style === 'both' && pc.signalingState === 'stable' && !pc.currentRemoteDescription) {
          // Its own offer goes out as if it had not seen the server's: the two cross.
          addTracks();
          await pc.setLocalDescription();
          send('offer', pc.localDescription);
        }
        await pc.setRemoteDescription(through(message.payload));
        await pc.setLocalDescription();
        send('answer', pc.localDescription);
      } else if (message.type === 'answer') {
        await pc.setRemoteDescription(through(message.payload));
      }
    } catch (error) {
      // Whoever offers without waiting may have rolled its offer back: the answer to it is then of no use.
      if (style === 'waits') window.failures.push(String(error));
    }
  };
  await new Promise((resolve, reject) => {
    ws.onopen = resolve;
    ws.onerror = reject;
  });
  send('join');
  if (style === 'both') return;
  addTracks();
  if (style === 'waits') return;
  await pc.setLocalDescription();
  send('offer', pc.localDescription);
}

/** Runs in the page: what comes in, by kind, from how many sources. */
export async function received() {
  const all = [...(await window.pc.getStats()).values()].filter((report) => report.type === 'inbound-rtp');
  return {
    decoding: all.filter((report) => report.kind === 'video' && report.framesDecoded > 5).length,
    hearing: all.filter((report) => report.kind === 'audio' && report.totalAudioEnergy > 0.001).length,
    packets: all.reduce((sum, report) => sum + report.packetsReceived, 0),
    lost: all.reduce((sum, report) => sum + report.packetsLost, 0),
  };
}

/** Runs in the page: notes when each picture of the only video was shown, and how tall it was. */
export function watchPictures() {
  window.pictures = [];
  const video = document.querySelector('video');
  const note = () => {
    window.pictures.push({ at: performance.now(), height: video.videoHeight });
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
}

/** Runs in the page: of the pictures since then, how many, the longest time between two (and until now), and the heights. */
export function pictures(since) {
  const seen = window.pictures.filter(({ at }) => at >= since);
  const times = [since, ...seen.map(({ at }) => at), performance.now()];
  return {
    now: performance.now(),
    count: seen.length,
    longestMs: Math.max(...times.slice(1).map((at, i) => at - times[i])),
    heights: seen.map(({ height }) => height),
  };
}

/** Runs in the page: sound and pictures so far, as numbers to subtract. */
export async function playback() {
  const all = [...(await window.pc.getStats()).values()].filter((report) => report.type === 'inbound-rtp');
  const audio = all.find((report) => report.kind === 'audio');
  const video = all.find((report) => report.kind === 'video');
  return {
    samples: audio.totalSamplesReceived,
    concealed: audio.concealedSamples,
    lost: audio.packetsLost,
    energy: audio.totalAudioEnergy,
    decoded: video.framesDecoded,
    freezeSeconds: video.totalFreezesDuration,
  };
}

/**
 * Runs in the page, before enter(): notes from when on it was there, of each track that comes in: its first packet, its first
 * decoded picture, its first sound. By the track's m-section, whose owner the server's messages tell.
 */
export function noteArrivals() {
  window.arrivals = {};
  const look = async () => {
    for (const report of (await window.pc?.getStats())?.values() ?? []) {
      if (report.type !== 'inbound-rtp') continue;
      const { kind, mid, packetsReceived, framesDecoded, totalAudioEnergy } = report;
      const known = (window.arrivals[mid] ??= { kind });
      if (packetsReceived > 0) known.packet ??= Date.now();
      if (framesDecoded > 0 || totalAudioEnergy > 0) known.played ??= Date.now();
    }
    setTimeout(look, 50);
  };
  void look();
}

/** Runs in the page: what noteArrivals() has noted, as `{sessionId, kind, packet, played}`, and the moments of the page. */
export function arrivals() {
  const told = window.seen.flatMap(({ type, payload }) => (type === 'joined' ? payload.tracks : type === 'track' ? [payload] : []));
  const owners = new Map(told.filter(({ mid }) => mid !== undefined).map(({ mid, sessionId }) => [mid, sessionId]));
  return {
    arrivals: Object.entries(window.arrivals).map(([mid, arrival]) => ({ sessionId: owners.get(mid), ...arrival })),
    moments: window.moments,
  };
}
