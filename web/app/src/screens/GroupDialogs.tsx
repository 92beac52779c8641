// Making a group, and taking people into one.
import { useEffect, useState, type FormEvent } from 'react';
import type { Person } from '@zvonok/client';
import { navigate } from '../lib/route';
import { useI18n } from '../state/app';
import { zvonok } from '../state/client';
import { addMembers, createGroup, useMembers } from '../state/groups';
import { useSession } from '../state/session';
import { Avatar } from '../ui/Avatar';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { TextField } from '../ui/fields';

const searchDelayMs = 180;
const shownMax = 50;

export function CreateGroupDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const { t } = useI18n();
  const [title, setTitle] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const ready = title.trim() !== '';
  const make = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    const group = await createGroup(title.trim(), [...chosen]);
    setBusy(false);
    if (!group) return;
    onClose();
    navigate({ tab: 'groups', personId: group.id });
  };
  return (
    <Dialog
      title={t('groups.new')}
      onClose={onClose}
      initialFocus="#group-form input"
      actions={
        <>
          <Button look="plain" onClick={onClose}>
            {t('dialog.cancel')}
          </Button>
          <Button type="submit" look="primary" form="group-form" busy={busy} disabled={!ready} data-testid="group-create">
            {t('groups.create')}
          </Button>
        </>
      }
    >
      <form id="group-form" className="group-form" onSubmit={(event) => void make(event)}>
        <TextField label={t('groups.name')} value={title} onChange={setTitle} maxLength={100} autoComplete="off" data-testid="group-title" />
        <PeoplePicker chosen={chosen} onChange={setChosen} exclude={noIds} />
      </form>
    </Dialog>
  );
}

const noIds: ReadonlySet<string> = new Set();

export function AddPeopleDialog({ groupId, onClose }: { groupId: string; onClose: () => void }): JSX.Element {
  const { t } = useI18n();
  const members = useMembers(groupId);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const add = async (): Promise<void> => {
    setBusy(true);
    const done = await addMembers(groupId, [...chosen]);
    setBusy(false);
    if (done) onClose();
  };
  return (
    <Dialog
      title={t('group.add')}
      onClose={onClose}
      initialFocus=".picker-search input"
      actions={
        <>
          <Button look="plain" onClick={onClose}>
            {t('dialog.cancel')}
          </Button>
          <Button look="primary" busy={busy} disabled={chosen.size === 0} onClick={() => void add()} data-testid="group-add-confirm">
            {t('group.add.confirm')}
          </Button>
        </>
      }
    >
      <PeoplePicker chosen={chosen} onChange={setChosen} exclude={new Set((members ?? []).map((member) => member.userId))} />
    </Dialog>
  );
}

interface PeoplePickerProps {
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
  exclude: ReadonlySet<string>;
}

function PeoplePicker({ chosen, onChange, exclude }: PeoplePickerProps): JSX.Element {
  const { t } = useI18n();
  const { user } = useSession();
  const [text, setText] = useState('');
  const [found, setFound] = useState<readonly Person[] | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    const timer = window.setTimeout(
      () => {
        zvonok.api.people({ limit: shownMax, search: text.trim() || undefined, signal: abort.signal }).then(
          (page) => setFound(page.items),
          () => undefined, // aborted, or offline: what was found stays
        );
      },
      text === '' ? 0 : searchDelayMs,
    );
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [text]);
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  const people = (found ?? []).filter((person) => person.id !== user?.id && !exclude.has(person.id));
  return (
    <fieldset className="picker">
      <legend>{t('groups.pick')}</legend>
      <div className="picker-search">
        <TextField label={t('people.search')} value={text} onChange={setText} maxLength={100} autoComplete="off" />
      </div>
      {found !== null && people.length === 0 && <p className="field-note">{t('groups.pick.none')}</p>}
      <ul className="picker-list">
        {people.map((person) => (
          <li key={person.id}>
            <label className="picker-person">
              <input type="checkbox" checked={chosen.has(person.id)} onChange={() => toggle(person.id)} data-testid="picker-person" />
              <Avatar id={person.id} name={person.displayName} size="small" online={person.online} />
              <span>{person.displayName}</span>
            </label>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
