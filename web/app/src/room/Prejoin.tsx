// The door of a room: how one looks and sounds, under which name, and the way in.
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { canEncrypt, type RoomInfo } from '@zvonok/client';
import { useFocusTrap } from '../lib/focus';
import type { RoomAddress } from '../lib/route';
import { StreamVideo } from '../media/Stream';
import { VoiceLevel } from '../media/VoiceLevel';
import { DevicePickers } from '../screens/DevicePickers';
import { useI18n } from '../state/app';
import { useDeviceChoices, useJoinPreview } from '../state/devices';
import { useMembers } from '../state/groups';
import { closeRoomPage, enterRoom, useRoom } from '../state/rooms';
import { useSession } from '../state/session';
import { Avatar } from '../ui/Avatar';
import { IconButton } from '../ui/Button';
import { Switch, TextField } from '../ui/fields';
import { Icon } from '../ui/Icon';
import { ControlButton } from '../call/Controls';
import { useRoomInfo } from './useRoomInfo';

export function Prejoin({ address, title }: { address: RoomAddress; title: string }): JSX.Element {
  const { t } = useI18n();
  const { user } = useSession();
  const other = useRoom();
  const box = useRef<HTMLDivElement>(null);
  const [name, setName] = useState(user?.name ?? '');
  const [video, setVideo] = useState(true);
  const [muted, setMuted] = useState(false);
  const [encrypt, setEncrypt] = useState(false);
  const info = useRoomInfo(address);
  const preview = useJoinPreview(video, useDeviceChoices());
  useFocusTrap(box, '.prejoin-join');
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') closeRoomPage();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  const join = (event: FormEvent): void => {
    event.preventDefault();
    const chosen = name.trim();
    // What was seen at the door holds: a room that is encrypted now is not entered when it is not any more.
    const encrypted = encrypt || info?.encrypted === true;
    enterRoom(address, { name: chosen === '' ? undefined : chosen, video, muted, encrypted, stream: preview.take() });
  };
  const shown = video && preview.stream !== null && preview.stream.getVideoTracks().length > 0;
  return (
    <div ref={box} className="prejoin" role="dialog" aria-modal="true" aria-labelledby="prejoin-title" tabIndex={-1} data-testid="room-prejoin">
      <div className="prejoin-back">
        <IconButton icon="back" label={t('room.back')} onClick={closeRoomPage} data-testid="room-back" />
      </div>
      <form className="prejoin-body" onSubmit={join}>
        <div className="prejoin-picture">
          {shown ? (
            <StreamVideo stream={preview.stream} mirrored label={t('settings.preview.self')} className="prejoin-video" />
          ) : (
            <div className="prejoin-off">
              <Avatar id={user?.id ?? ''} name={name.trim() || (user?.name ?? '')} size="huge" />
              <p>{t(video ? (preview.stream ? 'settings.preview.no_camera' : 'room.door.opening') : 'room.door.camera_off')}</p>
            </div>
          )}
          <div className="prejoin-controls">
            <ControlButton
              icon={muted ? 'mic-off' : 'mic'}
              label={t(muted ? 'call.unmute' : 'call.mute')}
              pressed={muted}
              marked={muted}
              onClick={() => setMuted(!muted)}
              testId="prejoin-mute"
            />
            <ControlButton
              icon={video ? 'video' : 'video-off'}
              label={t(video ? 'call.camera.off' : 'call.camera.on')}
              pressed={video}
              marked={!video}
              onClick={() => setVideo(!video)}
              testId="prejoin-camera"
            />
          </div>
        </div>
        <div className="prejoin-side">
          <div>
            <h1 id="prejoin-title" className="prejoin-title" tabIndex={-1}>
              {title}
            </h1>
            <p className="prejoin-note">{address.kind === 'group' ? <GroupNote id={address.id} /> : t('room.door.chat')}</p>
          </div>
          {preview.failure && (
            <p className="notice" role="alert">
              <Icon name="alert" size={18} />
              <span>{t(preview.failure)}</span>
            </p>
          )}
          <TextField label={t('room.door.name')} value={name} onChange={setName} maxLength={100} autoComplete="name" />
          <EncryptionChoice info={info} chosen={encrypt} onChoose={setEncrypt} />
          <details className="prejoin-devices">
            <summary>{t('settings.devices')}</summary>
            <div className="popover-fields">
              <DevicePickers refreshKey={preview.stream} />
            </div>
          </details>
          {!muted && preview.stream && <VoiceLevel stream={preview.stream} />}
          <button type="submit" className="button button-primary button-wide prejoin-join" data-testid="room-join">
            <Icon name="video" size={18} />
            <span className="button-text">{t('room.door.join')}</span>
          </button>
          {other && !other.room.isOver && <p className="prejoin-note">{t('room.door.other')}</p>}
        </div>
      </form>
    </div>
  );
}

interface EncryptionChoiceProps {
  info: RoomInfo | null;
  chosen: boolean;
  onChoose: (chosen: boolean) => void;
}

/** Who comes first decides; the others see what was decided. */
function EncryptionChoice({ info, chosen, onChoose }: EncryptionChoiceProps): JSX.Element | null {
  const { t } = useI18n();
  const able = canEncrypt();
  if (!info) return null;
  if (info.participants === 0) {
    return (
      <div data-testid="prejoin-e2e">
        <Switch
          label={t('room.door.e2e')}
          hint={t(able ? 'room.door.e2e.hint' : 'room.door.e2e.unable')}
          checked={chosen && able}
          disabled={!able}
          onChange={onChoose}
        />
      </div>
    );
  }
  if (!info.encrypted) return null;
  return (
    <p className={able ? 'prejoin-note iconed' : 'notice'} data-testid="prejoin-encrypted">
      <Icon name={able ? 'shield' : 'alert'} size={18} />
      <span>{t(able ? 'room.door.encrypted' : 'room.end.encrypted.text')}</span>
    </p>
  );
}

function GroupNote({ id }: { id: string }): JSX.Element {
  const { t } = useI18n();
  const members = useMembers(id);
  if (!members) return <>{t('room.door.group')}</>;
  return <>{t('group.members', { count: members.length })}</>;
}
