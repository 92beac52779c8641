// Out of the room: why, and what may be done about it.
import { useRef } from 'react';
import { useFocusTrap } from '../lib/focus';
import { hueIndex } from '../lib/format';
import { cx } from '../lib/cx';
import { useI18n } from '../state/app';
import { closeRoomPage, tryAgain, type CurrentRoom } from '../state/rooms';
import { Avatar } from '../ui/Avatar';
import { Button } from '../ui/Button';
import { describeRoomEnd } from './ended';

export function RoomEnded({ current, title }: { current: CurrentRoom; title: string }): JSX.Element | null {
  const { t } = useI18n();
  const box = useRef<HTMLDivElement>(null);
  useFocusTrap(box, 'self');
  const { end } = current.snapshot;
  if (!end) return null;
  const words = describeRoomEnd(current.address.kind, end.reason);
  return (
    <div
      ref={box}
      className={cx('stage', 'stage-still', `avatar-colour-${hueIndex(current.address.id, 10)}`)}
      role="dialog"
      aria-modal="true"
      aria-labelledby="room-ended-title"
      tabIndex={-1}
      data-testid="room-ended"
      data-reason={end.reason}
    >
      <div className="stage-person">
        <Avatar id={current.address.id} name={title} size="huge" />
        <p className="stage-name">{title}</p>
        <div className="ended-words" role="status">
          <h2 id="room-ended-title">{t(words.title)}</h2>
          <p>{t(words.text)}</p>
        </div>
      </div>
      <div className="ended-actions">
        {words.again && (
          <Button look="primary" icon="video" onClick={tryAgain} data-testid="room-again">
            {t('room.end.again')}
          </Button>
        )}
        <Button look="quiet" onClick={closeRoomPage} data-testid="room-close">
          {t('call.close')}
        </Button>
      </div>
    </div>
  );
}
