// Profile, devices, sounds, language and look of this browser.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { languageNames, languages } from '../i18n';
import { playTestSound, useDeviceChoices, usePreview } from '../state/devices';
import { StreamVideo } from '../media/Stream';
import { VoiceLevel } from '../media/VoiceLevel';
import { renameMe, signOut, useSession } from '../state/session';
import { setPrefs, useI18n, usePrefs } from '../state/app';
import { showToast } from '../state/toasts';
import { openHelp } from '../state/help';
import { Avatar } from '../ui/Avatar';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Choice, Switch, TextField } from '../ui/fields';
import { Icon } from '../ui/Icon';
import { TunnelSettings } from '../tunnel/TunnelSettings';
import { DevicePickers } from './DevicePickers';

export function SettingsScreen(): JSX.Element {
  const { t } = useI18n();
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          <h1 tabIndex={-1}>{t('settings.title')}</h1>
        </div>
      </header>
      <div className="settings">
        <ProfileSection />
        <DevicesSection />
        <IncomingSection />
        <Section title={t('tunnel.title')}>
          <TunnelSettings />
        </Section>
        <LookSection />
        <SignOutSection />
      </div>
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  return (
    <section className="settings-section">
      <h2>{title}</h2>
      <div className="card settings-card">{children}</div>
    </section>
  );
}

function ProfileSection(): JSX.Element {
  const { t } = useI18n();
  const { user } = useSession();
  const [name, setName] = useState(user?.name ?? '');
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);
  if (!user) return <></>;
  const changed = name.trim() !== user.name && name.trim() !== '';
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!changed || busy) return;
    setBusy(true);
    const failure = await renameMe(name.trim());
    setBusy(false);
    setFailed(failure !== null);
    if (!failure) showToast(t('settings.profile.saved'), 'good');
  };
  return (
    <Section title={t('settings.profile')}>
      <form className="profile" onSubmit={(event) => void save(event)}>
        <Avatar id={user.id} name={name.trim() || user.name} size="medium" />
        <TextField
          label={t('settings.profile.name')}
          error={failed ? t('error.generic') : undefined}
          value={name}
          onChange={setName}
          maxLength={100}
          autoComplete="name"
        />
        <Button type="submit" look="quiet" busy={busy} disabled={!changed}>
          {t('settings.profile.save')}
        </Button>
      </form>
    </Section>
  );
}

function DevicesSection(): JSX.Element {
  const { t } = useI18n();
  const choices = useDeviceChoices();
  const [testing, setTesting] = useState(false);
  const { stream, failure } = usePreview(testing, choices);
  const hasCamera = stream !== null && stream.getVideoTracks().length > 0;
  return (
    <Section title={t('settings.devices')}>
      <div className="device-test">
        <div className="preview">
          {hasCamera ? (
            <StreamVideo stream={stream} mirrored label={t('settings.preview.self')} className="preview-video" />
          ) : (
            <div className="preview-off">
              <Icon name={testing && stream ? 'video-off' : 'video'} size={28} />
              <p>{testing && stream ? t('settings.preview.no_camera') : t('settings.preview.off')}</p>
            </div>
          )}
        </div>
        <div className="device-fields">
          <DevicePickers refreshKey={stream} />
        </div>
      </div>
      {failure && (
        <p className="notice" role="alert">
          <Icon name="alert" size={18} />
          <span>{t(failure)}</span>
        </p>
      )}
      {testing && stream && <VoiceLevel stream={stream} hint={t('settings.level.hint')} />}
      <div className="settings-buttons">
        <Button look="quiet" aria-pressed={testing} onClick={() => setTesting(!testing)}>
          {t(testing ? 'settings.preview.stop' : 'settings.preview.start')}
        </Button>
        <Button look="plain" icon="speaker" onClick={() => void playTestSound()}>
          {t('settings.speaker.test')}
        </Button>
      </div>
    </Section>
  );
}

function IncomingSection(): JSX.Element {
  const { t } = useI18n();
  const { ringTone, notifications } = usePrefs();
  const supported = 'Notification' in window && window.isSecureContext;
  const [permission, setPermission] = useState(supported ? Notification.permission : 'denied');
  const blocked = permission === 'denied';
  const toggle = async (wanted: boolean): Promise<void> => {
    if (!wanted) return setPrefs({ notifications: false });
    const answer = await Notification.requestPermission();
    setPermission(answer);
    setPrefs({ notifications: answer === 'granted' });
  };
  return (
    <Section title={t('settings.calls')}>
      <Switch
        label={t('settings.ring')}
        hint={t('settings.ring.hint')}
        checked={ringTone}
        onChange={(checked) => setPrefs({ ringTone: checked })}
      />
      <Switch
        label={t('settings.notify')}
        hint={t(blocked ? 'settings.notify.blocked' : 'settings.notify.hint')}
        checked={notifications && !blocked}
        disabled={blocked}
        onChange={(checked) => void toggle(checked)}
      />
    </Section>
  );
}

function LookSection(): JSX.Element {
  const { t } = useI18n();
  const { language, theme } = usePrefs();
  return (
    <Section title={t('settings.look')}>
      <Choice
        label={t('settings.language')}
        labelled
        value={language}
        options={languages.map((value) => ({ value, label: languageNames[value], lang: value }))}
        onChange={(value) => setPrefs({ language: value })}
      />
      <Choice
        label={t('settings.theme')}
        labelled
        value={theme}
        options={[
          { value: 'system', label: t('settings.theme.system') },
          { value: 'light', label: t('settings.theme.light') },
          { value: 'dark', label: t('settings.theme.dark') },
        ]}
        onChange={(value) => setPrefs({ theme: value })}
      />
      <div className="switch-row">
        <span className="switch-words">
          <span className="switch-title">{t('settings.shortcuts')}</span>
        </span>
        <Button look="plain" icon="keyboard" onClick={openHelp}>
          {t('settings.shortcuts.show')}
        </Button>
      </div>
    </Section>
  );
}

function SignOutSection(): JSX.Element {
  const { t } = useI18n();
  const { user } = useSession();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);
  return (
    <div className="settings-signout">
      <Button look="danger" icon="signout" onClick={() => setAsking(true)} data-testid="sign-out">
        {t('settings.signout')}
      </Button>
      {user?.email && <p>{t('settings.signout.hint', { email: user.email })}</p>}
      {asking && (
        <Dialog
          title={t('settings.signout.confirm.title')}
          onClose={() => setAsking(false)}
          initialFocus=".dialog-actions button"
          actions={
            <>
              <Button look="plain" onClick={() => setAsking(false)}>
                {t('dialog.cancel')}
              </Button>
              <Button
                look="danger"
                busy={busy}
                data-testid="sign-out-confirm"
                onClick={() => {
                  setBusy(true);
                  void signOut().finally(() => mounted.current && setBusy(false));
                }}
              >
                {t('settings.signout')}
              </Button>
            </>
          }
        >
          <p>{t('settings.signout.confirm.text')}</p>
        </Dialog>
      )}
    </div>
  );
}
