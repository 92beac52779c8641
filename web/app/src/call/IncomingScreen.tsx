// Somebody calls: who, how, and three ways to answer.
import { acceptCall, declineCall } from '../state/calls';
import { useI18n } from '../state/app';
import { Avatar } from '../ui/Avatar';
import { AnswerButton, IncomingCard } from './IncomingCard';
import type { CallViewProps } from './CallLayer';

export function IncomingScreen({ current: { call }, name }: CallViewProps): JSX.Element {
  const { t } = useI18n();
  return (
    <IncomingCard
      id="incoming"
      face={<Avatar id={call.peerUserId} name={name} size="large" />}
      name={name}
      kind={t(call.offeredVideo ? 'call.incoming.video' : 'call.incoming.audio')}
    >
      <AnswerButton icon="hangup" kind="decline" text={t('call.decline')} onClick={declineCall} testId="incoming-decline" />
      <AnswerButton
        icon="phone"
        kind="audio"
        text={t('call.accept.audio')}
        label={t('call.accept.audio.label')}
        onClick={() => void acceptCall('audio')}
        testId="incoming-accept-audio"
      />
      <AnswerButton
        icon="video"
        kind="video"
        text={t('call.accept.video')}
        label={t('call.accept.video.label')}
        onClick={() => void acceptCall('video')}
        testId="incoming-accept-video"
      />
    </IncomingCard>
  );
}
