// Answers of the REST API to values. What is missing or of a wrong type is the server's mistake: ApiError `bad_answer`.
import { ApiError } from './errors.js';
import type { PhoneCallRecord } from './phone-types.js';
import type { Account, CallRecord, Chat, Group, GroupRole, Member, Page, Person, Session } from './types.js';

type Members = Record<string, unknown>;

/** The members of an object; none for anything else. */
export function members(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function bad(key: string): ApiError {
  return new ApiError(`The server's answer has no proper ${key}`, { status: 200, code: 'bad_answer', field: key });
}

export function text(from: Members, key: string): string {
  const value = from[key];
  if (typeof value !== 'string') throw bad(key);
  return value;
}

function textOrNull(from: Members, key: string): string | null {
  const value = from[key];
  return typeof value === 'string' ? value : null;
}

function number(from: Members, key: string): number {
  const value = from[key];
  if (typeof value !== 'number') throw bad(key);
  return value;
}

export function toAccount(value: unknown): Account {
  const from = members(value);
  return {
    id: text(from, 'id'),
    email: textOrNull(from, 'email'),
    displayName: text(from, 'display_name'),
    createdAt: text(from, 'created_at'),
  };
}

export function toSession(value: unknown, now: number): Session {
  const from = members(value);
  return {
    accessToken: text(from, 'access_token'),
    refreshToken: text(from, 'refresh_token'),
    expiresAt: now + number(from, 'expires_in') * 1000,
    user: toAccount(from['user']),
  };
}

export function toPerson(value: unknown): Person {
  const from = members(value);
  return {
    id: text(from, 'id'),
    displayName: text(from, 'display_name'),
    online: from['online'] === true,
    email: textOrNull(from, 'email'),
  };
}

export function toCallRecord(value: unknown): CallRecord {
  const from = members(value);
  return {
    callId: text(from, 'call_id'),
    kind: text(from, 'kind') as CallRecord['kind'],
    direction: text(from, 'direction') as CallRecord['direction'],
    peerUserId: text(from, 'peer_user_id'),
    peerDisplayName: textOrNull(from, 'peer_display_name'),
    chatId: textOrNull(from, 'chat_id'),
    phoneNumber: textOrNull(from, 'phone_number'),
    status: text(from, 'status') as CallRecord['status'],
    reason: textOrNull(from, 'reason'),
    startTime: text(from, 'start_time'),
    ringTime: textOrNull(from, 'ring_time'),
    answerTime: textOrNull(from, 'answer_time'),
    endTime: textOrNull(from, 'end_time'),
    duration: number(from, 'duration'),
  };
}

export function toPhoneCall(value: unknown): PhoneCallRecord {
  const from = members(value);
  return {
    callId: text(from, 'call_id'),
    sessionId: text(from, 'session_id'),
    phoneNumber: text(from, 'phone_number'),
    direction: text(from, 'direction') as PhoneCallRecord['direction'],
    status: text(from, 'status') as PhoneCallRecord['status'],
    reason: textOrNull(from, 'reason'),
    startTime: text(from, 'start_time'),
    ringTime: textOrNull(from, 'ring_time'),
    answerTime: textOrNull(from, 'answer_time'),
    endTime: textOrNull(from, 'end_time'),
    duration: number(from, 'duration'),
    onHold: from['on_hold'] === true,
    muted: from['muted'] === true,
    accepted: from['accepted'] === true,
    cause: textOrNull(from, 'cause'),
    sdpOffer: textOrNull(from, 'sdp_offer'),
  };
}

export function toChat(value: unknown): Chat {
  const from = members(value);
  const ids = from['members'];
  if (!Array.isArray(ids)) throw bad('members');
  return { id: text(from, 'id'), members: ids.map(String), createdAt: text(from, 'created_at') };
}

function groupRole(from: Members): GroupRole {
  const role = text(from, 'role');
  return role === 'owner' || role === 'admin' ? role : 'member';
}

export function toGroup(value: unknown): Group {
  const from = members(value);
  return {
    id: text(from, 'id'),
    title: text(from, 'title'),
    role: groupRole(from),
    memberCount: number(from, 'member_count'),
    createdBy: text(from, 'created_by'),
    createdAt: text(from, 'created_at'),
    since: text(from, 'since'),
  };
}

export function toMember(value: unknown): Member {
  const from = members(value);
  return {
    userId: text(from, 'user_id'),
    displayName: text(from, 'display_name'),
    role: groupRole(from),
    since: text(from, 'since'),
  };
}

export function toPage<Item>(value: unknown, key: string, item: (value: unknown) => Item): Page<Item> {
  const from = members(value);
  const list = from[key];
  if (!Array.isArray(list)) throw bad(key);
  return { items: list.map(item), next: textOrNull(from, 'next') };
}
