// Why one is out of a room, in words, and whether trying again makes sense. Pure.
import type { RoomEndReason, RoomKind } from '@zvonok/client';
import type { PlainKey } from '../i18n';

export interface RoomEndWords {
  readonly title: PlainKey;
  readonly text: PlainKey;
  readonly again: boolean;
}

export function describeRoomEnd(kind: RoomKind, reason: RoomEndReason): RoomEndWords {
  switch (reason) {
    case 'left':
    case 'disposed':
      return { title: 'room.end.left', text: 'room.end.left.text', again: true };
    case 'kicked':
      return { title: 'room.end.kicked', text: 'room.end.kicked.text', again: false };
    case 'removed':
      return { title: 'room.end.removed', text: kind === 'group' ? 'room.end.removed.text' : 'room.end.removed.chat', again: false };
    case 'replaced':
      return { title: 'room.end.replaced', text: 'room.end.replaced.text', again: true };
    case 'locked':
      return { title: 'room.end.locked', text: 'room.end.locked.text', again: true };
    case 'room-full':
      return { title: 'room.end.full', text: 'room.end.full.text', again: true };
    case 'too-many-rooms':
      return { title: 'room.end.too_many', text: 'room.end.too_many.text', again: true };
    case 'encrypted':
      return { title: 'room.end.encrypted', text: 'room.end.encrypted.text', again: false };
    case 'not-encrypted':
      return { title: 'room.end.not_encrypted', text: 'room.end.not_encrypted.text', again: false };
    case 'encryption-unsupported':
      return { title: 'room.end.unable', text: 'room.end.encrypted.text', again: false };
    case 'forbidden':
      return { title: 'room.end.forbidden', text: kind === 'group' ? 'room.end.forbidden.text' : 'room.end.forbidden.chat', again: true };
    case 'unauthorized':
      return { title: 'room.end.unauthorized', text: 'room.end.unauthorized.text', again: false };
    case 'unavailable':
      return { title: 'room.end.unavailable', text: 'room.end.unavailable.text', again: true };
    case 'failed':
      return { title: 'room.end.failed', text: 'room.end.failed.text', again: true };
  }
}
