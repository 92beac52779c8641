// What a role allows in a room: the server decides, this only hides what it would refuse. Pure.
import type { RoomParticipant, RoomRole, RoomSnapshot } from '@zvonok/client';

const order: readonly RoomRole[] = ['member', 'moderator', 'host'];

export function mayModerate(role: RoomRole): boolean {
  return role !== 'member';
}

/** Nobody removes themselves, nor somebody of a higher role. */
export function mayRemove(own: Pick<RoomSnapshot, 'role' | 'userId'>, other: Pick<RoomParticipant, 'role' | 'userId'>): boolean {
  return mayModerate(own.role) && other.userId !== own.userId && order.indexOf(other.role) <= order.indexOf(own.role);
}
