// The small parts: protocol values, SDP, quality, devices, tones, events.
import { describe, expect, it } from 'vitest';
import { DeviceManager, Emitter, Tones, createZvonok } from '../src/index.js';
import { levelOf } from '../src/level-meter.js';
import { compareBytes, parseCandidates, parseHello, parseMessage, parseReason, parseSdp } from '../src/protocol.js';
import { measure, scoreOf, type QualitySample } from '../src/quality.js';
import { offersToSend, sessionIdOf } from '../src/sdp.js';
import { endTone } from '../src/tones.js';
import { FakeBrowser, FakeClock, FakeTrack, settle } from './fakes.js';
import { PairServer, activeCall, party } from './pair-server.js';

describe('messages', () => {
  it.each([
    ['{"event":"x"}', { event: 'x', payload: {} }],
    ['{"event":"x","payload":{"a":1}}', { event: 'x', payload: { a: 1 } }],
    ['{"event":"x","payload":[1]}', { event: 'x', payload: {} }],
    ['{"event":7}', null],
    ['null', null],
    ['{', null],
    [new ArrayBuffer(2), null],
  ])('%s', (text, expected) => expect(parseMessage(text)).toEqual(expected));

  it.each([
    [{ candidate: { candidate: 'c' } }, [{ candidate: 'c' }]],
    [{ candidate: { candidate: 'c1' }, candidates: [{ candidate: 'c1' }, { candidate: 'c2' }] }, [{ candidate: 'c1' }, { candidate: 'c2' }]],
    [{ candidate: 'line', sdpMid: '0' }, [{ candidate: 'line', sdpMid: '0', sdpMLineIndex: 0 }]],
    [{ candidate: null }, [null]],
    [{ candidate: 5 }, []],
    [{}, []],
  ])('candidates of %j', (payload, expected) => expect(parseCandidates(payload)).toEqual(expected));

  it.each([
    [{ sdp: 'v=0' }, 'v=0'],
    [{ sdp: { type: 'offer', sdp: 'v=0' } }, 'v=0'],
    [{ sdp: 1 }, null],
    [{}, null],
  ])('SDP of %j', (payload, expected) => expect(parseSdp(payload)).toBe(expected));

  it('a reason of somebody else is a hangup', () => expect([parseReason('declined'), parseReason('tired'), parseReason(1)]).toEqual(['declined', 'hangup', 'hangup']));
  it('a hello of few words has defaults', () => expect(parseHello({ userId: 'a' })).toEqual({ userId: 'a', device: null, reconnectGraceMs: 10_000, ringTimeoutMs: 45_000, call: null }));
  it.each([['a', 'b', -1], ['b', 'a', 1], ['a', 'a', 0], ['a', 'ab', -1], ['\uFF5E', '\u{1F600}', -1]])('%s against %s by bytes', (left, right, sign) =>
    expect(Math.sign(compareBytes(left, right))).toBe(sign));
});

describe('SDP', () => {
  const sdp = 'v=0\r\no=- 42 7 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\n';
  it('the session is without the version', () => expect(sessionIdOf(sdp)).toBe('- 42'));
  it('no session in rubbish', () => expect(sessionIdOf('x')).toBeNull());
  it('sends audio only', () => expect([offersToSend(sdp, 'audio'), offersToSend(sdp, 'video')]).toEqual([true, false]));
  it('no direction is sendrecv', () => expect(offersToSend('v=0\r\nm=video 9 UDP\r\n', 'video')).toBe(true));
});

