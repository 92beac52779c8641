// A person in a room who says tones and listens to each participant apart: what runs in the page, by the room's dialect
// and RTCPeerConnection alone.

/** Runs in the page: makes `window.room`. */
export async function enterWithTones({ path, session }) {
  const audio = new AudioContext();
  const toSend = audio.createMediaStreamDestination();
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const ws = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}${path}`);
  const receivers = new Map(); // by mid
  const owners = new Map(); // mid to sessionId
  let oscillator;
  const send = (type, payload) => ws.send(JSON.stringify({ type, payload, roomId: 1, sessionId: session }));
  const room = {
    seen: [],
    failures: [],
    send,
    tone(hz) {
      oscillator?.stop();
      oscillator = undefined;
      if (!hz) return;
      oscillator = audio.createOscillator();
      oscillator.frequency.value = hz;
      oscillator.connect(toSend);
      oscillator.start();
    },
    /** How loud a frequency is in what comes from that participant, in dB. */
    level(from, hz) {
      const mid = [...owners].find(([, owner]) => owner === from)?.[0];
      const analyser = receivers.get(mid)?.analyser;
      if (!analyser) return -200;
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const binHz = audio.sampleRate / analyser.fftSize;
      return bins.reduce((most, level, bin) => (Math.abs(bin * binHz - hz) < 40 ? Math.max(most, level) : most), -200);
    },
    hears: (from, hz) => room.level(from, hz) > -60,
    async stats(from) {
      const mid = [...owners].find(([, owner]) => owner === from)?.[0];
      const reports = await pc.getStats();
      const inbound = [...reports.values()].find((each) => each.type === 'inbound-rtp' && each.mid === mid);
      return {
        codec: reports.get(inbound?.codecId)?.mimeType,
        energy: inbound?.totalAudioEnergy ?? 0,
        received: inbound?.packetsReceived ?? 0,
        lost: inbound?.packetsLost ?? 0,
      };
    },
    last: (type, test = () => true) => room.seen.filter((each) => each.type === type && test(each.payload)).at(-1)?.payload,
  };
  window.room = room;
  pc.ontrack = ({ track, transceiver }) => {
    if (track.kind !== 'audio') return;
    const stream = new MediaStream([track]);
    const element = new Audio(); // Chromium gives no sound to Web Audio that no element plays
    element.srcObject = stream;
    element.play();
    const analyser = audio.createAnalyser();
    analyser.fftSize = 4096;
    analyser.smoothingTimeConstant = 0;
    audio.createMediaStreamSource(stream).connect(analyser);
    receivers.set(transceiver.mid, { element, analyser });
  };
  ws.onmessage = async ({ data }) => {
    const message = JSON.parse(data);
    room.seen.push(message);
    const { payload } = message;
    if (message.type === 'track' && payload.mid !== undefined && payload.state !== 'ended') owners.set(payload.mid, payload.sessionId);
    try {
      if (message.type === 'offer') {
        await pc.setRemoteDescription(payload);
        await pc.setLocalDescription();
        send('answer', pc.localDescription);
      } else if (message.type === 'answer') {
        await pc.setRemoteDescription(payload);
      }
    } catch (error) {
      room.failures.push(String(error));
    }
  };
  await new Promise((resolve, reject) => {
    ws.onopen = resolve;
    ws.onerror = reject;
  });
  send('join');
  pc.addTrack(toSend.stream.getAudioTracks()[0], toSend.stream);
  await pc.setLocalDescription();
  send('offer', pc.localDescription);
}
