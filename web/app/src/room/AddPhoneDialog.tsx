// Calls a telephone into the room: its number, and what the others shall see in place of it.
import { useState, type FormEvent } from 'react';
import { PhoneInviteError, type Room } from '@zvonok/client';
import { looksDialable, toE164 } from '../lib/phone';
import { useI18n } from '../state/app';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { TextField } from '../ui/fields';
import { refusalText } from './phones';

export function AddPhoneDialog({ room, onClose }: { room: Room; onClose: () => void }): JSX.Element {
  const { t } = useI18n();
  const [number, setNumber] = useState('');
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | undefined>(undefined);
  const invite = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (!looksDialable(number)) {
      setError(t('phone.refused.number.text'));
      return;
    }
    setBusy(true);
    try {
      await room.invitePhone(toE164(number), { name: name.trim() || undefined });
      onClose(); // the tile shows how it goes on
    } catch (refusal) {
      setError(t(refusalText(refusal instanceof PhoneInviteError ? refusal.code : '')));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t('room.phone.add')}
      onClose={onClose}
      initialFocus="#room-phone-form input"
      actions={
        <>
          <Button look="plain" onClick={onClose}>
            {t('dialog.cancel')}
          </Button>
          <Button
            type="submit"
            look="primary"
            icon="phone"
            form="room-phone-form"
            busy={busy}
            disabled={number.trim() === ''}
            data-testid="room-phone-call"
          >
            {t('phone.call')}
          </Button>
        </>
      }
    >
      <form id="room-phone-form" className="group-form" onSubmit={(event) => void invite(event)}>
        <TextField
          label={t('phone.number')}
          hint={t('phone.hint')}
          error={error}
          value={number}
          onChange={(typed) => {
            setError(undefined);
            setNumber(typed.replace(/[^\d+\s().-]/g, ''));
          }}
          type="tel"
          inputMode="tel"
          autoComplete="off"
          placeholder="+49 30 123456"
          data-testid="room-phone-number"
        />
        <TextField
          label={t('room.phone.name')}
          hint={t('room.phone.name.hint')}
          value={name}
          onChange={setName}
          maxLength={60}
          autoComplete="off"
          data-testid="room-phone-name"
        />
      </form>
    </Dialog>
  );
}
