// What lies over the pages while there is a phone call: it rings, one talks, it is over.
import type { ToneName } from '@zvonok/client';
import { useCallSurroundings } from '../call/surroundings';
import { formatNumber } from '../lib/phone';
import { useI18n, usePrefs } from '../state/app';
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
  const { ringTone } = usePrefs();
  const { phoneNumber } = current.snapshot;
  const name = phoneNumber === '' ? t('phone.withheld') : formatNumber(phoneNumber);
  const phase = phonePhase(current);
  useCallSurroundings({ phase, name, tone: phoneTone(current, ringTone), ringing: t('phone.incoming') });
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
