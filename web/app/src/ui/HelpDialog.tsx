// What the keyboard can do.
import type { PlainKey } from '../i18n';
import { useI18n } from '../state/app';
import { Dialog } from './Dialog';
import { Keys } from './bits';

interface Shortcut {
  readonly keys: readonly string[];
  readonly text: PlainKey;
}

const groups: readonly { readonly title: PlainKey; readonly shortcuts: readonly Shortcut[] }[] = [
  {
    title: 'help.in_call',
    shortcuts: [
      { keys: ['M'], text: 'help.mute' },
      { keys: ['V'], text: 'help.camera' },
      { keys: ['S'], text: 'help.share' },
      { keys: ['F'], text: 'help.fullscreen' },
      { keys: ['Shift', 'H'], text: 'help.hangup' },
      { keys: ['L'], text: 'help.layout' },
      { keys: ['P'], text: 'help.panel' },
    ],
  },
  {
    title: 'help.ringing',
    shortcuts: [
      { keys: ['Shift', 'A'], text: 'help.accept' },
      { keys: ['Shift', 'V'], text: 'help.accept_video' },
      { keys: ['Shift', 'D'], text: 'help.decline' },
    ],
  },
  {
    title: 'help.anywhere',
    shortcuts: [
      { keys: ['/'], text: 'help.search' },
      { keys: ['G', 'P'], text: 'help.go_people' },
      { keys: ['G', 'T'], text: 'help.go_phone' },
      { keys: ['G', 'R'], text: 'help.go_groups' },
      { keys: ['G', 'H'], text: 'help.go_history' },
      { keys: ['G', 'S'], text: 'help.go_settings' },
      { keys: ['?'], text: 'help.this' },
    ],
  },
];

export function HelpDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const { t } = useI18n();
  return (
    <Dialog title={t('help.title')} onClose={onClose}>
      {groups.map((group) => (
        <section key={group.title} className="help-group">
          <h3>{t(group.title)}</h3>
          <ul>
            {group.shortcuts.map((shortcut) => (
              <li key={shortcut.text} className="help-line">
                <span>{t(shortcut.text)}</span>
                <Keys keys={shortcut.keys} />
              </li>
            ))}
          </ul>
        </section>
      ))}
      <p className="help-note">{t('help.note')}</p>
    </Dialog>
  );
}
