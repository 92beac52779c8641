// The call history as the screen needs it: what a record means to its reader, and the days it falls into. Pure.
import type { PlainKey } from '../i18n';
import { dayKey } from '../lib/format';

export type CallStatus =
  | 'connecting'
  | 'ringing'
  | 'in_progress'
  | 'active'
  | 'completed'
  | 'canceled'
  | 'declined'
  | 'no_answer'
  | 'busy'
  | 'offline'
  | 'failed';

export interface HistoryItem {
  readonly id: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly peerId: string;
  /** null: the account is not there any more. */
  readonly peerName: string | null;
  /** Of a phone call, '' when the caller withheld it; null: a call between users. */
  readonly phoneNumber: string | null;
  readonly status: CallStatus;
  readonly startedAt: Date;
  readonly seconds: number;
}

export interface HistoryState {
  readonly status: 'loading' | 'ready' | 'failed';
  readonly items: readonly HistoryItem[];
  readonly next: string | null;
  readonly loadingMore: boolean;
}

export type HistoryAction =
  | { readonly type: 'more' }
  | {
      readonly type: 'loaded';
      readonly items: readonly HistoryItem[];
      readonly next: string | null;
      readonly append: boolean;
    }
  | { readonly type: 'failed' };

export const initialHistory: HistoryState = { status: 'loading', items: [], next: null, loadingMore: false };

export function reduceHistory(state: HistoryState, action: HistoryAction): HistoryState {
  switch (action.type) {
    case 'more':
      return { ...state, loadingMore: true };
    case 'loaded': {
      const known = new Set(action.append ? state.items.map((item) => item.id) : []);
      const fresh = action.items.filter((item) => !known.has(item.id));
      return {
        status: 'ready',
        items: action.append ? [...state.items, ...fresh] : fresh,
        next: action.next,
        loadingMore: false,
      };
    }
    case 'failed':
      return { ...state, status: state.items.length > 0 ? 'ready' : 'failed', loadingMore: false };
  }
}

/** Missed: somebody called, and this user neither answered nor declined. */
export function isMissed(item: HistoryItem): boolean {
  if (item.direction === 'outgoing') return false;
  return item.status === 'canceled' || item.status === 'no_answer' || item.status === 'busy' || item.status === 'offline';
}

export function countMissedSince(items: readonly HistoryItem[], seenAt: number): number {
  return items.filter((item) => isMissed(item) && item.startedAt.getTime() > seenAt).length;
}

export function describeItem(item: HistoryItem): PlainKey {
  if (isMissed(item)) return 'history.missed_one';
  switch (item.status) {
    case 'connecting':
    case 'ringing':
    case 'in_progress':
    case 'active':
      return 'history.ongoing';
    case 'completed':
      return item.direction === 'incoming' ? 'history.incoming' : 'history.outgoing';
    case 'declined':
      return item.direction === 'incoming' ? 'history.declined_in' : 'history.declined_out';
    case 'canceled':
      return 'history.canceled';
    case 'no_answer':
      return 'history.no_answer';
    case 'busy':
      return 'history.busy';
    case 'offline':
      return 'history.offline';
    case 'failed':
      return 'history.failed';
  }
}

export interface HistoryDay {
  readonly key: string;
  readonly date: Date;
  readonly items: readonly HistoryItem[];
}

/** Runs of one local day each, in the order of the list. */
export function groupByDay(items: readonly HistoryItem[]): readonly HistoryDay[] {
  const days: { key: string; date: Date; items: HistoryItem[] }[] = [];
  for (const item of items) {
    const key = dayKey(item.startedAt);
    const last = days[days.length - 1];
    if (last?.key === key) last.items.push(item);
    else days.push({ key, date: item.startedAt, items: [item] });
  }
  return days;
}
