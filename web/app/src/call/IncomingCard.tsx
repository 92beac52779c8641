// The card of whoever calls, a person or a telephone: a face, who it is, and the ways to answer.
import { useRef, type ReactNode } from 'react';
import { useFocusTrap } from '../lib/focus';
import { cx } from '../lib/cx';
import { Icon, type IconName } from '../ui/Icon';

interface IncomingCardProps {
  /** Of the ids within it. */
  id: string;
  face: ReactNode;
  name: string;
  /** The name is a number. */
  numbers?: boolean;
  kind: string;
  actionsClass?: string;
  testId?: string;
  children: ReactNode;
}

export function IncomingCard({ id, face, name, numbers, kind, actionsClass, testId, children }: IncomingCardProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useFocusTrap(box, 'self');
  return (
    <div className="incoming-backdrop">
      <div
        ref={box}
        className="incoming"
        role="alertdialog"
        aria-modal="true"
        aria-labelledby={`${id}-name`}
        aria-describedby={`${id}-kind`}
        tabIndex={-1}
        data-testid={testId}
      >
        <span className="ringing-avatar">{face}</span>
        <div className="incoming-words">
          <h2 id={`${id}-name`} className={numbers ? 'numbers' : undefined}>
            {name}
          </h2>
          <p id={`${id}-kind`}>{kind}</p>
        </div>
        <div className={cx('incoming-actions', actionsClass)}>{children}</div>
      </div>
    </div>
  );
}

interface AnswerButtonProps {
  icon: IconName;
  kind: 'decline' | 'audio' | 'video';
  text: string;
  label?: string;
  onClick: () => void;
  testId: string;
}

export function AnswerButton({ icon, kind, text, label = text, onClick, testId }: AnswerButtonProps): JSX.Element {
  return (
    <button type="button" className={cx('answer', `answer-${kind}`)} aria-label={label} onClick={onClick} data-testid={testId}>
      <span className="answer-circle">
        <Icon name={icon} size={28} />
      </span>
      <span className="answer-text">{text}</span>
    </button>
  );
}
