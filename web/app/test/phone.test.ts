// Telephone numbers as people write them, what is heard, and how an end is told.
import { describe, expect, it } from 'vitest';
import type { PhoneSnapshot } from '@zvonok/client';
import { createTranslator } from '../src/i18n';
import { formatNumber, looksDialable, toE164 } from '../src/lib/phone';
import { describePhoneEnd } from '../src/phone/ended';
import { keyOf } from '../src/phone/TelephoneKeys';
import { phoneStateText } from '../src/phone/PhoneStage';

describe('a number', () => {
  it.each([
    ['+49 151 234-5678', '+491512345678'],
    ['0049 (151) 2345678', '+491512345678'],
    [' +1.500.555/0010 ', '+15005550010'],
    ['8 800 555 35 35', '88005553535'],
    ['', ''],
  ])('typed as %j is %j', (typed, expected) => expect(toE164(typed)).toBe(expected));
  it.each([
    ['+491512345678', true],
    ['0049 151 2345678', true],
    ['491512345678', false],
    ['+0491512345', false],
    ['+49', false],
    ['+1234567890123456', false],
  ])('%j can be dialed: %s', (typed, expected) => expect(looksDialable(typed)).toBe(expected));
  it.each([
    ['+491512345678', '+49 151 234 5678'],
    ['+15005550010', '+1 500 555 0010'],
    ['+79161234567', '+7 916 123 4567'],
    ['+4930123456', '+49 301 234 56'],
    ['+3725123456', '+372 512 3456'],
    ['1001', '1001'],
    ['', ''],
  ])('%j reads %j', (number, expected) => expect(formatNumber(number)).toBe(expected));
  it('reads as what it is written back as', () => {
    for (const number of ['+491512345678', '+15005550010', '+4930123456', '+37251234567']) {
      expect(toE164(formatNumber(number))).toBe(number);
    }
  });
});

const snapshot = (changes: Partial<PhoneSnapshot>): PhoneSnapshot => ({
  status: 'completed',
  phoneNumber: '+491512345678',
  reason: null,
  cause: null,
  startedAt: 0,
  answeredAt: null,
  duration: 0,
  onHold: false,
  muted: false,
  accepted: false,
  media: 'none',
  hearsRemote: false,
  microphone: true,
  end: { why: 'server', code: null, retryAfter: null },
  ...changes,
});

describe('an end', () => {
  const told = (direction: 'incoming' | 'outgoing', changes: Partial<PhoneSnapshot>): string =>
    describePhoneEnd(direction, snapshot(changes), createTranslator('en')).title;
  const refused = (code: string): Partial<PhoneSnapshot> => ({ status: 'failed', end: { why: 'refused', code, retryAfter: null } });
  it.each<['incoming' | 'outgoing', Partial<PhoneSnapshot>, string]>([
    ['outgoing', { status: 'completed', duration: 7 }, 'Call ended'],
    ['outgoing', { status: 'busy' }, 'Busy'],
    ['outgoing', { status: 'no_answer' }, 'No answer'],
    ['incoming', { status: 'no_answer' }, 'Missed call'],
    ['incoming', { status: 'canceled' }, 'Missed call'],
    ['outgoing', { status: 'failed' }, 'The call failed'],
    ['outgoing', refused('number_not_allowed'), 'This number may not be called'],
    ['outgoing', refused('daily_limit'), 'A limit is reached'],
    ['outgoing', refused('in_another_call'), 'You are in another call'],
    ['outgoing', refused('provider_failed'), 'The call could not be placed'],
    ['outgoing', refused('no_such_code'), 'The call could not be placed'],
    ['outgoing', { end: { why: 'lost', code: null, retryAfter: null } }, 'Connection lost'],
  ])('of an %s call, %j, is %j', (direction, changes, expected) => expect(told(direction, changes)).toBe(expected));
  it('asks to call again only where that helps', () => {
    const again = (code: string): boolean => describePhoneEnd('outgoing', snapshot(refused(code)), createTranslator('ru')).again;
    expect(again('provider_failed')).toBe(true);
    expect(again('number_not_allowed')).toBe(false);
  });
});

describe('a call under way', () => {
  it('says that it is on hold, mending its sound, or being taken', () => {
    expect(phoneStateText(snapshot({ status: 'in_progress', onHold: true, media: 'lost' }))).toBe('phone.state.hold');
    expect(phoneStateText(snapshot({ status: 'in_progress', media: 'lost' }))).toBe('call.state.reconnecting');
    expect(phoneStateText(snapshot({ status: 'ringing' }))).toBe('phone.state.ringing');
    expect(phoneStateText(snapshot({ status: 'ringing', accepted: true }))).toBe('call.state.connecting');
  });
  it('takes digits of the keyboard, and no shortcuts', () => {
    const press = (key: string, ctrlKey = false): string | null => keyOf({ key, ctrlKey, altKey: false, metaKey: false });
    expect(press('5')).toBe('5');
    expect(press('#')).toBe('#');
    expect(press('m')).toBeNull();
    expect(press('5', true)).toBeNull();
  });
});
