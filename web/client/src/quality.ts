// Statistics of a connection to a picture of its quality: two reports, and what changed between them. Pure.
import type { CallQuality, StreamQuality, VideoQuality } from './types.js';

type Stat = Record<string, unknown> & { readonly id: string; readonly type: string };

interface Counters {
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number;
}

/** What the next sample is compared with. */
export interface QualitySample {
  readonly at: number;
  readonly counters: Readonly<Record<string, Counters>>;
  readonly score: CallQuality['score'];
  /** Samples in a row that were better than the score. */
  readonly better: number;
}

/** So many better samples in a row raise the score by one. */
const kBetterSamples = 3;

/** The worst loss (share), round trip (ms) and jitter (ms) of each score. */
const kScores: readonly { readonly score: CallQuality['score']; readonly loss: number; readonly rtt: number; readonly jitter: number }[] = [
  { score: 5, loss: 0.02, rtt: 200, jitter: 30 },
  { score: 4, loss: 0.05, rtt: 300, jitter: 50 },
  { score: 3, loss: 0.1, rtt: 600, jitter: 100 },
  { score: 2, loss: 0.2, rtt: 1000, jitter: 200 },
];

export function scoreOf(measured: { readonly loss: number; readonly rtt: number | null; readonly jitter: number }): CallQuality['score'] {
  const found = kScores.find(
    (limit) => measured.loss <= limit.loss && (measured.rtt ?? 0) <= limit.rtt && measured.jitter <= limit.jitter,
  );
  return found?.score ?? 1;
}

