// The phone call of this page: which one it is, what it looks like now, and what the user may do with it.
import type { PhoneCall, PhoneSnapshot } from '@zvonok/client';
import { createStore, useStore } from '../lib/store';
import { toE164 } from '../lib/phone';
import { currentI18n } from './app';
import { zvonok } from './client';
import { loadPhoneHistory } from './phoneHistory';
import { showToast } from './toasts';

export interface CurrentPhone {
  readonly call: PhoneCall;
  readonly snapshot: PhoneSnapshot;
  readonly deniedMicrophone: boolean;
}

export type PhonePhase = 'incoming' | 'call' | 'over';

const phoneStore = createStore<CurrentPhone | null>(null);

export const usePhone = (): CurrentPhone | null => useStore(phoneStore);
export const getPhone = (): CurrentPhone | null => phoneStore.get();

export function phonePhase({ call, snapshot }: CurrentPhone): PhonePhase {
  if (snapshot.end) return 'over';
  return call.direction === 'incoming' && !call.isHere ? 'incoming' : 'call';
}

export function isOnPhone(): boolean {
  const current = phoneStore.get();
  return current !== null && phonePhase(current) !== 'over';
}

function adopt(call: PhoneCall): void {
  const before = phoneStore.get();
  if (before && phonePhase(before) !== 'over') return; // a second one: the server lets it wait where that is allowed
  phoneStore.set({ call, snapshot: call.snapshot, deniedMicrophone: false });
  const update = (change: Partial<CurrentPhone>): void => {
    phoneStore.set((current) => (current?.call === call ? { ...current, ...change } : current));
  };
  call.on('change', (snapshot) => update({ snapshot }));
  call.on('warning', ({ code }) => {
    if (code === 'microphone-denied') update({ deniedMicrophone: true });
    else showToast(currentI18n().t('phone.warning.microphone'), 'bad');
  });
  call.on('end', () => {
    // Nothing is left to say of a call that another device has, or that one has turned away oneself.
    const { why } = call.snapshot.end ?? { why: 'server' };
    const turnedAway = call.snapshot.status === 'declined';
    if (why === 'elsewhere' || turnedAway) {
      phoneStore.set((current) => (current?.call === call ? null : current));
      if (why === 'elsewhere') showToast(currentI18n().t('phone.elsewhere'));
    } else {
      update({ snapshot: call.snapshot });
    }
    void loadPhoneHistory();
  });
}

zvonok.phone.on('call', adopt);

/** Calls it unless there is a call already. False: it is no number. */
export function dialNumber(typed: string): boolean {
  const number = toE164(typed);
  if (number === '' || isOnPhone()) return false;
  zvonok.phone.dial(number);
  return true;
}

export async function acceptPhone(): Promise<void> {
  const current = phoneStore.get();
  if (!current || phonePhase(current) !== 'incoming') return;
  try {
    const taken = current.call.accept();
    // It is this page's from here on: the screen of the call, not of the ringing.
    phoneStore.set((now) => (now?.call === current.call ? { ...now } : now));
    await taken;
  } catch {
    phoneStore.set((now) => (now?.call === current.call ? { ...now } : now));
    if (!current.call.isOver) showToast(currentI18n().t('phone.error.accept'), 'bad');
  }
}

export function declinePhone(): void {
  phoneStore.get()?.call.decline();
}

export function hangUpPhone(): void {
  phoneStore.get()?.call.hangup();
}

export function dismissPhone(): void {
  phoneStore.set((current) => (current && phonePhase(current) === 'over' ? null : current));
}

export async function togglePhoneMuted(): Promise<void> {
  const call = phoneStore.get()?.call;
  if (call && !call.isOver) await call.setMuted(!call.snapshot.muted).catch(complain);
}

export async function togglePhoneHold(): Promise<void> {
  const call = phoneStore.get()?.call;
  if (call && !call.isOver) await call.setHold(!call.snapshot.onHold).catch(complain);
}

export function pressPhoneKey(digit: string): void {
  const call = phoneStore.get()?.call;
  zvonok.tones.key(digit);
  if (call && !call.isOver) void call.sendDigits(digit).catch(complain);
}

function complain(): void {
  if (isOnPhone()) showToast(currentI18n().t('error.generic'), 'bad');
}
