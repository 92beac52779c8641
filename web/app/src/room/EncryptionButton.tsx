// The sign of an encrypted room: the digits to compare, and who can't be heard for want of a key.
import type { RoomSnapshot } from '@zvonok/client';
import { useI18n } from '../state/app';
import { Icon } from '../ui/Icon';
import { Popover } from '../ui/Popover';

export function EncryptionButton({ snapshot }: { snapshot: RoomSnapshot }): JSX.Element | null {
  const { t } = useI18n();
  const { encryption, participants } = snapshot;
  if (encryption.state === 'off') return null;
  const missing = participants.filter(({ sessionId }) => encryption.missing.includes(sessionId)).map(({ name }) => name || t('room.somebody'));
  const code = encryption.code ?? '';
  return (
    <Popover
      title={t('room.e2e')}
      side="below"
      trigger={(props) => (
        <button
          type="button"
          className="stage-button room-shield"
          aria-label={t('room.e2e')}
          title={t('room.e2e')}
          data-testid="room-e2e"
          data-state={encryption.state}
          {...props}
        >
          <Icon name="shield" />
        </button>
      )}
    >
      {code !== '' && (
        <p className="room-code numbers" data-testid="room-code">
          {code.split(' ').map((group, at) => (
            <span key={at}>{group}</span>
          ))}
        </p>
      )}
      <p className="popover-text">{t(code === '' ? 'room.e2e.no_code' : 'room.e2e.why')}</p>
      {missing.length > 0 && (
        <p className="popover-text" role="status">
          {t('room.e2e.missing', { names: missing.join(', ') })}
        </p>
      )}
    </Popover>
  );
}
