// Telephones in a room: what is said of them. Pure.
import type { RoomParticipant, RoomPhone, RoomSnapshot } from '@zvonok/client';
import type { PlainKey } from '../i18n';

/** How far its call is; null: it talks. */
export function phoneStatusText(phone: RoomPhone): PlainKey | null {
  if (phone.status === 'connecting') return 'phone.state.connecting';
  return phone.status === 'ringing' ? 'phone.state.ringing' : null;
}

type EndKey = 'room.phone.busy' | 'room.phone.no_answer' | 'room.phone.failed';

/** Why a call came to nothing; null: it was answered, or ended here. */
export function phoneEndText(status: RoomPhone['status']): EndKey | null {
  if (status === 'busy') return 'room.phone.busy';
  if (status === 'no_answer') return 'room.phone.no_answer';
  return status === 'failed' ? 'room.phone.failed' : null;
}

/** Why it was not called. */
export function refusalText(code: string): PlainKey {
  switch (code) {
    case 'bad-number':
      return 'phone.refused.number.text';
    case 'number-not-allowed':
      return 'phone.refused.not_allowed.text';
    case 'in-another-call':
      return 'room.phone.in_another_call';
    case 'daily-limit':
      return 'phone.refused.daily_limit.text';
    case 'spend-limit':
      return 'phone.refused.spend_limit.text';
    case 'room-full':
      return 'room.phone.full';
    case 'forbidden':
    case 'locked':
      return 'room.refused.forbidden';
    default:
      return 'phone.refused.unavailable';
  }
}

const kRank = { member: 0, moderator: 1, host: 2 };

export function mayInvitePhones({ role, phoneRole }: Pick<RoomSnapshot, 'role' | 'phoneRole'>): boolean {
  return phoneRole !== null && kRank[role] >= kRank[phoneRole];
}

export function mayHangUp(own: Pick<RoomSnapshot, 'role' | 'userId'>, person: Pick<RoomParticipant, 'phone'>): boolean {
  return person.phone !== null && (own.role !== 'member' || person.phone.by === own.userId);
}
