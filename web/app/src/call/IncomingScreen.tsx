// Somebody calls: who, how, and three ways to answer.
import { useRef } from 'react';
import { useFocusTrap } from '../lib/focus';
import { acceptCall, declineCall } from '../state/calls';
import { useI18n } from '../state/app';
import { Avatar } from '../ui/Avatar';
import { Icon, type IconName } from '../ui/Icon';
import { cx } from '../lib/cx';
import type { CallViewProps } from './CallLayer';

export function IncomingScreen({ current, name }: CallViewProps): JSX.Element {
  const { t } = useI18n();
  const box = useRef<HTMLDivElement>(null);
  const { call } = current;
  useFocusTrap(box, 'self');
  return (
    <div className="incoming-backdrop">
      <div
        ref={box}
        className="incoming"
        role="alertdialog"
        aria-modal="true"
        aria-labelledby="incoming-name"
        aria-describedby="incoming-kind"
        tabIndex={-1}
      >
        <span className="ringing-avatar">
          <Avatar id={call.peerUserId} name={name} size="large" />
        </span>
        <div className="incoming-words">
          <h2 id="incoming-name">{name}</h2>
          <p id="incoming-kind">{t(call.offeredVideo ? 'call.incoming.video' : 'call.incoming.audio')}</p>
        </div>
        <div className="incoming-actions">
          <AnswerButton
            icon="hangup"
            kind="decline"
            text={t('call.decline')}
            label={t('call.decline')}
            onClick={declineCall}
            testId="incoming-decline"
          />
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
        </div>
      </div>
    </div>
  );
}

interface AnswerButtonProps {
  icon: IconName;
  kind: 'decline' | 'audio' | 'video';
  text: string;
  label: string;
  onClick: () => void;
  testId: string;
}

export function AnswerButton({ icon, kind, text, label, onClick, testId }: AnswerButtonProps): JSX.Element {
  return (
    <button type="button" className={cx('answer', `answer-${kind}`)} aria-label={label} onClick={onClick} data-testid={testId}>
      <span className="answer-circle">
        <Icon name={icon} size={28} />
      </span>
      <span className="answer-text">{text}</span>
    </button>
  );
}