function value(stat: Stat | undefined, key: string): number | null {
  const found = stat?.[key];
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

function countersOf(stat: Stat): Counters {
  const inbound = stat.type === 'inbound-rtp';
  return {
    bytes: value(stat, inbound ? 'bytesReceived' : 'bytesSent') ?? 0,
    packets: value(stat, inbound ? 'packetsReceived' : 'packetsSent') ?? 0,
    lost: value(stat, 'packetsLost') ?? 0,
  };
}

class Report {
  readonly counters: Record<string, Counters> = {};
  private readonly byId = new Map<string, Stat>();

  constructor(
    stats: Iterable<Stat>,
    private readonly previous: QualitySample | null,
    private readonly now: number,
  ) {
    for (const stat of stats) this.byId.set(stat.id, stat);
  }

  all(type: string): Stat[] {
    return [...this.byId.values()].filter((stat) => stat.type === type);
  }

  get(id: unknown): Stat | undefined {
    return typeof id === 'string' ? this.byId.get(id) : undefined;
  }

  /** The RTP stream of a direction and kind; the busiest when there are several. */
  stream(type: 'inbound-rtp' | 'outbound-rtp', kind: 'audio' | 'video'): Stat | undefined {
    return this.all(type)
      .filter((stat) => stat['kind'] === kind)
      .sort((a, b) => countersOf(b).bytes - countersOf(a).bytes)[0];
  }

  quality(stat: Stat): StreamQuality {
    const now = countersOf(stat);
    this.counters[stat.id] = now;
    const before = this.previous?.counters[stat.id];
    const seconds = this.previous ? (this.now - this.previous.at) / 1000 : 0;
    const grew = before !== undefined && now.bytes >= before.bytes && seconds > 0;
    const bitrate = grew ? Math.round(((now.bytes - before.bytes) * 8) / seconds) : 0;
    return { bitrate, loss: this.lossOf(stat, now, grew ? before : undefined), jitter: this.jitterOf(stat) };
  }

  private lossOf(stat: Stat, now: Counters, before: Counters | undefined): number {
    if (stat.type === 'outbound-rtp') return Math.max(0, value(this.remoteOf(stat), 'fractionLost') ?? 0);
    if (!before) return 0;
    // Late packets count backwards.
    const lost = Math.max(0, now.lost - before.lost);
    const received = Math.max(0, now.packets - before.packets);
    return lost + received === 0 ? 0 : lost / (lost + received);
  }

  private jitterOf(stat: Stat): number {
    const source = stat.type === 'outbound-rtp' ? this.remoteOf(stat) : stat;
    return Math.round((value(source, 'jitter') ?? 0) * 1000);
  }

  /** What the other side reported of a stream that we send. */
  private remoteOf(stat: Stat): Stat | undefined {
    return this.get(stat['remoteId']) ?? this.all('remote-inbound-rtp').find((remote) => remote['localId'] === stat.id);
  }

  video(stat: Stat): VideoQuality {
    return {
      ...this.quality(stat),
      width: value(stat, 'frameWidth') ?? 0,
      height: value(stat, 'frameHeight') ?? 0,
      framesPerSecond: Math.round(value(stat, 'framesPerSecond') ?? 0),
    };
  }

  /** The pair of candidates that media goes by. Firefox has no `transport`, and marks the pair itself. */
  pair(): Stat | undefined {
    for (const transport of this.all('transport')) {
      const pair = this.get(transport['selectedCandidatePairId']);
      if (pair) return pair;
    }
    const pairs = this.all('candidate-pair');
    return pairs.find((pair) => pair['selected'] === true) ?? pairs.find((pair) => pair['nominated'] === true && pair['state'] === 'succeeded');
  }
}

/** `previous` null: the first sample, which has no rates yet. `now` in ms since 1970. */
export function measure(
  stats: Iterable<Stat>,
  previous: QualitySample | null,
  now: number,
): { readonly quality: CallQuality; readonly sample: QualitySample } {
  const report = new Report(stats, previous, now);
  const stream = (type: 'inbound-rtp' | 'outbound-rtp', kind: 'audio'): StreamQuality | null => {
    const stat = report.stream(type, kind);
    return stat ? report.quality(stat) : null;
  };
  const video = (type: 'inbound-rtp' | 'outbound-rtp'): VideoQuality | null => {
    const stat = report.stream(type, 'video');
    return stat ? report.video(stat) : null;
  };
  const sending = { audio: stream('outbound-rtp', 'audio'), video: video('outbound-rtp') };
  const receiving = { audio: stream('inbound-rtp', 'audio'), video: video('inbound-rtp') };
  const pair = report.pair();
  const rttSeconds =
    value(pair, 'currentRoundTripTime') ??
    report.all('remote-inbound-rtp').reduce<number | null>((found, stat) => found ?? value(stat, 'roundTripTime'), null);
  const streams = [sending.audio, sending.video, receiving.audio, receiving.video].filter((s) => s !== null);
  const rtt = rttSeconds === null ? null : Math.round(rttSeconds * 1000);
  const loss = Math.max(0, ...streams.map((s) => s.loss));
  const jitter = Math.max(0, receiving.audio?.jitter ?? 0, receiving.video?.jitter ?? 0);
  const { score, better } = smooth(scoreOf({ loss, rtt, jitter }), previous);
  const quality: CallQuality = {
    score,
    rtt,
    loss,
    jitter,
    sending,
    receiving,
    limitedBy: limitation(report.stream('outbound-rtp', 'video')),
    relayed: isRelayed(report, pair),
    at: now,
  };
  return { quality, sample: { at: now, counters: report.counters, score, better } };
}

/** Falls at once, rises by one after some better samples. */
function smooth(raw: CallQuality['score'], previous: QualitySample | null): { score: CallQuality['score']; better: number } {
  if (!previous || raw <= previous.score) return { score: raw, better: 0 };
  const better = previous.better + 1;
  if (better < kBetterSamples) return { score: previous.score, better };
  return { score: (previous.score + 1) as CallQuality['score'], better: 0 };
}

function limitation(video: Stat | undefined): CallQuality['limitedBy'] {
  const reason = video?.['qualityLimitationReason'];
  return reason === 'cpu' || reason === 'bandwidth' || reason === 'other' ? reason : null;
}

function isRelayed(report: Report, pair: Stat | undefined): boolean | null {
  if (!pair) return null;
  const local = report.get(pair['localCandidateId']);
  const remote = report.get(pair['remoteCandidateId']);
  if (!local && !remote) return null;
  return local?.['candidateType'] === 'relay' || remote?.['candidateType'] === 'relay';
}

/** The entries of an RTCStatsReport, which TypeScript's DOM types give no types to. */
export function statsOf(report: RTCStatsReport): Stat[] {
  const stats: Stat[] = [];
  report.forEach((stat: Stat) => stats.push(stat));
  return stats;
}
