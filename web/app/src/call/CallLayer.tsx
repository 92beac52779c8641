// What lies over the pages while there is a call: ringing, talking, over.
import type { ToneName } from '@zvonok/client';
import { callPhase, useCall, type CurrentCall } from '../state/calls';
import { usePerson } from '../state/directory';
import { usePrefs, useI18n } from '../state/app';
import { useSession } from '../state/session';
import { CallScreen } from './CallScreen';
import { EndedScreen } from './EndedScreen';
import { IncomingScreen } from './IncomingScreen';
import { useCallSurroundings } from './surroundings';

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
  const { ringTone } = usePrefs();
  const person = usePerson(current.call.peerUserId);
  const name = person.name ?? t('history.unknown');
  const phase = callPhase(current);
  useCallSurroundings({
    phase,
    name,
    tone: toneOf(current, ringTone),
    ringing: t(current.call.offeredVideo ? 'call.incoming.video' : 'call.incoming.audio'),
  });
  return (
    <>
      {phase === 'incoming' && <IncomingScreen current={current} name={name} />}
      {phase === 'call' && <CallScreen current={current} name={name} selfId={user?.id ?? ''} selfName={user?.name ?? ''} />}
      {phase === 'over' && <EndedScreen current={current} name={name} />}
    </>
  );
}

function toneOf({ call, snapshot }: CurrentCall, ringTone: boolean): ToneName | null {
  if (call.direction === 'incoming' && snapshot.state === 'ringing' && ringTone) return 'ring';
  const { end } = snapshot;
  if (end) {
    if (end.reason === 'busy') return 'busy';
    const heard = snapshot.answeredAt !== null || (call.direction === 'outgoing' && end.by !== 'local');
    return heard ? 'ended' : null;
  }
  if (snapshot.state === 'reconnecting') return 'reconnecting';
  return call.direction === 'outgoing' && snapshot.state === 'ringing' ? 'ringback' : null;
}
