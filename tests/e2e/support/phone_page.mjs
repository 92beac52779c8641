// A person in a browser who calls a telephone: what runs in the page, by the REST API and RTCPeerConnection alone.

/** Runs in the page: makes `window.phone`. */
export function preparePhone({ token }) {
  const api = async (method, path, body) => {
    const response = await fetch(`/api/calls/${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: body ? JSON.stringify(body) : undefined,
    });
    return { status: response.status, body: await response.json() };
  };
  const expect = async (method, path, body) => {
    const told = await api(method, path, body);
    if (told.status >= 300) throw new Error(`${path}: ${told.status} ${JSON.stringify(told.body)}`);
    return told.body;
  };

  const audio = new AudioContext();
  const toSend = audio.createMediaStreamDestination();
  const analyser = audio.createAnalyser();
  analyser.fftSize = 4096;
  analyser.smoothingTimeConstant = 0;
  let oscillator;

  const phone = {
    audio,
    events: [],
    api,
    expect,
    /** `source`: 'tones' are those of tone(), 'device' is the microphone. `prefer`: MIME types that the answer
     * takes. `without`: payload types that the browser does not know. */
    async dial(number, how) {
      phone.call = await expect('POST', 'initiate', { phone_number: number });
      phone.dialedAt = performance.now();
      await phone.connect(phone.call.sdp_offer, how);
    },
    async connect(offered, { source = 'tones', prefer, without } = {}) {
      // A browser that does not know those payload types at all.
      const sdp = (without ?? []).reduce(
        (text, type) => text.replace(/(m=audio .*)/, (line) => line.replace(new RegExp(` ${type}(?= |$)`), '')).replace(new RegExp(`a=(rtpmap|fmtp):${type} .*\r\n`, 'g'), ''),
        offered,
      );
      phone.pc?.close();
      const pc = new RTCPeerConnection();
      phone.pc = pc;
      pc.ontrack = ({ track }) => {
        const stream = new MediaStream([track]);
        const element = new Audio(); // Chromium gives no sound to Web Audio that no element plays
        element.srcObject = stream;
        element.play();
        audio.createMediaStreamSource(stream).connect(analyser);
      };
      await pc.setRemoteDescription({ type: 'offer', sdp });
      const stream = source === 'device' ? await navigator.mediaDevices.getUserMedia({ audio: true }) : toSend.stream;
      phone.sender = pc.addTrack(stream.getAudioTracks()[0], stream);
      if (prefer) {
        const all = RTCRtpSender.getCapabilities('audio').codecs;
        const [transceiver] = pc.getTransceivers();
        transceiver.setCodecPreferences(all.filter(({ mimeType }) => prefer.includes(mimeType)));
      }
      await pc.setLocalDescription();
      await expect('POST', `${phone.call.call_id}/answer`, { sdp_answer: pc.localDescription.sdp });
    },
    /** As a page does that was loaded again. */
    async connectAnew() {
      const { sdp_offer: sdp } = await expect('GET', phone.call.call_id);
      await phone.connect(sdp);
    },
    async restartIce() {
      const { sdp_offer: sdp } = await expect('POST', `${phone.call.call_id}/ice-restart`);
      await phone.pc.setRemoteDescription({ type: 'offer', sdp });
      await phone.pc.setLocalDescription();
      await expect('POST', `${phone.call.call_id}/answer`, { sdp_answer: phone.pc.localDescription.sdp });
    },
    tone(hz) {
      oscillator?.stop();
      oscillator = undefined;
      if (!hz) return;
      oscillator = audio.createOscillator();
      oscillator.frequency.value = hz;
      oscillator.connect(toSend);
      oscillator.start();
    },
    /** How loud a frequency is that comes in, in dB, and how loud all others are at most. */
    hear(hz) {
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const binHz = audio.sampleRate / analyser.fftSize;
      const near = (bin) => Math.abs(bin * binHz - hz) < 60;
      let own = -200;
      let others = -200;
      bins.forEach((level, bin) => {
        if (bin * binHz < 100) return;
        if (near(bin)) own = Math.max(own, level);
        else others = Math.max(others, level);
      });
      return { own, others };
    },
    hears(hz) {
      const { own, others } = phone.hear(hz);
      return own > -60 && own > others + 10;
    },
    /** Notes in `heardAt` when that frequency is heard for the first time: it may be over before somebody asks. */
    noteSound(hz) {
      phone.heardAt = undefined;
      const timer = setInterval(() => {
        if (!phone.hears(hz)) return;
        phone.heardAt = Date.now();
        clearInterval(timer);
      }, 10);
    },
    /** `keyHeard` once both tones sound at the same time, however shortly. */
    listenForKey(low, high) {
      phone.keyHeard = false;
      const timer = setInterval(() => {
        if (phone.hear(low).own <= -60 || phone.hear(high).own <= -60) return;
        phone.keyHeard = true;
        clearInterval(timer);
      }, 10);
    },
    async stats() {
      const reports = await phone.pc.getStats();
      const all = [...reports.values()];
      const inbound = all.find(({ type }) => type === 'inbound-rtp');
      const outbound = all.find(({ type }) => type === 'outbound-rtp');
      const remote = all.find(({ type }) => type === 'remote-inbound-rtp');
      return {
        state: phone.pc.connectionState,
        energy: inbound?.totalAudioEnergy ?? 0,
        received: inbound?.packetsReceived ?? 0,
        lost: inbound?.packetsLost ?? 0,
        concealed: inbound?.concealedSamples ?? 0,
        codec: reports.get(inbound?.codecId)?.mimeType,
        sentCodec: reports.get(outbound?.codecId)?.mimeType,
        sent: outbound?.packetsSent ?? 0,
        remoteLost: remote?.packetsLost ?? 0,
        roundTrip: remote?.roundTripTime,
      };
    },
    /** Milliseconds from when a tone of ours begins until it comes back, as the analyser hears it. */
    async echoDelay(hz) {
      phone.tone(hz);
      const begun = performance.now();
      for (;;) {
        if (phone.hears(hz)) break;
        if (performance.now() - begun > 5000) return null;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      const delay = performance.now() - begun;
      phone.tone(0);
      return delay;
    },
  };
  window.phone = phone;
}
