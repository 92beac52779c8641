// A record of the SDK as an item of the history.
import type { CallRecord } from '@zvonok/client';
import type { HistoryItem } from './history';

export function toHistoryItem(record: CallRecord): HistoryItem {
  return {
    id: record.callId,
    direction: record.direction,
    peerId: record.peerUserId,
    peerName: record.peerDisplayName,
    phoneNumber: record.kind === 'phone' ? (record.phoneNumber ?? '') : null,
    status: record.status,
    startedAt: new Date(record.startTime),
    seconds: record.duration,
  };
}
