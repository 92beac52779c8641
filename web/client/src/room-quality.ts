// How well each participant's media arrives: two reports of inbound streams, and what changed between them. Pure.
import { scoreOf } from './quality.js';
import type { CallQuality } from './types.js';

type Stat = Record<string, unknown> & { readonly id: string; readonly type: string };

interface Arrived {
  readonly packets: number;
  readonly lost: number;
}

/** What the next report is compared with: by id of the stream. */
export type ArrivalSample = ReadonlyMap<string, Arrived>;

/** Fewer packets than this say nothing about loss. */
const kPacketsMin = 10;

function count(stat: Stat, key: string): number {
  const value = stat[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** `ownerOf` says whose track arrives in an m-section. Scores by owner; who sends nothing has none. */
export function scoreParticipants(
  stats: Iterable<Stat>,
  previous: ArrivalSample | null,
  ownerOf: (mid: string) => string | null,
): { readonly scores: ReadonlyMap<string, CallQuality['score']>; readonly sample: ArrivalSample } {
  const sample = new Map<string, Arrived>();
  const scores = new Map<string, CallQuality['score']>();
  for (const stat of stats) {
    if (stat.type !== 'inbound-rtp') continue;
    const now = { packets: count(stat, 'packetsReceived'), lost: count(stat, 'packetsLost') };
    sample.set(stat.id, now);
    const before = previous?.get(stat.id);
    const owner = typeof stat['mid'] === 'string' ? ownerOf(stat['mid']) : null;
    if (!before || owner === null) continue;
    const received = Math.max(0, now.packets - before.packets);
    const lost = Math.max(0, now.lost - before.lost);
    if (received + lost < kPacketsMin) continue;
    const score = scoreOf({ loss: lost / (received + lost), rtt: null, jitter: count(stat, 'jitter') * 1000 });
    scores.set(owner, Math.min(score, scores.get(owner) ?? 5) as CallQuality['score']);
  }
  return { scores, sample };
}
