// A telephone calls: which one, and two ways to answer.
import { useRef } from 'react';
import { AnswerButton } from '../call/IncomingScreen';
import { useFocusTrap } from '../lib/focus';
import { useI18n } from '../state/app';
import { acceptPhone, declinePhone } from '../state/phone';
import { PhoneFace } from './PhoneFace';
import type { PhoneViewProps } from './PhoneLayer';

export function PhoneIncoming({ name }: PhoneViewProps): JSX.Element {
  const { t } = useI18n();
  const box = useRef<HTMLDivElement>(null);
  useFocusTrap(box, 'self');
  return (
    <div className="incoming-backdrop">
      <div
        ref={box}
        className="incoming"
        role="alertdialog"
        aria-modal="true"
        aria-labelledby="phone-incoming-name"
        aria-describedby="phone-incoming-kind"
        tabIndex={-1}
        data-testid="phone-incoming"
      >
        <span className="ringing-avatar">
          <PhoneFace size="large" />
        </span>
        <div className="incoming-words">
          <h2 id="phone-incoming-name" className="numbers">
            {name}
          </h2>
          <p id="phone-incoming-kind">{t('phone.incoming')}</p>
        </div>
        <div className="incoming-actions phone-incoming-actions">
          <AnswerButton
            icon="hangup"
            kind="decline"
            text={t('call.decline')}
            label={t('call.decline')}
            onClick={declinePhone}
            testId="phone-decline"
          />
          <AnswerButton
            icon="phone"
            kind="audio"
            text={t('phone.accept')}
            label={t('phone.accept')}
            onClick={() => void acceptPhone()}
            testId="phone-accept"
          />
        </div>
      </div>
    </div>
  );
}
