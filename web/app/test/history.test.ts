import { describe, expect, it } from 'vitest';
import {
  countMissedSince,
  describeItem,
  groupByDay,
  initialHistory,
  isMissed,
  reduceHistory,
  type CallStatus,
  type HistoryItem,
} from '../src/state/history';

function item(changes: Partial<HistoryItem> = {}): HistoryItem {
  return {
    id: 'c1',
    direction: 'incoming',
    peerId: 'alice',
    phoneNumber: null,
    peerName: 'Alice',
    status: 'completed',
    startedAt: new Date(2026, 4, 4, 12, 0),
    seconds: 0,
    ...changes,
  };
}

describe('a record', () => {
  it.each<[HistoryItem['direction'], CallStatus, boolean, string]>([
    ['incoming', 'no_answer', true, 'history.missed_one'],
    ['incoming', 'canceled', true, 'history.missed_one'],
    ['incoming', 'busy', true, 'history.missed_one'],
    ['incoming', 'offline', true, 'history.missed_one'],
    ['incoming', 'declined', false, 'history.declined_in'],
    ['incoming', 'completed', false, 'history.incoming'],
    ['incoming', 'failed', false, 'history.failed'],
    ['incoming', 'active', false, 'history.ongoing'],
    ['outgoing', 'no_answer', false, 'history.no_answer'],
    ['outgoing', 'canceled', false, 'history.canceled'],
    ['outgoing', 'busy', false, 'history.busy'],
    ['outgoing', 'offline', false, 'history.offline'],
    ['outgoing', 'declined', false, 'history.declined_out'],
    ['outgoing', 'completed', false, 'history.outgoing'],
    ['outgoing', 'ringing', false, 'history.ongoing'],
  ])('%s and %s: missed %s, %s', (direction, status, missed, text) => {
    const record = item({ direction, status });
    expect(isMissed(record)).toBe(missed);
    expect(describeItem(record)).toBe(text);
  });
});

describe('the list', () => {
  it('counts what was missed since the last look', () => {
    const old = item({ id: 'a', status: 'no_answer', startedAt: new Date(1000) });
    const fresh = item({ id: 'b', status: 'canceled', startedAt: new Date(3000) });
    const answered = item({ id: 'c', startedAt: new Date(4000) });
    expect(countMissedSince([answered, fresh, old], 2000)).toBe(1);
    expect(countMissedSince([answered, fresh, old], 3000)).toBe(0);
  });
  it('is cut into days, in order', () => {
    const days = groupByDay([
      item({ id: 'a', startedAt: new Date(2026, 4, 4, 23, 59) }),
      item({ id: 'b', startedAt: new Date(2026, 4, 4, 0, 0) }),
      item({ id: 'c', startedAt: new Date(2026, 4, 3, 23, 59) }),
    ]);
    expect(days.map((day) => day.items.map((entry) => entry.id))).toEqual([['a', 'b'], ['c']]);
  });
  it('is replaced by a first page and grows by the next ones', () => {
    const first = reduceHistory(initialHistory, { type: 'loaded', items: [item()], next: 'n', append: false });
    const more = reduceHistory(first, { type: 'loaded', items: [item(), item({ id: 'c2' })], next: null, append: true });
    expect(more.items.map((entry) => entry.id)).toEqual(['c1', 'c2']);
    expect(reduceHistory(more, { type: 'loaded', items: [item({ id: 'c3' })], next: null, append: false }).items).toHaveLength(1);
  });
  it('keeps what it has when a reload fails', () => {
    expect(reduceHistory(initialHistory, { type: 'failed' }).status).toBe('failed');
    const ready = reduceHistory(initialHistory, { type: 'loaded', items: [item()], next: null, append: false });
    expect(reduceHistory(ready, { type: 'failed' })).toMatchObject({ status: 'ready', items: ready.items });
  });
});
