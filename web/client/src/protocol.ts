// The pair dialect as values: what goes over /ws (docs/protocol/pair.md), read once, here.

export type Members = Record<string, unknown>;

export interface WireMessage {
  readonly event: string;
  readonly payload: Members;
  /** It came before the server's hello: kept from the time when this device was away, perhaps. */
  readonly early?: boolean;
}

/** Why the server or the other side ended a call. */
export type WireReason =
  | 'hangup'
  | 'declined'
  | 'canceled'
  | 'no-answer'
  | 'answered-elsewhere'
  | 'disconnected'
  | 'server-shutdown'
  | 'failed';

export type WireErrorCode = 'target-unknown' | 'offline' | 'busy' | 'not-in-call' | 'bad-message' | 'unavailable';

export interface ServerCall {
  readonly callId: string;
  readonly peerUserId: string;
  readonly state: 'ringing' | 'active';
  readonly role: 'caller' | 'callee';
}

export interface ServerHello {
  readonly userId: string;
  readonly device: string | null;
  readonly reconnectGraceMs: number;
  readonly ringTimeoutMs: number;
  readonly call: ServerCall | null;
}

/** What a side that knows this SDK says of its media, beside descriptions and candidates. */
export interface WireMedia {
  readonly audio: boolean;
  readonly muted: boolean;
  readonly video: boolean;
  readonly screen: boolean;
}

const kReasons: ReadonlySet<string> = new Set<WireReason>([
  'hangup',
  'declined',
  'canceled',
  'no-answer',
  'answered-elsewhere',
  'disconnected',
  'server-shutdown',
  'failed',
]);
const kErrorCodes: ReadonlySet<string> = new Set<WireErrorCode>([
  'target-unknown',
  'offline',
  'busy',
  'not-in-call',
  'bad-message',
  'unavailable',
]);

export function asMembers(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function asNumber(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
}

/** null for what is no message. */
export function parseMessage(data: unknown): WireMessage | null {
  if (typeof data !== 'string') return null;
  try {
    const message = asMembers(JSON.parse(data));
    const event = asText(message['event']);
    return event === null ? null : { event, payload: asMembers(message['payload']) };
  } catch {
    return null;
  }
}

export function parseHello(payload: Members): ServerHello {
  return {
    userId: asText(payload['userId']) ?? '',
    device: asText(payload['device']),
    reconnectGraceMs: asNumber(payload['reconnectGraceMs'], 10_000),
    ringTimeoutMs: asNumber(payload['ringTimeoutMs'], 45_000),
    call: parseServerCall(payload['call']),
  };
}

function parseServerCall(value: unknown): ServerCall | null {
  const call = asMembers(value);
  const callId = asText(call['callId']);
  const peerUserId = asText(call['peerUserId']);
  if (callId === null || peerUserId === null) return null;
  return {
    callId,
    peerUserId,
    state: call['state'] === 'active' ? 'active' : 'ringing',
    role: call['role'] === 'callee' ? 'callee' : 'caller',
  };
}

/** A reason that is not in the list is the other side's own text, and a plain hangup. */
export function parseReason(value: unknown): WireReason {
  return typeof value === 'string' && kReasons.has(value) ? (value as WireReason) : 'hangup';
}

export function parseErrorCode(value: unknown): WireErrorCode {
  return typeof value === 'string' && kErrorCodes.has(value) ? (value as WireErrorCode) : 'bad-message';
}

export function parseMedia(value: unknown): WireMedia | null {
  const media = asMembers(value);
  if (typeof media['audio'] !== 'boolean' || typeof media['video'] !== 'boolean') return null;
  return {
    audio: media['audio'],
    muted: media['muted'] === true,
    video: media['video'],
    screen: media['screen'] === true,
  };
}

/** The SDP of an offer or answer: a text, or an RTCSessionDescription as some clients send it. */
export function parseSdp(payload: Members): string | null {
  const sdp = payload['sdp'];
  return asText(sdp) ?? asText(asMembers(sdp)['sdp']);
}

/** Candidates of a `call:ice`: one in `candidate`, or several in `candidates`. null: the end of the list. */
export function parseCandidates(payload: Members): (RTCIceCandidateInit | null)[] {
  const list = payload['candidates'];
  const raw = Array.isArray(list) ? list : 'candidate' in payload ? [payload['candidate']] : [];
  const parsed: (RTCIceCandidateInit | null)[] = [];
  for (const item of raw) {
    if (item === null || item === '') parsed.push(null);
    else if (typeof item === 'string') {
      // As some clients send it: only the line. mid and m-line index are then the first ones, which bundle makes right.
      parsed.push({ candidate: item, sdpMid: asText(payload['sdpMid']), sdpMLineIndex: asNumber(payload['sdpMLineIndex'], 0) });
    } else if (typeof asMembers(item)['candidate'] === 'string') parsed.push(item as RTCIceCandidateInit);
  }
  return parsed;
}

/** Like a comparison of C strings of UTF-8: negative, 0 or positive. JavaScript's own `<` goes by UTF-16 units. */
export function compareBytes(left: string, right: string): number {
  const a = new TextEncoder().encode(left);
  const b = new TextEncoder().encode(right);
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
