// One tile: the picture or the avatar, who it is, whether they speak, and how their connection is.
import { useEffect, useRef } from 'react';
import { observeView } from '@zvonok/client';
import type { Room } from '@zvonok/client';
import { lookOf } from '../call/quality';
import { cx } from '../lib/cx';
import { hueIndex } from '../lib/format';
import { StreamVideo } from '../media/Stream';
import { useI18n } from '../state/app';
import { togglePin } from '../state/rooms';
import { Avatar } from '../ui/Avatar';
import { Icon } from '../ui/Icon';
import { phoneStatusText } from './phones';
import { QualityBars } from './QualityBars';
import type { Tile } from './tiles';

interface TileViewProps {
  room: Room;
  tile: Tile;
  size: 'large' | 'grid' | 'small';
  pinned: boolean;
}

/** Large pictures go before small ones when there is not enough bandwidth for all. */
const priorities = { large: 2, grid: 1, small: 0 } as const;

export function TileView({ room, tile, size, pinned }: TileViewProps): JSX.Element {
  const { t } = useI18n();
  const box = useRef<HTMLElement>(null);
  const { trackId, name } = tile;
  useEffect(() => {
    const element = box.current;
    if (!element || trackId === null) return;
    return observeView(element, room.view(trackId), priorities[size]);
  }, [room, trackId, size]);
  const lost = tile.state === 'disconnected' || tile.state === 'failed';
  const shownName = tile.kind === 'screen' ? (tile.isSelf ? t('room.tile.own_screen') : t('room.tile.screen', { name })) : tile.isSelf ? t('room.tile.you', { name }) : name;
  const look = tile.isSelf || tile.kind === 'screen' ? null : lookOf(tile.quality === null ? null : { score: tile.quality });
  const status = tile.phone ? phoneStatusText(tile.phone) : null;
  const facing = tile.isSelf ? tile.stream?.getVideoTracks()[0]?.getSettings().facingMode : undefined;
  return (
    <article
      ref={box}
      className={cx(
        'tile',
        `tile-${size}`,
        `avatar-colour-${hueIndex(tile.phone ? tile.sessionId : tile.userId, 10)}`,
        status !== null && 'is-calling',
        tile.kind === 'screen' && 'tile-screen',
        tile.speaking && 'is-speaking',
        lost && 'is-lost',
      )}
      aria-label={shownName}
      data-testid={tile.kind === 'screen' ? 'room-screen-tile' : 'room-tile'}
      data-user={tile.userId}
      data-self={tile.isSelf}
      data-speaking={tile.speaking}
      data-phone={tile.phone?.status}
      data-muted={tile.muted}
    >
      {tile.stream ? (
        <StreamVideo
          stream={tile.stream}
          className="tile-video"
          mirrored={tile.isSelf && tile.kind === 'person' && facing !== 'environment'}
          label={shownName}
        />
      ) : (
        <div className="tile-avatar">
          {tile.kind === 'screen' ? (
            <span className="spinner" aria-hidden="true" />
          ) : tile.phone ? (
            <span className="tile-phone" aria-hidden="true">
              <Icon name="phone" size={size === 'small' ? 22 : 32} />
            </span>
          ) : (
            <Avatar id={tile.userId} name={name} size={size === 'small' ? 'medium' : 'huge'} />
          )}
        </div>
      )}
      <button
        type="button"
        className="tile-pin"
        aria-label={t(pinned ? 'room.unpin' : 'room.pin', { name: shownName })}
        title={t(pinned ? 'room.unpin' : 'room.pin', { name: shownName })}
        aria-pressed={pinned}
        onClick={() => togglePin(tile.key)}
      >
        <Icon name={pinned ? 'pin-off' : 'pin'} size={18} />
      </button>
      <p className="tile-caption">
        {tile.kind === 'person' && tile.muted && (
          <span className="tile-muted">
            <Icon name="mic-off" size={16} />
            <span className="visually-hidden">{t('call.portrait.muted')}</span>
          </span>
        )}
        {tile.kind === 'screen' && <Icon name="share" size={16} />}
        <span className="tile-name">{shownName}</span>
        {status && <span className="tile-status">{t(status)}</span>}
        {look && look.tone !== 'good' && look.tone !== 'unknown' && <QualityBars look={look} label={t(look.text)} />}
      </p>
      {lost && !tile.isSelf && (
        <p className="tile-lost">
          <span className="spinner" aria-hidden="true" />
          {t('room.tile.lost')}
        </p>
      )}
    </article>
  );
}
