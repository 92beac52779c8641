import { describe, expect, it } from 'vitest';
import type { CallEnd, CallEndReason, CallQuality } from '@zvonok/client';
import { createTranslator } from '../src/i18n';
import { describeEnd, type EndedCall } from '../src/call/ended';
import { lookOf, rowsOf } from '../src/call/quality';
import { moveCorner, nearestCorner } from '../src/lib/geometry';

const en = createTranslator('en');
const ru = createTranslator('ru');

const reasons: readonly CallEndReason[] = [
  'hangup', 'canceled', 'no-answer', 'answered-elsewhere', 'disconnected', 'server-shutdown', 'replaced', 'disposed',
  'declined', 'busy', 'offline', 'target-unknown', 'unavailable', 'bad-message', 'unauthorized', 'failed',
];

function ended(reason: CallEndReason, changes: Partial<Omit<EndedCall, 'end'>> & { by?: CallEnd['by'] } = {}): EndedCall {
  const { by = 'remote', ...rest } = changes;
  return { end: { reason, by, message: null }, direction: 'outgoing', seconds: null, deniedMicrophone: false, ...rest };
}

describe('the end of a call', () => {
  it('has words for every reason, side and language', () => {
    for (const reason of reasons) {
      for (const by of ['local', 'remote', 'server'] as const) {
        for (const direction of ['incoming', 'outgoing'] as const) {
          for (const translator of [en, ru]) expect(describeEnd(ended(reason, { by, direction }), translator).title).not.toBe('');
        }
      }
    }
  });
  it('tells how long it was', () => {
    expect(describeEnd(ended('hangup', { seconds: 754 }), en).text).toBe('You talked for 12 minutes 34 seconds.');
    expect(describeEnd(ended('hangup', { seconds: 754 }), ru).text).toBe('Вы поговорили 12 минут 34 секунды.');
    expect(describeEnd(ended('hangup'), en).text).toBeNull();
  });
  it('is a missed call for the one who was called, and no answer for the caller', () => {
    expect(describeEnd(ended('no-answer', { direction: 'incoming' }), en).title).toBe('Missed call');
    expect(describeEnd(ended('canceled', { direction: 'incoming' }), en).title).toBe('Missed call');
    expect(describeEnd(ended('no-answer'), en).title).toBe('No answer');
  });
  it('stays to be read when something was missed or went wrong', () => {
    expect(describeEnd(ended('no-answer', { direction: 'incoming' }), en).fleeting).toBe(false);
    expect(describeEnd(ended('failed', { by: 'server' }), en).fleeting).toBe(false);
    expect(describeEnd(ended('hangup'), en).fleeting).toBe(true);
  });
  it('offers no second call where it cannot work', () => {
    for (const reason of ['answered-elsewhere', 'replaced', 'target-unknown', 'unauthorized'] as const) {
      expect(describeEnd(ended(reason), en).again, reason).toBe(false);
    }
  });
  it('blames the microphone when that was the trouble', () => {
    expect(describeEnd(ended('failed', { by: 'local', deniedMicrophone: true }), en).title).toBe('No access to the microphone');
  });
});

describe('quality', () => {
  const quality: CallQuality = {
    score: 4,
    rtt: 41.6,
    loss: 0.0123,
    jitter: 3.4,
    sending: { audio: { bitrate: 32_000, loss: 0, jitter: 0 }, video: null },
    receiving: {
      audio: { bitrate: 30_000, loss: 0, jitter: 0 },
      video: { bitrate: 1_500_000, loss: 0, jitter: 0, width: 1280, height: 720, framesPerSecond: 29.7 },
    },
    limitedBy: null,
    relayed: false,
    at: 0,
  };
  it('has bars for every score', () => {
    expect(([1, 2, 3, 4, 5] as const).map((score) => lookOf({ score }).bars)).toEqual([1, 1, 2, 3, 4]);
    expect(lookOf(null)).toMatchObject({ bars: 0, tone: 'unknown' });
  });
  it('lists the numbers', () => {
    expect(rowsOf(quality, en).map((row) => row.value)).toEqual([
      '42 ms', '1.2%', '3 ms', '1.5 Mbit/s', '32 kbit/s', '1280×720, 30 fps', 'Direct',
    ]);
  });
  it('leaves out what is not known', () => {
    const rows = rowsOf({ ...quality, rtt: null, relayed: null, receiving: { audio: null, video: null } }, en);
    expect(rows[0]?.value).toBe('—');
    expect(rows.map((row) => row.label)).not.toContain('quality.route');
    expect(rows.map((row) => row.label)).not.toContain('quality.resolution');
  });
});

describe('the own picture', () => {
  it('docks in the nearest corner', () => {
    const stage = { width: 100, height: 100 };
    expect(nearestCorner({ x: 10, y: 10 }, stage)).toBe('top-left');
    expect(nearestCorner({ x: 90, y: 51 }, stage)).toBe('bottom-right');
  });
  it('moves by arrow keys', () => {
    expect(moveCorner('top-right', 'ArrowDown')).toBe('bottom-right');
    expect(moveCorner('bottom-right', 'ArrowLeft')).toBe('bottom-left');
    expect(moveCorner('top-left', 'ArrowUp')).toBe('top-left');
    expect(moveCorner('top-left', 'Enter')).toBe('top-left');
  });
});
