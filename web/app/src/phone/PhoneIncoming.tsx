// A telephone calls: which one, and two ways to answer.
import { AnswerButton, IncomingCard } from '../call/IncomingCard';
import { useI18n } from '../state/app';
import { acceptPhone, declinePhone } from '../state/phone';
import { PhoneFace } from './PhoneFace';
import type { PhoneViewProps } from './PhoneLayer';

export function PhoneIncoming({ name }: PhoneViewProps): JSX.Element {
  const { t } = useI18n();
  return (
    <IncomingCard
      id="phone-incoming"
      face={<PhoneFace size="large" />}
      name={name}
      numbers
      kind={t('phone.incoming')}
      actionsClass="phone-incoming-actions"
      testId="phone-incoming"
    >
      <AnswerButton icon="hangup" kind="decline" text={t('call.decline')} onClick={declinePhone} testId="phone-decline" />
      <AnswerButton icon="phone" kind="audio" text={t('phone.accept')} onClick={() => void acceptPhone()} testId="phone-accept" />
    </IncomingCard>
  );
}
