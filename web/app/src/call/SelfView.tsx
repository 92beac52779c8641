// The own picture: docked in a corner, dragged or moved by arrow keys to another one.
import { useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import type { Call, LocalMedia } from '@zvonok/client';
import { StreamVideo } from '../media/Stream';
import { moveCorner, nearestCorner, type Corner } from '../lib/geometry';
import { cx } from '../lib/cx';
import { useI18n } from '../state/app';
import { Icon } from '../ui/Icon';

interface SelfViewProps {
  call: Call;
  local: LocalMedia;
  canFlip: boolean;
}

export function SelfView({ call, local, canFlip }: SelfViewProps): JSX.Element {
  const { t } = useI18n();
  const [corner, setCorner] = useState<Corner>('top-right');
  const box = useRef<HTMLDivElement>(null);
  const drag = useRef<{ x: number; y: number } | null>(null);

  // A mirrored back camera would turn what it shows the wrong way round.
  const facing = call.localStream.getVideoTracks()[0]?.getSettings().facingMode;

  const onPointerDown = (event: PointerEvent): void => {
    if (event.target instanceof Element && event.target.closest('button')) return;
    drag.current = { x: event.clientX, y: event.clientY };
    box.current?.setPointerCapture(event.pointerId);
    box.current?.classList.add('is-dragged');
  };
  const onPointerMove = (event: PointerEvent): void => {
    if (!drag.current || !box.current) return;
    box.current.style.setProperty('--drag-x', `${event.clientX - drag.current.x}px`);
    box.current.style.setProperty('--drag-y', `${event.clientY - drag.current.y}px`);
  };
  const onPointerEnd = (): void => {
    const element = box.current;
    const stage = element?.parentElement;
    if (!drag.current || !element || !stage) return;
    drag.current = null;
    const bounds = element.getBoundingClientRect();
    const area = stage.getBoundingClientRect();
    const middle = { x: bounds.left + bounds.width / 2 - area.left, y: bounds.top + bounds.height / 2 - area.top };
    setCorner(nearestCorner(middle, area));
    element.classList.remove('is-dragged');
    element.style.removeProperty('--drag-x');
    element.style.removeProperty('--drag-y');
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!event.key.startsWith('Arrow') || event.target !== event.currentTarget) return;
    event.preventDefault();
    setCorner(moveCorner(corner, event.key));
  };

  return (
    <div
      ref={box}
      className={cx('self', `self-${corner}`, local.screen && 'is-screen')}
      role="group"
      aria-label={t('call.self.move')}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerEnd}
      onPointerCancel={onPointerEnd}
      onKeyDown={onKeyDown}
    >
      <StreamVideo
        stream={call.localStream}
        className="self-video"
        mirrored={!local.screen && facing !== 'environment'}
        label={t('call.self')}
        testId="local-video"
      />
      {local.muted && (
        <span className="self-badge" aria-hidden="true">
          <Icon name="mic-off" size={16} />
        </span>
      )}
      {canFlip && local.video && !local.screen && (
        <button
          type="button"
          className="self-flip"
          aria-label={t('call.camera.flip')}
          title={t('call.camera.flip')}
          onClick={() => void call.flipCamera().catch(() => false)}
        >
          <Icon name="swap" size={18} />
        </button>
      )}
    </div>
  );
}
