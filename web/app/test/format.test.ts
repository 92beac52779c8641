import { describe, expect, it } from 'vitest';
import { createTranslator } from '../src/i18n';
import {
  formatBitrate,
  formatDay,
  formatDurationWords,
  formatMoment,
  formatPercent,
  formatTimer,
  hueIndex,
  initialsOf,
  isoDuration,
} from '../src/lib/format';

const en = createTranslator('en');
const ru = createTranslator('ru');

describe('formatTimer', () => {
  it.each([
    [-5, '0:00'],
    [0, '0:00'],
    [7.9, '0:07'],
    [59, '0:59'],
    [60, '1:00'],
    [754, '12:34'],
    [3600, '1:00:00'],
    [3721, '1:02:01'],
    [360_000, '100:00:00'],
  ])('of %d seconds is %s', (seconds, text) => {
    expect(formatTimer(seconds)).toBe(text);
  });
  it('has a form for machines', () => {
    expect(isoDuration(61.5)).toBe('PT61S');
  });
});

describe('formatDurationWords', () => {
  it.each([
    [0, '0 seconds', '0 секунд'],
    [1, '1 second', '1 секунду'],
    [61, '1 minute 1 second', '1 минуту 1 секунду'],
    [120, '2 minutes', '2 минуты'],
    [3720, '1 hour 2 minutes', '1 час 2 минуты'],
    [18_000, '5 hours', '5 часов'],
  ])('of %d', (seconds, english, russian) => {
    expect(formatDurationWords(seconds, en)).toBe(english);
    expect(formatDurationWords(seconds, ru)).toBe(russian);
  });
});

describe('days', () => {
  const now = new Date(2026, 2, 1, 0, 30); // half past midnight, the day after the last of February
  it('know today and yesterday by the calendar, not by hours', () => {
    expect(formatDay(new Date(2026, 2, 1, 0, 1), now, en)).toBe('Today');
    expect(formatDay(new Date(2026, 1, 28, 23, 59), now, en)).toBe('Yesterday');
    expect(formatDay(new Date(2026, 1, 27, 23, 59), now, en)).toBe('Friday, February 27');
    expect(formatDay(new Date(2026, 1, 28, 1, 0), now, ru)).toBe('Вчера');
  });
  it('name the year when it is another one', () => {
    expect(formatDay(new Date(2025, 11, 31, 12, 0), now, en)).toContain('2025');
  });
  it('are short in a list', () => {
    // How the hour is padded is up to the locale data of the runtime.
    expect(formatMoment(new Date(2026, 2, 1, 0, 5), now, ru)).toMatch(/^Сегодня, 0?0:05$/);
    expect(formatMoment(new Date(2026, 1, 3, 9, 5), now, ru)).toContain('3 февр.');
  });
});

describe('numbers', () => {
  it('of bits', () => {
    expect(formatBitrate(31_400, en)).toBe('31 kbit/s');
    expect(formatBitrate(1_710_000, en)).toBe('1.7 Mbit/s');
    expect(formatBitrate(1_710_000, ru)).toBe('1,7 Мбит/с');
  });
  it('of shares', () => {
    expect(formatPercent(0.083, en)).toBe('8.3%');
  });
});

describe('avatars', () => {
  it.each([
    ['Alice Winter', 'AW'],
    ['  bob  ', 'B'],
    ['Daniela María Ortiz', 'DO'],
    ['алиса зимина', 'АЗ'],
    ['(Support) Team', 'ST'],
    ['🦊 Fox', 'F'],
    ['🦊', '🦊'],
    ['', '?'],
  ])('of %j say %j', (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });
  it('have a colour that stays, and use all of them', () => {
    expect(hueIndex('u1', 10)).toBe(hueIndex('u1', 10));
    const used = new Set(Array.from({ length: 100 }, (_, index) => hueIndex(`user-${index}`, 10)));
    expect(used.size).toBe(10);
  });
});
