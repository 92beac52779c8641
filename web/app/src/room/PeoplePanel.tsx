// Who is in the room, and what a moderator may do about it.
import { useState } from 'react';
import type { RoomParticipant, RoomPhone, RoomRole, RoomSnapshot } from '@zvonok/client';
import { lookOf } from '../call/quality';
import { AddPeopleDialog } from '../screens/GroupDialogs';
import { useI18n } from '../state/app';
import { useGroup } from '../state/groups';
import { panelStore, type CurrentRoom } from '../state/rooms';
import { useSession } from '../state/session';
import { Avatar } from '../ui/Avatar';
import { Button, IconButton } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { AddPhoneDialog } from './AddPhoneDialog';
import { CopyLink } from './CopyLink';
import { mayHangUp, mayInvitePhones, phoneStatusText } from './phones';
import { mayModerate, mayRemove } from './rights';
import { QualityBars } from './QualityBars';
import { isSilent, showsCamera } from './tiles';

export function PeoplePanel({ current }: { current: CurrentRoom }): JSX.Element {
  const { t } = useI18n();
  const { user } = useSession();
  const { room, snapshot, address, entry } = current;
  const group = useGroup(address.kind === 'group' ? address.id : '');
  const [adding, setAdding] = useState(false);
  const [addingPhone, setAddingPhone] = useState(false);
  const [removing, setRemoving] = useState<RoomParticipant | null>(null);
  const moderates = mayModerate(snapshot);
  const silentSelf = snapshot.local.muted || !snapshot.local.audio;
  return (
    <aside className="room-panel" aria-label={t('room.people.title')} data-testid="room-panel">
      <header className="room-panel-head">
        <h2>{t('room.people.title')}</h2>
        <IconButton icon="x" label={t('room.people.close')} onClick={() => panelStore.set(false)} />
      </header>
      <div className="room-panel-tools">
        <CopyLink address={address} />
        {group && group.role !== 'member' && (
          <Button look="plain" icon="plus" onClick={() => setAdding(true)}>
            {t('group.add')}
          </Button>
        )}
        {mayInvitePhones(snapshot) && (
          <Button look="plain" icon="phone" onClick={() => setAddingPhone(true)} data-testid="room-add-phone">
            {t('room.phone.add')}
          </Button>
        )}
        {moderates && (
          <Button
            look="plain"
            icon={snapshot.locked ? 'unlock' : 'lock'}
            onClick={() => (snapshot.locked ? room.unlock() : room.lock())}
            data-testid="room-lock"
          >
            {t(snapshot.locked ? 'room.unlock' : 'room.lock')}
          </Button>
        )}
      </div>
      {snapshot.locked && (
        <p className="room-panel-note">
          <Icon name="lock" size={16} />
          {t('room.locked')}
        </p>
      )}
      <ul className="room-people">
        <li className="room-person">
          <Avatar id={user?.id ?? ''} name={entry.name ?? user?.name ?? ''} size="small" />
          <span className="room-person-words">
            <span className="room-person-name">{t('room.tile.you', { name: entry.name ?? user?.name ?? '' })}</span>
            <RoleLine room={snapshot} role={snapshot.role} />
          </span>
          <MediaIcons silent={silentSelf} camera={snapshot.local.video} />
        </li>
        {snapshot.participants.map((person) => person.phone ? (
          <PhoneLine key={person.sessionId} person={person} phone={person.phone} current={current} />
        ) : (
          <PersonLine key={person.sessionId} person={person} current={current} onRemove={() => setRemoving(person)} />
        ))}
      </ul>
      {addingPhone && <AddPhoneDialog room={room} onClose={() => setAddingPhone(false)} />}
      {adding && group && <AddPeopleDialog groupId={group.id} onClose={() => setAdding(false)} />}
      {removing && (
        <Dialog
          title={t('room.remove.title', { name: removing.name })}
          onClose={() => setRemoving(null)}
          initialFocus=".dialog-actions button"
          actions={
            <>
              <Button look="plain" onClick={() => setRemoving(null)}>
                {t('dialog.cancel')}
              </Button>
              <Button
                look="danger"
                data-testid="room-kick-confirm"
                onClick={() => {
                  room.kick(removing.sessionId);
                  setRemoving(null);
                }}
              >
                {t('room.remove')}
              </Button>
            </>
          }
        >
          <p>{t('room.remove.text')}</p>
        </Dialog>
      )}
    </aside>
  );
}

function RoleLine({ room, role }: { room: RoomSnapshot; role: RoomRole }): JSX.Element | null {
  const { t } = useI18n();
  if (role === 'member' || room.kind === 'chat') return null;
  return <span className="room-person-role">{t(role === 'host' ? 'room.role.host' : 'room.role.moderator')}</span>;
}

