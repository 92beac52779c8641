// Sign in and sign up: one form, two faces.
import { useState, type FormEvent } from 'react';
import { languageNames, languages, type PlainKey } from '../i18n';
import { signIn, signUp, useSession, type AuthFailure } from '../state/session';
import { setPrefs, useI18n, usePrefs } from '../state/app';
import { Button } from '../ui/Button';
import { checkFields } from './authFields';
import { Choice, TextField } from '../ui/fields';
import { Icon, Logo, type IconName } from '../ui/Icon';

type Mode = 'signin' | 'signup';
type FieldName = 'email' | 'password' | 'name';

const points: readonly { readonly icon: IconName; readonly text: PlainKey }[] = [
  { icon: 'lock', text: 'auth.point.private' },
  { icon: 'server', text: 'auth.point.own' },
  { icon: 'globe', text: 'auth.point.free' },
];

const failureTexts: Readonly<Record<AuthFailure, { readonly text: PlainKey; readonly field?: FieldName }>> = {
  'wrong-credentials': { text: 'error.wrong_credentials' },
  'email-taken': { text: 'error.email_taken', field: 'email' },
  email: { text: 'error.email', field: 'email' },
  password: { text: 'error.password', field: 'password' },
  name: { text: 'error.display_name', field: 'name' },
  'too-many': { text: 'error.too_many_requests' },
  unavailable: { text: 'error.unavailable' },
  network: { text: 'error.network' },
  other: { text: 'error.generic' },
};

export function AuthScreen(): JSX.Element {
  const { t } = useI18n();
  const { language } = usePrefs();
  const { expired } = useSession();
  const [mode, setMode] = useState<Mode>('signin');
  return (
    <div className="auth">
      <aside className="auth-side">
        <div className="auth-brand">
          <Logo size={44} />
          <span>{t('app.name')}</span>
        </div>
        <div className="auth-pitch">
          <p className="auth-tagline">{t('app.tagline')}</p>
          <ul>
            {points.map((point) => (
              <li key={point.text}>
                <Icon name={point.icon} size={22} />
                <span>{t(point.text)}</span>
              </li>
            ))}
          </ul>
        </div>
      </aside>
      <main className="auth-main">
        <AuthForm key={mode} mode={mode} expired={expired} onSwitch={() => setMode(mode === 'signin' ? 'signup' : 'signin')} />
        <div className="auth-language">
          <Choice
            label={t('settings.language')}
            value={language}
            options={languages.map((value) => ({ value, label: languageNames[value], lang: value }))}
            onChange={(value) => setPrefs({ language: value })}
          />
        </div>
      </main>
    </div>
  );
}

function AuthForm({ mode, expired, onSwitch }: { mode: Mode; expired: boolean; onSwitch: () => void }): JSX.Element {
  const { t } = useI18n();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<AuthFailure | null>(null);
  const signingUp = mode === 'signup';
  const failed = failure ? failureTexts[failure] : null;
  const errorOf = (field: FieldName): string | undefined => (failed?.field === field ? t(failed.text) : undefined);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    const problem = checkFields({ name, email, password, signingUp });
    setFailure(problem);
    if (problem) return;
    setBusy(true);
    const result = signingUp ? await signUp({ name: name.trim(), email: email.trim(), password }) : await signIn({ email: email.trim(), password });
    // On success the whole screen is gone.
    if (result) {
      setFailure(result);
      setBusy(false);
    }
  };

  return (
    <form className="auth-form" noValidate onSubmit={(event) => void submit(event)}>
      <header className="auth-head">
        <span className="auth-logo">
          <Logo size={52} />
        </span>
        <h1>{t(signingUp ? 'auth.signup.title' : 'auth.signin.title')}</h1>
        <p>{t(signingUp ? 'auth.signup.lead' : 'auth.signin.lead')}</p>
      </header>
      {(failed && !failed.field) || (expired && !failure) ? (
        <p className="notice" role="alert">
          <Icon name="alert" size={18} />
          <span>{failed ? t(failed.text) : t('auth.expired')}</span>
        </p>
      ) : null}
      {signingUp && (
        <TextField
          label={t('auth.name')}
          hint={t('auth.name.hint')}
          error={errorOf('name')}
          value={name}
          onChange={setName}
          autoComplete="name"
          maxLength={100}
          required
          data-testid="auth-name"
        />
      )}
      <TextField
        label={t('auth.email')}
        error={errorOf('email')}
        type="email"
        value={email}
        onChange={setEmail}
        autoComplete={signingUp ? 'email' : 'username'}
        inputMode="email"
        autoCapitalize="none"
        spellCheck={false}
        required
        data-testid="auth-email"
      />
      <TextField
        label={t('auth.password')}
        hint={signingUp ? t('auth.password.hint') : undefined}
        error={errorOf('password')}
        type="password"
        value={password}
        onChange={setPassword}
        autoComplete={signingUp ? 'new-password' : 'current-password'}
        required
        data-testid="auth-password"
      />
      <Button look="primary" type="submit" wide busy={busy} data-testid="auth-submit">
        {t(signingUp ? 'auth.signup.submit' : 'auth.signin.submit')}
      </Button>
      <p className="auth-switch">
        <span>{t(signingUp ? 'auth.to_signin' : 'auth.to_signup')}</span>{' '}
        <button type="button" className="link-button" onClick={onSwitch} data-testid="auth-switch">
          {t(signingUp ? 'auth.to_signin.action' : 'auth.to_signup.action')}
        </button>
      </p>
    </form>
  );
}
