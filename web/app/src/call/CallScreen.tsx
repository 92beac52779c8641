// The call itself: the other side large, oneself small, the controls below.
import { useCallback, useRef, useState } from 'react';
import type { CallSnapshot } from '@zvonok/client';
import type { PlainKey } from '../i18n';
import { StreamAudio, StreamVideo } from '../media/Stream';
import { useFocusTrap } from '../lib/focus';
import { hueIndex } from '../lib/format';
import { cx } from '../lib/cx';
import { useConnection } from '../state/connection';
import { useDeviceList, useLevel } from '../state/devices';
import { useI18n } from '../state/app';
import { openHelp } from '../state/help';
import { Avatar } from '../ui/Avatar';
import { Button } from '../ui/Button';
import { Icon } from '../ui/Icon';
import { Timer } from '../ui/Timer';
import type { CallViewProps } from './CallLayer';
import { CallControls } from './Controls';
import { QualityButton } from './QualityButton';
import { SelfView } from './SelfView';
import { toggleFullscreen, useFullscreen } from './useFullscreen';
import { useIdle } from './useIdle';

interface CallScreenProps extends CallViewProps {
  selfId: string;
  selfName: string;
}

/** What the line under the name says before anybody talks. */
export function stateText(snapshot: Pick<CallSnapshot, 'state' | 'ringingDevices'>): PlainKey {
  switch (snapshot.state) {
    case 'idle':
      return 'call.state.preparing';
    case 'initiating':
      return 'call.state.calling';
    case 'ringing':
      return 'call.state.ringing';
    case 'accepting':
    case 'connecting':
      return 'call.state.connecting';
    case 'active':
      return 'call.state.active';
    case 'reconnecting':
      return 'call.state.reconnecting';
    case 'ended':
    case 'rejected':
    case 'error':
      return 'call.state.ended';
  }
}

export function CallScreen({ current, name }: CallScreenProps): JSX.Element {
  const { t } = useI18n();
  const stage = useRef<HTMLDivElement>(null);
  const { call, snapshot } = current;
  const { local, remote, state } = snapshot;
  const [unlock, setUnlock] = useState<(() => void) | null>(null);
  const fullscreen = useFullscreen();
  const seesRemote = remote.video || remote.screen;
  const talking = state === 'active' || state === 'reconnecting';
  const idle = useIdle(stage, state === 'active' && seesRemote);
  const { cameras } = useDeviceList(local.video);
  const [contained, setContained] = useState(false);
  const onBlocked = useCallback((start: (() => void) | null) => setUnlock(() => start), []);
  useFocusTrap(stage, 'self');
  return (
    <div
      ref={stage}
      className={cx(
        'stage',
        `avatar-colour-${hueIndex(call.peerUserId, 10)}`,
        seesRemote && talking && 'has-picture',
        idle && 'is-idle',
        fullscreen.on && 'is-fullscreen',
      )}
      role="dialog"
      aria-modal="true"
      aria-label={t('call.with', { name })}
      tabIndex={-1}
      data-testid="call-screen"
      data-state={state}
    >
      <div
        className={cx('remote', (remote.screen || contained) && 'is-contained', !(seesRemote && talking) && 'is-hidden')}
        onDoubleClick={() => setContained(!contained)}
      >
        <StreamVideo stream={call.remoteStream} className="remote-video" label={name} testId="remote-video" />
      </div>
      <StreamAudio stream={call.remoteStream} onBlocked={onBlocked} />
      <header className="stage-top">
        <div className="stage-who">
          <h1 className="stage-title" tabIndex={-1}>
            {name}
          </h1>
          {talking && (
            <Timer since={snapshot.answeredAt ?? snapshot.activeAt} label={t('call.timer')} className="stage-timer" testId="call-timer" />
          )}
          {talking && snapshot.encryption.code !== null && (
            <p className="stage-timer" title={t('call.code.why', { name })} data-testid="call-code">
              {t('call.code', { code: snapshot.encryption.code.replace(/^(\d{4})/, '$1 ') })}
            </p>
          )}
        </div>
        <div className="stage-tools">
          {talking && <QualityButton quality={snapshot.quality} cameraOn={local.video} />}
          {fullscreen.possible && (
            <button
              type="button"
              className="stage-button"
              aria-label={t(fullscreen.on ? 'call.fullscreen.exit' : 'call.fullscreen')}
              title={`${t(fullscreen.on ? 'call.fullscreen.exit' : 'call.fullscreen')} (F)`}
              aria-keyshortcuts="F"
              onClick={toggleFullscreen}
              data-testid="call-fullscreen"
            >
              <Icon name={fullscreen.on ? 'shrink' : 'expand'} />
            </button>
          )}
          <button type="button" className="stage-button stage-help" aria-label={t('help.open')} title={`${t('help.open')} (?)`} onClick={openHelp}>
            <Icon name="keyboard" />
          </button>
        </div>
      </header>
      <CallBanner snapshot={snapshot} name={name} />
      {!(seesRemote && talking) && <PeerPortrait current={current} name={name} />}
      {seesRemote && talking && <PeerBadges snapshot={snapshot} name={name} />}
      {(local.video || local.screen) && <SelfView call={call} local={local} canFlip={cameras.length > 1} />}
      {unlock && talking && (
        <div className="stage-unlock">
          <Button look="primary" icon="speaker" onClick={unlock}>
            {t('call.sound.unlock', { name })}
          </Button>
        </div>
      )}
      <CallControls local={local} />
      <p className="visually-hidden" role="status">
        {t(stateText(snapshot))}
        {local.muted && `. ${t('call.you.muted')}`}
        {local.screen && `. ${t('call.you.sharing')}`}
      </p>
    </div>
  );
}

