// What lies over the pages while there is a phone call: it rings, one talks, it is over.
import { useEffect, useState } from 'react';
import type { ToneName } from '@zvonok/client';
import { restoreFocus } from '../lib/focus';
import { formatNumber } from '../lib/phone';
import { useWakeLock } from '../media/wakeLock';
import { useI18n, usePrefs } from '../state/app';
import { zvonok } from '../state/client';
import { phonePhase, usePhone, type CurrentPhone } from '../state/phone';
import { PhoneEnded } from './PhoneEnded';
import { PhoneIncoming } from './PhoneIncoming';
import { PhoneStage } from './PhoneStage';

export interface PhoneViewProps {
  current: CurrentPhone;
  name: string;
}

export function PhoneLayer(): JSX.Element | null {
  const current = usePhone();
  return current ? <PhoneView key={current.call.localId} current={current} /> : null;
}

function PhoneView({ current }: { current: CurrentPhone }): JSX.Element {
  const { t } = useI18n();
  const { phoneNumber } = current.snapshot;
  const name = phoneNumber === '' ? t('phone.withheld') : formatNumber(phoneNumber);
  const phase = phonePhase(current);
  usePhoneSounds(current);
  usePhoneTitle(current, name);
  useRingNotification(current, name);
  useWakeLock(phase === 'call');
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => restoreFocus(before), [before]);
  return (
    <>
      {phase === 'incoming' && <PhoneIncoming current={current} name={name} />}
      {phase === 'call' && <PhoneStage current={current} name={name} />}
      {phase === 'over' && <PhoneEnded current={current} name={name} />}
    </>
  );
}

/** An exchange that sends its own tones is listened to instead. */
export function phoneTone(current: CurrentPhone, ringTone: boolean): ToneName | null {
  const { call, snapshot } = current;
  const { status, end } = snapshot;
  if (phonePhase(current) === 'incoming') return ringTone ? 'ring' : null;
  if (end) {
    if (status === 'busy') return 'busy';
    if (end.why === 'server' && status === 'completed') return 'ended';
    return call.direction === 'outgoing' && (status === 'failed' || status === 'no_answer') ? 'ended' : null;
  }
  if (snapshot.media === 'lost') return 'reconnecting';
  return call.direction === 'outgoing' && status === 'ringing' && !snapshot.hearsRemote ? 'ringback' : null;
}

function usePhoneSounds(current: CurrentPhone): void {
  const { ringTone } = usePrefs();
  const tone = phoneTone(current, ringTone);
  const over = current.snapshot.end !== null;
  const rings = tone === 'ring';
  useEffect(() => {
    if (!tone) return;
    zvonok.tones.play(tone);
    // The tones of an end are short and stop by themselves.
    return over ? undefined : () => zvonok.tones.stop();
  }, [tone, over]);
  useEffect(() => {
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

function usePhoneTitle(current: CurrentPhone, name: string): void {
  const { t } = useI18n();
  const phase = phonePhase(current);
  useEffect(() => {
    const before = document.title;
    if (phase === 'incoming') document.title = `● ${t('call.incoming.from', { name })}`;
    if (phase === 'call') document.title = t('call.with', { name });
    return () => {
      document.title = before;
    };
  }, [phase, name, t]);
}

function useRingNotification(current: CurrentPhone, name: string): void {
  const { notifications } = usePrefs();
  const { t } = useI18n();
  const rings = phonePhase(current) === 'incoming';
  useEffect(() => {
    if (!rings || !notifications || !document.hidden || !('Notification' in window)) return;
    if (Notification.permission !== 'granted') return;
    let note: Notification | null = null;
    try {
      note = new Notification(name, {
        body: t('phone.incoming'),
        icon: '/favicon.svg',
        tag: 'zvonok-incoming',
        requireInteraction: true,
      });
      note.onclick = () => {
        window.focus();
        note?.close();
      };
    } catch {
      // Some phones have notifications only for service workers.
    }
    return () => note?.close();
  }, [rings, notifications, name, t]);
}
