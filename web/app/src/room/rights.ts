// What a role allows in a room: the server decides, this hides what it would refuse, and between two all of it. Pure.
import type { RoomParticipant, RoomRole, RoomSnapshot } from '@zvonok/client';

const order: readonly RoomRole[] = ['member', 'moderator', 'host'];

/** In a private chat both are moderators: there it would only be a way to shut the other one out. */
export function mayModerate({ kind, role }: Pick<RoomSnapshot, 'kind' | 'role'>): boolean {
  return kind === 'group' && role !== 'member';
}

/** Nobody removes themselves, nor somebody of a higher role. */
export function mayRemove(own: Pick<RoomSnapshot, 'kind' | 'role' | 'userId'>, other: Pick<RoomParticipant, 'role' | 'userId'>): boolean {
  return mayModerate(own) && other.userId !== own.userId && order.indexOf(other.role) <= order.indexOf(own.role);
}
