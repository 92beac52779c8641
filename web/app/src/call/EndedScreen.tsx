// The call is over: why, and what may come next.
import { useEffect, useRef } from 'react';
import { useFocusTrap } from '../lib/focus';
import { dismissCall, startCall } from '../state/calls';
import { useI18n } from '../state/app';
import { Avatar } from '../ui/Avatar';
import { Button } from '../ui/Button';
import { cx } from '../lib/cx';
import { hueIndex } from '../lib/format';
import { describeEnd } from './ended';
import type { CallViewProps } from './CallLayer';

const fleetingMs = 8000;

export function EndedScreen({ current, name }: CallViewProps): JSX.Element | null {
  const translator = useI18n();
  const { t } = translator;
  const box = useRef<HTMLDivElement>(null);
  const { call, snapshot } = current;
  const { end, answeredAt, endedAt } = snapshot;
  useFocusTrap(box, 'self');
  const words = end
    ? describeEnd(
        {
          end,
          direction: call.direction,
          seconds: answeredAt === null ? null : Math.floor(((endedAt ?? answeredAt) - answeredAt) / 1000),
          deniedMicrophone: current.deniedMicrophone,
        },
        translator,
      )
    : null;
  const fleeting = words?.fleeting ?? false;
  useEffect(() => {
    if (!fleeting) return;
    const timer = window.setTimeout(dismissCall, fleetingMs);
    return () => window.clearTimeout(timer);
  }, [fleeting]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') dismissCall();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  if (!end || !words) return null;
  return (
    <div
      ref={box}
      className={cx('stage', 'stage-still', `avatar-colour-${hueIndex(call.peerUserId, 10)}`)}
      role="dialog"
      aria-modal="true"
      aria-labelledby="ended-title"
      tabIndex={-1}
      data-testid="call-ended"
      data-reason={end.reason}
    >
      <div className="stage-person">
        <Avatar id={call.peerUserId} name={name} size="huge" />
        <p className="stage-name">{name}</p>
        <div className="ended-words" role="status">
          <h2 id="ended-title">{words.title}</h2>
          {words.text && <p>{words.text}</p>}
          {end.message && end.by === 'remote' && <p className="ended-message">{end.message}</p>}
        </div>
      </div>
      <div className="ended-actions">
        {words.again && (
          <Button
            look="primary"
            icon={current.kind === 'video' ? 'video' : 'phone'}
            onClick={() => startCall(call.peerUserId, current.kind)}
            data-testid="call-again"
          >
            {t(call.direction === 'incoming' && answeredAt === null ? 'call.back' : 'call.again')}
          </Button>
        )}
        <Button look="quiet" onClick={dismissCall} data-testid="call-close">
          {t('call.close')}
        </Button>
      </div>
    </div>
  );
}