describe('quality', () => {
  it.each([
    [{ loss: 0, rtt: 20, jitter: 5 }, 5],
    [{ loss: 0.04, rtt: 20, jitter: 5 }, 4],
    [{ loss: 0, rtt: 500, jitter: 5 }, 3],
    [{ loss: 0.15, rtt: null, jitter: 5 }, 2],
    [{ loss: 0.3, rtt: 20, jitter: 5 }, 1],
  ] as const)('%j scores %i', (measured, score) => expect(scoreOf(measured)).toBe(score));

  const report = (at: number, lost: number, fractionLost = 0): Parameters<typeof measure>[0] => [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'P', type: 'candidate-pair', currentRoundTripTime: 0.042, localCandidateId: 'L', remoteCandidateId: 'R' },
    { id: 'L', type: 'local-candidate', candidateType: 'host' },
    { id: 'R', type: 'remote-candidate', candidateType: 'relay' },
    { id: 'IA', type: 'inbound-rtp', kind: 'audio', bytesReceived: at * 4, packetsReceived: at / 20 - lost, packetsLost: lost, jitter: 0.004 },
    { id: 'OV', type: 'outbound-rtp', kind: 'video', bytesSent: at * 100, packetsSent: at, frameWidth: 1280, frameHeight: 720, framesPerSecond: 29.6, qualityLimitationReason: 'cpu', remoteId: 'RV' },
    { id: 'RV', type: 'remote-inbound-rtp', localId: 'OV', fractionLost, jitter: 0.002 },
  ];

  it('is what changed between two reports', () => {
    const first = measure(report(2_000, 0), null, 2_000);
    expect(first.quality.receiving.audio?.bitrate).toBe(0);
    const { quality } = measure(report(4_000, 10), first.sample, 4_000);
    expect(quality).toMatchObject({ rtt: 42, loss: 0.1, jitter: 4, limitedBy: 'cpu', relayed: true, score: 3 });
    expect(quality.receiving.audio).toEqual({ bitrate: 32_000, loss: 0.1, jitter: 4 });
    expect(quality.sending.video).toEqual({ bitrate: 800_000, loss: 0, jitter: 2, width: 1280, height: 720, framesPerSecond: 30 });
    expect([quality.sending.audio, quality.receiving.video]).toEqual([null, null]);
  });

  it('falls at once and rises slowly', () => {
    let sample: QualitySample | null = null;
    const scores = [0, 0.3, 0, 0, 0, 0, 0, 0].map((loss, i) => {
      const measured = measure(report(2_000 * (i + 1), 0, loss), sample, 2_000 * (i + 1));
      sample = measured.sample;
      return measured.quality.score;
    });
    expect(scores).toEqual([5, 1, 1, 1, 2, 2, 2, 3]);
  });

  it('of an empty report is unknown, not bad', () => {
    expect(measure([], null, 0).quality).toMatchObject({ score: 5, rtt: null, relayed: null });
  });

  it('is sampled while a call is active, and not after', async () => {
    const clock = new FakeClock();
    const { alice } = await activeCall(new PairServer(), clock);
    const scores: number[] = [];
    alice.call.on('quality', (quality) => scores.push(quality.score));
    await clock.advance(4_600);
    expect(scores).toEqual([5, 5, 5]);
    alice.call.hangup();
    await clock.advance(10_000);
    expect(scores).toHaveLength(3);
  });
});

describe('events', () => {
  it('reach every listener until unsubscribed, also when one throws', () => {
    const events = new Emitter<{ tick: number }>();
    const seen: string[] = [];
    const errors: unknown[] = [];
    (globalThis as { reportError?: unknown }).reportError = (error: unknown) => errors.push(error);
    const off = events.on('tick', (n) => seen.push(`a${n}`));
    events.on('tick', () => {
      throw new Error('mine');
    });
    events.once('tick', (n) => seen.push(`once${n}`));
    events.on('tick', (n) => seen.push(`b${n}`));
    events.emit('tick', 1);
    off();
    off();
    events.emit('tick', 2);
    delete (globalThis as { reportError?: unknown }).reportError;
    expect(seen).toEqual(['a1', 'once1', 'b1', 'b2']);
    expect(errors).toHaveLength(2);
    events.clear();
    expect(events.count()).toBe(0);
  });

  it('a listener taken off by another one is not called', () => {
    const events = new Emitter<{ tick: void }>();
    let called = false;
    let off = (): void => undefined;
    events.on('tick', () => off());
    off = events.on('tick', () => (called = true));
    events.emit('tick', undefined);
    expect(called).toBe(false);
  });
});

describe('devices', () => {
  const list = [
    { kind: 'audioinput', deviceId: 'default', label: 'Default', groupId: 'g' },
    { kind: 'audioinput', deviceId: 'mic', label: 'Mic', groupId: 'g' },
    { kind: 'videoinput', deviceId: '', label: '', groupId: '' },
    { kind: 'audiooutput', deviceId: 'out', label: 'Out', groupId: 'g' },
  ] as const;

  it('are listed by kind, again when one is plugged in', async () => {
    const browser = new FakeBrowser();
    const devices = new DeviceManager({ environment: browser.environment });
    await settle();
    const seen: number[] = [];
    devices.on('devices', (found) => seen.push(found.microphones.length));
    browser.media.plug([...list]);
    await settle();
    browser.media.plug([...list]);
    await settle();
    expect(seen).toEqual([2]);
    expect(devices.devices.microphones[0]).toEqual({ kind: 'microphone', deviceId: 'default', label: 'Default', groupId: 'g', isDefault: true });
    expect([devices.devices.cameras.length, devices.devices.speakers.length]).toEqual([0, 1]);
  });

  it('that were chosen are remembered and used', async () => {
    const browser = new FakeBrowser();
    new DeviceManager({ environment: browser.environment }).choose({ microphone: 'mic' });
    const devices = new DeviceManager({ environment: browser.environment });
    expect(devices.choices).toEqual({ microphone: 'mic', camera: null, speaker: null });
    await devices.preview({ audio: true });
    expect((browser.media.requests[0]?.audio as MediaTrackConstraints).deviceId).toEqual({ ideal: 'mic' });
  });

  it('are closed again after asking, and a refusal is known', async () => {
    FakeTrack.live.clear();
    const browser = new FakeBrowser({ granted: false });
    browser.media.failures = { video: 'NotAllowedError' };
    const devices = new DeviceManager({ environment: browser.environment });
    await settle();
    expect(devices.permission).toEqual({ microphone: 'prompt', camera: 'prompt' });
    expect(await devices.ask({ audio: true, video: true })).toEqual({ microphone: 'granted', camera: 'denied' });
    expect(FakeTrack.live.size).toBe(0);
  });

  it('route an element to the chosen speaker', () => {
    const devices = new DeviceManager({ environment: new FakeBrowser().environment });
    const sinks: string[] = [];
    const element = { setSinkId: async (id: string) => void sinks.push(id) } as unknown as HTMLMediaElement;
    const off = devices.attachSpeaker(element);
    devices.choose({ speaker: 'out' });
    off();
    devices.choose({ speaker: 'other' });
    expect(sinks).toEqual(['', 'out']);
  });

  it('dispose leaves no listener and no open microphone', async () => {
    FakeTrack.live.clear();
    const browser = new FakeBrowser();
    const devices = new DeviceManager({ environment: browser.environment });
    await devices.meterMicrophone(() => undefined);
    expect(FakeTrack.live.size).toBe(1);
    devices.dispose();
    expect([FakeTrack.live.size, browser.media.listenerCount, browser.clock.pending]).toEqual([0, 0, 0]);
  });

  it.each([[new Float32Array(8), 0], [new Float32Array(8).fill(1), 1], [new Float32Array(8).fill(0.03162), 0.5], [new Float32Array(8).fill(1e-6), 0]])(
    'level %#', (samples, level) => expect(levelOf(samples)).toBeCloseTo(level, 2));
});

