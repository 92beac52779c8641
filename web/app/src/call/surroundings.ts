// What a call does around its own screen, whichever kind it is: tones, the title of the page, a notification, and the focus.
import { useEffect, useState } from 'react';
import type { ToneName } from '@zvonok/client';
import { restoreFocus } from '../lib/focus';
import { useWakeLock } from '../media/wakeLock';
import { useI18n, usePrefs } from '../state/app';
import { zvonok } from '../state/client';

export interface Surroundings {
  readonly phase: 'incoming' | 'call' | 'over';
  readonly name: string;
  readonly tone: ToneName | null;
  /** What the notification says of it while it rings. */
  readonly ringing: string;
}

export function useCallSurroundings({ phase, name, tone, ringing }: Surroundings): void {
  useTone(tone, phase === 'over');
  useVibration(tone === 'ring');
  useTitle(phase, name);
  useRingNotification(phase === 'incoming', name, ringing);
  useWakeLock(phase === 'call');
  // Where the focus was before the call: it returns there when the call is put away.
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => restoreFocus(before), [before]);
}

function useTone(tone: ToneName | null, over: boolean): void {
  useEffect(() => {
    if (!tone) return;
    zvonok.tones.play(tone);
    // The tones of an end are short and stop by themselves.
    return over ? undefined : () => zvonok.tones.stop();
  }, [tone, over]);
}

function useVibration(rings: boolean): void {
  useEffect(() => {
    // Browsers forbid it on a page that was never touched, and complain about the attempt.
    const allowed = navigator.userActivation?.hasBeenActive ?? true;
    if (!rings || !allowed || typeof navigator.vibrate !== 'function') return;
    const buzz = (): void => void navigator.vibrate([400, 200, 400]);
    buzz();
    const timer = window.setInterval(buzz, 2600);
    return () => {
      window.clearInterval(timer);
      navigator.vibrate(0);
    };
  }, [rings]);
}

function useTitle(phase: Surroundings['phase'], name: string): void {
  const { t } = useI18n();
  useEffect(() => {
    const before = document.title;
    if (phase === 'incoming') document.title = `● ${t('call.incoming.from', { name })}`;
    if (phase === 'call') document.title = t('call.with', { name });
    return () => {
      document.title = before;
    };
  }, [phase, name, t]);
}

function useRingNotification(rings: boolean, name: string, body: string): void {
  const { notifications } = usePrefs();
  useEffect(() => {
    if (!rings || !notifications || !document.hidden || !('Notification' in window)) return;
    if (Notification.permission !== 'granted') return;
    let note: Notification | null = null;
    try {
      note = new Notification(name, { body, icon: '/favicon.svg', tag: 'zvonok-incoming', requireInteraction: true });
      note.onclick = () => {
        window.focus();
        note?.close();
      };
    } catch {
      // Some phones have notifications only for service workers.
    }
    return () => note?.close();
  }, [rings, notifications, name, body]);
}
