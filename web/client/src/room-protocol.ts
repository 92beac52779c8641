// The room dialect as values: what comes over the room's WebSocket (docs/protocol/room.md), read once, here.
import { asMembers, asText, type Members } from './protocol.js';
import type { RoomPhone, RoomRole, RoomServerQuality, RoomSpeaker, TrackSource } from './room-types.js';

export interface RoomMessage {
  readonly type: string;
  readonly payload: Members;
}

export interface WireParticipant {
  readonly sessionId: string;
  readonly userId: string;
  readonly name: string;
  readonly role: RoomRole;
  readonly state: RTCPeerConnectionState;
  readonly phone: RoomPhone | null;
}

export interface WireTrack {
  readonly trackId: string;
  readonly sessionId: string;
  readonly kind: 'audio' | 'video';
  readonly source: TrackSource;
  readonly muted: boolean;
}

export interface WireJoined {
  readonly sessionId: string;
  readonly userId: string;
  readonly role: RoomRole;
  readonly resumed: boolean;
  readonly locked: boolean;
  readonly e2e: boolean;
  readonly phoneRole: RoomRole | null;
  readonly participants: readonly WireParticipant[];
  readonly tracks: readonly WireTrack[];
  readonly iceServers: RTCIceServer[];
}

const kStates: readonly string[] = ['new', 'connecting', 'connected', 'disconnected', 'failed', 'closed'];
const kSources: readonly string[] = ['microphone', 'camera', 'screen', 'screen-audio'];
/** Levels of `speakers` are 0 to 127. */
const kLevelMax = 127;

function asNumber(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function present<T>(value: T | null): value is T {
  return value !== null;
}

/** null for what is no message. */
export function parseRoomMessage(data: unknown): RoomMessage | null {
  if (typeof data !== 'string') return null;
  try {
    const message = asMembers(JSON.parse(data));
    const type = asText(message['type']);
    return type === null ? null : { type, payload: asMembers(message['payload']) };
  } catch {
    return null;
  }
}

/** A role of a later server is one without rights. */
export function parseRole(value: unknown): RoomRole {
  return value === 'host' || value === 'moderator' ? value : 'member';
}

/** What something is for: nobody, where nothing is said or a role that is not known here. */
function parseLeastRole(value: unknown): RoomRole | null {
  return value === 'host' || value === 'moderator' || value === 'member' ? value : null;
}

export function parseConnectionState(value: unknown): RTCPeerConnectionState {
  return typeof value === 'string' && kStates.includes(value) ? (value as RTCPeerConnectionState) : 'new';
}

export function parseParticipant(value: unknown): WireParticipant | null {
  const from = asMembers(value);
  const sessionId = asText(from['sessionId']);
  const userId = asText(from['userId']);
  if (sessionId === null || userId === null) return null;
  const name = asText(from['name']) ?? '';
  const state = parseConnectionState(from['state']);
  return { sessionId, userId, name, role: parseRole(from['role']), state, phone: parsePhone(from['phone']) };
}

const kPhoneStatuses: readonly string[] = [
  'connecting',
  'ringing',
  'in_progress',
  'completed',
  'busy',
  'no_answer',
  'failed',
  'canceled',
  'declined',
];

/** null for a status of a later server. */
export function parsePhoneStatus(value: unknown): RoomPhone['status'] | null {
  return typeof value === 'string' && kPhoneStatuses.includes(value) ? (value as RoomPhone['status']) : null;
}

function parsePhone(value: unknown): RoomPhone | null {
  if (typeof value !== 'object' || value === null) return null;
  const from = asMembers(value);
  const status = parsePhoneStatus(from['status']) ?? 'connecting';
  return { status, number: asText(from['number']) ?? '', by: asText(from['by']) ?? '' };
}

export function parseTrack(value: unknown): WireTrack | null {
  const from = asMembers(value);
  const trackId = asText(from['trackId']);
  const sessionId = asText(from['sessionId']);
  const kind = from['kind'];
  if (trackId === null || sessionId === null || (kind !== 'audio' && kind !== 'video')) return null;
  const source = asText(from['source']) ?? '';
  const otherwise: TrackSource = kind === 'audio' ? 'microphone' : 'camera';
  return {
    trackId,
    sessionId,
    kind,
    source: kSources.includes(source) ? (source as TrackSource) : otherwise,
    muted: from['muted'] === true,
  };
}

export function parseJoined(payload: Members): WireJoined {
  return {
    sessionId: asText(payload['sessionId']) ?? '',
    userId: asText(payload['userId']) ?? '',
    role: parseRole(payload['role']),
    resumed: payload['resumed'] === true,
    locked: payload['locked'] === true,
    e2e: payload['e2e'] === true,
    phoneRole: parseLeastRole(payload['phoneRole']),
    participants: asList(payload['participants']).map(parseParticipant).filter(present),
    tracks: asList(payload['tracks']).map(parseTrack).filter(present),
    iceServers: asList(payload['iceServers']) as RTCIceServer[],
  };
}

export function parseSpeakers(payload: Members): RoomSpeaker[] {
  return asList(payload['speakers']).flatMap((value) => {
    const from = asMembers(value);
    const sessionId = asText(from['sessionId']);
    const level = Math.min(1, Math.max(0, asNumber(from['level']) / kLevelMax));
    return sessionId === null ? [] : [{ sessionId, level }];
  });
}

export function parseServerQuality(payload: Members): RoomServerQuality {
  const layers = Object.entries(asMembers(payload['layers'])).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return {
    score: asNumber(payload['score']),
    rttMs: asNumber(payload['rttMs']),
    lossPercent: asNumber(payload['lossPercent']),
    bitrate: asNumber(payload['bitrate']),
    layers: Object.fromEntries(layers),
  };
}

/** Which layers of an m-section somebody watches: by rid. */
export function parseLayers(payload: Members): { readonly mid: string; readonly active: ReadonlyMap<string, boolean> } | null {
  const mid = asText(payload['mid']);
  if (mid === null) return null;
  const active = Object.entries(asMembers(payload['active'])).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean');
  return { mid, active: new Map(active) };
}