describe('tones', () => {
  class FakeNode {
    frequency = { value: 0 };
    gain = { value: 1, setValueAtTime: (): void => undefined, linearRampToValueAtTime: (): void => undefined };
    onended: (() => void) | null = null;
    static sounding = 0;
    connect(node: unknown): unknown {
      return node;
    }
    disconnect(): void {}
    start(): void {
      FakeNode.sounding += 1;
    }
    stop(): void {}
  }
  function tones(): { tones: Tones; browser: FakeBrowser; context: { state: string } } {
    const browser = new FakeBrowser();
    const context = {
      state: 'running', currentTime: 0, destination: {},
      createGain: () => new FakeNode(), createOscillator: () => new FakeNode(),
      resume: async () => undefined, close: async () => void (context.state = 'closed'),
    };
    FakeNode.sounding = 0;
    const environment = { ...browser.environment, createAudioContext: () => context as unknown as AudioContext };
    return { tones: new Tones({ environment }), browser, context };
  }

  it('repeat until stopped', async () => {
    const { tones: sounds, browser } = tones();
    sounds.play('ringback');
    await browser.clock.advance(10_000);
    expect(FakeNode.sounding).toBe(3);
    sounds.play('ringback'); // goes on undisturbed
    expect(FakeNode.sounding).toBe(3);
    sounds.stop();
    await browser.clock.advance(60_000);
    expect([FakeNode.sounding, browser.clock.pending, sounds.playing]).toEqual([3, 0, null]);
  });

  it('busy ends by itself', async () => {
    const { tones: sounds, browser } = tones();
    sounds.play('busy');
    await browser.clock.advance(60_000);
    expect([FakeNode.sounding, browser.clock.pending, sounds.playing]).toEqual([5, 0, null]);
  });

  it('follow a call, and dispose closes everything', async () => {
    const { tones: sounds, context } = tones();
    const clock = new FakeClock();
    const server = new PairServer();
    const alice = await party(server, 'alice', clock);
    const bob = await party(server, 'bob', clock);
    sounds.follow(alice.calls);
    alice.calls.call('bob');
    await settle();
    expect(sounds.playing).toBe('ringback');
    bob.call.decline();
    await settle();
    expect(sounds.playing).toBe('busy');
    sounds.dispose();
    expect([sounds.playing, context.state]).toEqual([null, 'closed']);
    sounds.play('ring');
    expect(sounds.playing).toBeNull();
  });

  it.each([
    ['hangup', true, true, 'ended'],
    ['busy', false, true, 'busy'],
    ['declined', false, true, 'busy'],
    ['canceled', false, true, null],
    ['canceled', false, false, null],
    ['failed', false, true, 'ended'],
  ] as const)('%s (answered %s, outgoing %s) sounds %s', (reason, answered, outgoing, tone) =>
    expect(endTone(reason, answered, outgoing)).toBe(tone));
});

it('createZvonok wires everything, and dispose takes it all down', async () => {
  const browser = new FakeBrowser();
  const zvonok = createZvonok({ environment: browser.environment, getToken: async () => 't' });
  zvonok.signal.connect();
  await settle();
  zvonok.dispose();
  await settle();
  expect([browser.clock.pending, browser.pageListenerCount, browser.media.listenerCount, browser.storage.listeners.size]).toEqual([0, 0, 0, 0]);
});

it('nothing happens when the package is loaded where there is no browser', async () => {
  const zvonok = createZvonok({ getToken: async () => 't', baseUrl: 'https://calls.example.org' });
  expect(zvonok.calls.current).toBeNull();
  zvonok.dispose();
});
