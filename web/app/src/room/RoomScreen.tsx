// The room itself: who is there, what they show, and the controls below.
import { useEffect, useRef, useState } from 'react';
import { QualityButton } from '../call/QualityButton';
import { toggleFullscreen, useFullscreen } from '../call/useFullscreen';
import { useFocusTrap } from '../lib/focus';
import { cx } from '../lib/cx';
import { useStore } from '../lib/store';
import { useI18n } from '../state/app';
import { useCall } from '../state/calls';
import { openHelp } from '../state/help';
import { layoutStore, panelStore, toggleLayout, type CurrentRoom } from '../state/rooms';
import { Button } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { Timer } from '../ui/Timer';
import { CopyLink } from './CopyLink';
import { EncryptionButton } from './EncryptionButton';
import { PeoplePanel } from './PeoplePanel';
import { RoomControls } from './RoomControls';
import { Scene } from './Scene';

interface RoomScreenProps {
  current: CurrentRoom;
  title: string;
  /** The browser wants a touch before it plays. */
  unlock: (() => void) | null;
}

export function RoomScreen({ current, title, unlock }: RoomScreenProps): JSX.Element {
  const { t } = useI18n();
  const stage = useRef<HTMLDivElement>(null);
  const panel = useStore(panelStore);
  const call = useCall();
  const { snapshot } = current;
  const { state, participants } = snapshot;
  useFocusTrap(stage, 'self');
  useEffect(() => {
    stage.current?.toggleAttribute('inert', call !== null);
  }, [call]);
  return (
    <div
      ref={stage}
      className={cx('stage', 'room', panel && 'has-panel')}
      role="dialog"
      aria-modal="true"
      aria-label={title}
      tabIndex={-1}
      data-testid="room-screen"
      data-state={state}
      data-media={snapshot.media}
    >
      <RoomHeader current={current} title={title} />
      <RoomBanner current={current} />
      <div className="room-body">
        <div className="room-main">
          {state === 'joining' ? (
            <p className="room-joining" role="status">
              <span className="spinner" aria-hidden="true" />
              {t('room.joining')}
            </p>
          ) : (
            <>
              {participants.length === 0 && <Alone current={current} />}
              <Scene current={current} />
            </>
          )}
          {unlock && (
            <div className="stage-unlock">
              <Button look="primary" icon="speaker" onClick={unlock}>
                {t('room.sound.unlock')}
              </Button>
            </div>
          )}
        </div>
        {panel && <PeoplePanel current={current} />}
      </div>
      <RoomControls current={current} />
      <Announcements current={current} />
    </div>
  );
}

function RoomHeader({ current, title }: { current: CurrentRoom; title: string }): JSX.Element {
  const { t } = useI18n();
  const fullscreen = useFullscreen();
  const layout = useStore(layoutStore);
  const { snapshot } = current;
  return (
    <header className="stage-top room-top">
      <div className="stage-who">
        <h1 className="stage-title" tabIndex={-1}>
          {snapshot.locked && <Icon name="lock" size={16} />}
          <span>{title}</span>
        </h1>
        <p className="room-facts">
          <Timer since={snapshot.joinedAt} label={t('room.timer')} />
          <span data-testid="room-count">{t('room.count', { count: snapshot.participants.length + 1 })}</span>
        </p>
      </div>
      <div className="stage-tools">
        <EncryptionButton snapshot={snapshot} />
        <QualityButton quality={snapshot.quality} cameraOn={snapshot.local.video} />
        <button
          type="button"
          className="stage-button"
          aria-label={t(layout === 'grid' ? 'room.layout.speaker' : 'room.layout.grid')}
          title={`${t(layout === 'grid' ? 'room.layout.speaker' : 'room.layout.grid')} (L)`}
          aria-keyshortcuts="L"
          onClick={toggleLayout}
          data-testid="room-layout"
        >
          <Icon name={layout === 'grid' ? 'spotlight' : 'grid'} />
        </button>
        {fullscreen.possible && (
          <button
            type="button"
            className="stage-button room-fullscreen"
            aria-label={t(fullscreen.on ? 'call.fullscreen.exit' : 'call.fullscreen')}
            title={`${t(fullscreen.on ? 'call.fullscreen.exit' : 'call.fullscreen')} (F)`}
            aria-keyshortcuts="F"
            onClick={toggleFullscreen}
          >
            <Icon name={fullscreen.on ? 'shrink' : 'expand'} />
          </button>
        )}
        <button type="button" className="stage-button stage-help" aria-label={t('help.open')} title={`${t('help.open')} (?)`} onClick={openHelp}>
          <Icon name="keyboard" />
        </button>
      </div>
    </header>
  );
}

const patienceMs = 1200;

/** Trouble, in one line; a short gap is nobody's business. */
function RoomBanner({ current }: { current: CurrentRoom }): JSX.Element | null {
  const { t } = useI18n();
  const troubled = current.snapshot.state === 'reconnecting';
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!troubled) {
      setShown(false);
      return;
    }
    const timer = window.setTimeout(() => setShown(true), patienceMs);
    return () => window.clearTimeout(timer);
  }, [troubled]);
  if (!shown) return null;
  return (
    <div className="stage-banner" role="status" data-testid="banner-reconnecting">
      <span className="spinner" aria-hidden="true" />
      <span>{t('room.reconnecting')}</span>
    </div>
  );
}

function Alone({ current }: { current: CurrentRoom }): JSX.Element {
  const { t } = useI18n();
  return (
    <div className="room-alone" role="status">
      <p>{t(current.address.kind === 'chat' ? 'room.alone.chat' : 'room.alone')}</p>
      <CopyLink address={current.address} look="quiet" />
    </div>
  );
}

/** Who comes and goes, and what is on, for those who listen to the page. */
function Announcements({ current }: { current: CurrentRoom }): JSX.Element {
  const { t } = useI18n();
  const { room, snapshot } = current;
  const [news, setNews] = useState('');
  useEffect(() => {
    const ends = [
      room.on('participant-joined', ({ name }) => setNews(t('room.joined', { name }))),
      room.on('participant-left', ({ participant }) => setNews(t('room.left', { name: participant.name }))),
    ];
    return () => ends.forEach((end) => end());
  }, [room, t]);
  return (
    <p className="visually-hidden" role="status">
      {news}
      {snapshot.local.muted && ` ${t('call.you.muted')}`}
      {snapshot.local.screen && ` ${t('call.you.sharing')}`}
    </p>
  );
}