/** Trouble, in one line: the own connection before the other side's. */
function CallBanner({ snapshot, name }: { snapshot: CallSnapshot; name: string }): JSX.Element | null {
  const { t } = useI18n();
  const connection = useConnection();
  let text: string | null = null;
  if (snapshot.state === 'reconnecting') text = t('call.reconnecting');
  else if (connection === 'lost') text = t('call.signalling_lost');
  else if (!snapshot.peerConnected) text = t('call.peer.reconnecting', { name });
  if (text === null) return null;
  return (
    <div className="stage-banner" role="status" data-testid="banner-reconnecting">
      <span className="spinner" aria-hidden="true" />
      <span>{text}</span>
    </div>
  );
}

function PeerPortrait({ current, name }: CallViewProps): JSX.Element {
  const { t } = useI18n();
  const { call, snapshot } = current;
  const { state, remote } = snapshot;
  const portrait = useRef<HTMLSpanElement>(null);
  useLevel(portrait, call.remoteStream, `${state}${remote.audio}`);
  const talking = state === 'active' || state === 'reconnecting';
  const waiting = state === 'ringing' || state === 'initiating';
  return (
    <div className="stage-person">
      <span ref={portrait} className={cx('portrait', waiting && 'ringing-avatar', talking && 'speaking-avatar')}>
        <Avatar id={call.peerUserId} name={name} size="huge" />
      </span>
      <p className="stage-name">{name}</p>
      {!talking && <p className="stage-state">{t(call.resumed ? 'call.rejoining' : stateText(snapshot))}</p>}
      {talking && remote.muted && (
        <p className="stage-state">
          <Icon name="mic-off" size={18} />
          {t('call.portrait.muted')}
        </p>
      )}
      {talking && current.kind === 'video' && (
        <p className="stage-state">
          <Icon name="video-off" size={18} />
          {t('call.portrait.camera_off')}
        </p>
      )}
    </div>
  );
}

function PeerBadges({ snapshot, name }: { snapshot: CallSnapshot; name: string }): JSX.Element | null {
  const { t } = useI18n();
  const { remote } = snapshot;
  if (!remote.muted && !remote.screen) return null;
  return (
    <div className="stage-badges">
      {remote.screen && (
        <span className="stage-badge">
          <Icon name="share" size={18} />
          {t('call.peer.sharing', { name })}
        </span>
      )}
      {remote.muted && (
        <span className="stage-badge">
          <Icon name="mic-off" size={18} />
          {t('call.peer.muted', { name })}
        </span>
      )}
    </div>
  );
}