function MediaIcons({ silent, camera }: { silent: boolean; camera: boolean }): JSX.Element {
  const { t } = useI18n();
  return (
    <span className="room-person-media">
      {silent && (
        <span title={t('call.portrait.muted')}>
          <Icon name="mic-off" size={18} />
          <span className="visually-hidden">{t('call.portrait.muted')}</span>
        </span>
      )}
      {!camera && (
        <span title={t('call.portrait.camera_off')}>
          <Icon name="video-off" size={18} />
          <span className="visually-hidden">{t('call.portrait.camera_off')}</span>
        </span>
      )}
    </span>
  );
}

interface PhoneLineProps {
  person: RoomParticipant;
  phone: RoomPhone;
  current: CurrentRoom;
}

function PhoneLine({ person, phone, current }: PhoneLineProps): JSX.Element {
  const { t } = useI18n();
  const { room, snapshot } = current;
  const { name, sessionId } = person;
  const silent = isSilent(person);
  const status = phoneStatusText(phone);
  const note = status ? t(status) : name === phone.number ? t('room.phone.telephone') : phone.number;
  return (
    <li className="room-person" data-testid="room-phone" data-muted={silent} data-status={phone.status}>
      <span className="room-phone-icon" aria-hidden="true">
        <Icon name="phone" size={18} />
      </span>
      <span className="room-person-words">
        <span className="room-person-name">{name}</span>
        <span className="room-person-role">{note}</span>
      </span>
      {silent && !mayModerate(snapshot) && (
        <span className="room-person-media" title={t('call.portrait.muted')}>
          <Icon name="mic-off" size={18} />
          <span className="visually-hidden">{t('call.portrait.muted')}</span>
        </span>
      )}
      <span className="room-person-actions">
        {mayModerate(snapshot) && status === null && (
          <IconButton
            icon={silent ? 'mic-off' : 'mic'}
            label={silent ? t('call.portrait.muted') : t('room.mute', { name })}
            disabled={silent}
            onClick={() => room.mute(sessionId)}
            data-testid="room-mute-other"
          />
        )}
        {mayHangUp(snapshot, person) && (
          <IconButton
            icon="hangup"
            label={t('room.phone.hang_up', { name })}
            onClick={() => room.hangUpPhone(sessionId)}
            data-testid="room-phone-hangup"
          />
        )}
      </span>
    </li>
  );
}

interface PersonLineProps {
  person: RoomParticipant;
  current: CurrentRoom;
  onRemove: () => void;
}

function PersonLine({ person, current, onRemove }: PersonLineProps): JSX.Element {
  const { t } = useI18n();
  const { room, snapshot } = current;
  const { name, sessionId } = person;
  const look = lookOf(person.quality === null ? null : { score: person.quality });
  const silent = isSilent(person);
  const camera = showsCamera(person);
  const moderates = mayModerate(snapshot);
  const lost = person.state === 'disconnected' || person.state === 'failed';
  return (
    <li className="room-person" data-testid="room-person" data-user={person.userId} data-muted={silent}>
      <Avatar id={person.userId} name={name} size="small" />
      <span className="room-person-words">
        <span className="room-person-name">{name}</span>
        {lost ? <span className="room-person-role">{t('room.tile.lost')}</span> : <RoleLine room={snapshot} role={person.role} />}
        {!lost && snapshot.encryption.missing.includes(sessionId) && <span className="room-person-role">{t('room.e2e.no_key')}</span>}
      </span>
      {!moderates && <MediaIcons silent={silent} camera={camera} />}
      {look.tone !== 'unknown' && <QualityBars look={look} label={t(look.text)} />}
      {moderates && (
        <span className="room-person-actions">
          {/* The buttons show what is on; only who was muted can speak again by themselves. */}
          <IconButton
            icon={silent ? 'mic-off' : 'mic'}
            label={silent ? t('call.portrait.muted') : t('room.mute', { name })}
            disabled={silent}
            onClick={() => room.mute(sessionId)}
            data-testid="room-mute-other"
          />
          <IconButton
            icon={camera ? 'video' : 'video-off'}
            label={camera ? t('room.camera_off', { name }) : t('call.portrait.camera_off')}
            disabled={!camera}
            onClick={() => room.mute(sessionId, 'video')}
          />
          {snapshot.role === 'host' && person.role !== 'host' && (
            <IconButton
              icon="star"
              label={t(person.role === 'moderator' ? 'room.role.take' : 'room.role.give', { name })}
              aria-pressed={person.role === 'moderator'}
              onClick={() => room.setRole(sessionId, person.role === 'moderator' ? 'member' : 'moderator')}
              data-testid="room-role"
            />
          )}
          {mayRemove(snapshot, person) && (
            <IconButton icon="x" label={t('room.remove.label', { name })} onClick={onRemove} data-testid="room-kick" />
          )}
        </span>
      )}
    </li>
  );
}
