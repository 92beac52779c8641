// What lies over the pages while there is a call: ringing, talking, over.
import { useEffect, useState } from 'react';
import type { ToneName } from '@zvonok/client';
import { callPhase, useCall, type CurrentCall } from '../state/calls';
import { usePerson } from '../state/directory';
import { currentI18n, usePrefs, useI18n } from '../state/app';
import { useSession } from '../state/session';
import { zvonok } from '../state/client';
import { restoreFocus } from '../lib/focus';
import { useWakeLock } from '../media/wakeLock';
import { CallScreen } from './CallScreen';
import { EndedScreen } from './EndedScreen';
import { IncomingScreen } from './IncomingScreen';

export interface CallViewProps {
  current: CurrentCall;
  name: string;
}

export function CallLayer(): JSX.Element | null {
  const current = useCall();
  return current ? <CallView key={current.call.localId} current={current} /> : null;
}

function CallView({ current }: { current: CurrentCall }): JSX.Element {
  const { t } = useI18n();
  const { user } = useSession();
  const person = usePerson(current.call.peerUserId);
  const name = person.name ?? t('history.unknown');
  const phase = callPhase(current);
  useCallSounds(current);
  useCallTitle(current, name);
  useIncomingNotification(current, name);
  useWakeLock(phase === 'call');
  // Where the focus was before the call: it returns there when the call is put away.
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => restoreFocus(before), [before]);
  return (
    <>
      {phase === 'incoming' && <IncomingScreen current={current} name={name} />}
      {phase === 'call' && <CallScreen current={current} name={name} selfId={user?.id ?? ''} selfName={user?.name ?? ''} />}
      {phase === 'over' && <EndedScreen current={current} name={name} />}
    </>
  );
}

function useCallSounds({ call, snapshot }: CurrentCall): void {
  const { ringTone } = usePrefs();
  const { state, end } = snapshot;
  const rings = call.direction === 'incoming' && state === 'ringing' && ringTone;
  const tone = toneOf({ call, snapshot }, rings);
  useEffect(() => {
    if (!tone) return;
    zvonok.tones.play(tone);
    // The tones of an end are short and stop by themselves.
    return end ? undefined : () => zvonok.tones.stop();
  }, [tone, end]);
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

function toneOf({ call, snapshot }: Pick<CurrentCall, 'call' | 'snapshot'>, rings: boolean): ToneName | null {
  if (rings) return 'ring';
  const { end } = snapshot;
  if (end) {
    if (end.reason === 'busy') return 'busy';
    const heard = snapshot.answeredAt !== null || (call.direction === 'outgoing' && end.by !== 'local');
    return heard ? 'ended' : null;
  }
  if (snapshot.state === 'reconnecting') return 'reconnecting';
  return call.direction === 'outgoing' && snapshot.state === 'ringing' ? 'ringback' : null;
}

function useCallTitle(current: CurrentCall, name: string): void {
  const { t } = useI18n();
  const phase = callPhase(current);
  useEffect(() => {
    const before = document.title;
    if (phase === 'incoming') document.title = `● ${t('call.incoming.from', { name })}`;
    if (phase === 'call') document.title = t('call.with', { name });
    return () => {
      document.title = before;
    };
  }, [phase, name, t]);
}

function useIncomingNotification(current: CurrentCall, name: string): void {
  const { notifications } = usePrefs();
  const rings = callPhase(current) === 'incoming';
  const video = current.call.offeredVideo;
  const [shown] = useState<{ note: Notification | null }>({ note: null });
  useEffect(() => {
    if (!rings || !notifications || !document.hidden || !('Notification' in window)) return;
    if (Notification.permission !== 'granted') return;
    try {
      const { t } = currentI18n();
      const note = new Notification(name, {
        body: t(video ? 'call.incoming.video' : 'call.incoming.audio'),
        icon: '/favicon.svg',
        tag: 'zvonok-incoming',
        requireInteraction: true,
      });
      note.onclick = () => {
        window.focus();
        note.close();
      };
      shown.note = note;
    } catch {
      // Some phones have notifications only for service workers.
    }
    return () => {
      shown.note?.close();
      shown.note = null;
    };
  }, [rings, notifications, name, video, shown]);
}
