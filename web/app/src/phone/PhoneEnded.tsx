// The phone call is over: why, and what may come next.
import { useEffect, useRef } from 'react';
import { useFocusTrap } from '../lib/focus';
import { cx } from '../lib/cx';
import { useI18n } from '../state/app';
import { dialNumber, dismissPhone } from '../state/phone';
import { Button } from '../ui/Button';
import { describePhoneEnd } from './ended';
import { PhoneFace } from './PhoneFace';
import type { PhoneViewProps } from './PhoneLayer';

const fleetingMs = 5000;

export function PhoneEnded({ current, name }: PhoneViewProps): JSX.Element {
  const translator = useI18n();
  const { t } = translator;
  const box = useRef<HTMLDivElement>(null);
  const { call, snapshot } = current;
  useFocusTrap(box, 'self');
  const words = describePhoneEnd(call.direction, snapshot, translator);
  const { fleeting } = words;
  useEffect(() => {
    if (!fleeting) return;
    const timer = window.setTimeout(dismissPhone, fleetingMs);
    return () => window.clearTimeout(timer);
  }, [fleeting]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') dismissPhone();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  const again = words.again && snapshot.phoneNumber !== '';
  return (
    <div
      ref={box}
      className={cx('stage', 'stage-still', 'phone-stage')}
      role="dialog"
      aria-modal="true"
      aria-labelledby="phone-ended-title"
      tabIndex={-1}
      data-testid="phone-ended"
      data-status={snapshot.status}
      data-why={snapshot.end?.why}
    >
      <div className="stage-person">
        <PhoneFace size="huge" />
        <p className="stage-name numbers">{name}</p>
        <div className="ended-words" role="status">
          <h2 id="phone-ended-title">{words.title}</h2>
          {words.text && <p>{words.text}</p>}
          {current.deniedMicrophone && <p className="ended-message">{t('phone.denied')}</p>}
        </div>
      </div>
      <div className="ended-actions">
        {again && (
          <Button
            look="primary"
            icon="phone"
            onClick={() => {
              dismissPhone();
              dialNumber(snapshot.phoneNumber);
            }}
            data-testid="phone-again"
          >
            {t(call.direction === 'incoming' ? 'call.back' : 'call.again')}
          </Button>
        )}
        <Button look="quiet" onClick={dismissPhone} data-testid="phone-close">
          {t('call.close')}
        </Button>
      </div>
    </div>
  );
}
