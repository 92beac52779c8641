// The call of this page: which one it is, what it looks like now, and what the user may do with it.
import { CallError } from '@zvonok/client';
import type { Call, CallSnapshot, WarningCode } from '@zvonok/client';
import type { PlainKey } from '../i18n';
import { createStore, useStore } from '../lib/store';
import { currentI18n } from './app';
import { zvonok } from './client';
import { learnPerson, loadHistory } from './directory';
import { isOnPhone, phonePhase, usePhone } from './phone';
import { showToast } from './toasts';

export type CallKind = 'audio' | 'video';

export interface CurrentCall {
  readonly call: Call;
  readonly snapshot: CallSnapshot;
  /** How it was begun: "call again" repeats it. */
  readonly kind: CallKind;
  readonly deniedMicrophone: boolean;
}

export type CallPhase = 'incoming' | 'call' | 'over';

const callStore = createStore<CurrentCall | null>(null);

export const useCall = (): CurrentCall | null => useStore(callStore);

export function getCall(): CurrentCall | null {
  return callStore.get();
}

/** A call is going on: no second one can be begun. */
export function useCallBusy(): boolean {
  const current = useCall();
  const phone = usePhone();
  return (current !== null && callPhase(current) !== 'over') || (phone !== null && phonePhase(phone) !== 'over');
}

export function callPhase({ call, snapshot }: Pick<CurrentCall, 'snapshot'> & { call: Pick<Call, 'direction'> }): CallPhase {
  switch (snapshot.state) {
    case 'ended':
    case 'rejected':
    case 'error':
      return 'over';
    case 'ringing':
      return call.direction === 'incoming' ? 'incoming' : 'call';
    case 'idle':
    case 'initiating':
    case 'accepting':
    case 'connecting':
    case 'active':
    case 'reconnecting':
      return 'call';
  }
}

export const warningTexts: Readonly<Partial<Record<WarningCode, PlainKey>>> = {
  'microphone-denied': 'media.mic.denied',
  'microphone-missing': 'media.mic.missing',
  'microphone-busy': 'media.mic.busy',
  'microphone-failed': 'media.mic.failed',
  'microphone-ended': 'media.mic.ended',
  'camera-denied': 'media.camera.denied',
  'camera-missing': 'media.camera.missing',
  'camera-busy': 'media.camera.busy',
  'camera-failed': 'media.camera.failed',
  'camera-ended': 'media.camera.ended',
  'screen-failed': 'media.screen_failed',
  'insecure-context': 'media.insecure',
  // screen-denied: the user has just pressed "cancel" and knows it.
};

function adopt(call: Call): void {
  callStore.set({
    call,
    snapshot: call.snapshot,
    kind: call.offeredVideo || call.local.video ? 'video' : 'audio',
    deniedMicrophone: false,
  });
  learnPerson(call.peerUserId);
  const update = (change: Partial<CurrentCall>): void => {
    callStore.set((current) => (current?.call === call ? { ...current, ...change } : current));
  };
  call.on('change', (snapshot) => update({ snapshot }));
  call.on('warning', ({ code }) => {
    if (code === 'microphone-denied') update({ deniedMicrophone: true });
    const text = warningTexts[code];
    if (text) showToast(currentI18n().t(text), 'bad');
  });
  call.on('end', () => {
    update({ snapshot: call.snapshot });
    void loadHistory();
  });
}

zvonok.calls.on('call', adopt);

export function startCall(userId: string, kind: CallKind): void {
  if (isOnPhone()) return showToast(currentI18n().t('call.in_progress'), 'bad');
  try {
    const call = zvonok.calls.call(userId, { audio: true, video: kind === 'video' });
    if (callStore.get()?.call !== call) adopt(call);
    callStore.set((current) => (current?.call === call ? { ...current, kind } : current));
  } catch (error) {
    const busy = error instanceof CallError && error.code === 'busy';
    showToast(currentI18n().t(busy ? 'call.in_progress' : 'error.generic'), 'bad');
  }
}

export async function acceptCall(kind: CallKind): Promise<void> {
  const current = callStore.get();
  if (!current || callPhase(current) !== 'incoming') return;
  callStore.set({ ...current, kind });
  await current.call.accept({ audio: true, video: kind === 'video' }).catch(() => undefined);
}

export function declineCall(): void {
  callStore.get()?.call.decline();
}

export function hangUp(): void {
  callStore.get()?.call.hangup();
}

/** Leaves the "call ended" screen. */
export function dismissCall(): void {
  callStore.set((current) => (current && callPhase(current) === 'over' ? null : current));
}

export function toggleMuted(): void {
  callStore.get()?.call.toggleMuted();
}

export async function toggleCamera(): Promise<void> {
  const call = callStore.get()?.call;
  if (call && !call.isOver) await call.setCamera(!call.local.video).catch(() => false);
}

export const canShareScreen = typeof navigator.mediaDevices?.getDisplayMedia === 'function';

export async function toggleShare(): Promise<void> {
  const call = callStore.get()?.call;
  if (!call || call.isOver) return;
  if (call.local.screen) await call.stopScreenShare().catch(() => undefined);
  else if (canShareScreen) await call.startScreenShare().catch(() => false);
}
