// Something to be put in elsewhere: it is shown, and copied by a button.
import { useI18n } from '../state/app';
import { showToast } from '../state/toasts';
import { Button } from '../ui/Button';

export function CopyField({ label, value, testId }: { label: string; value: string; testId?: string }): JSX.Element {
  const { t } = useI18n();
  const copy = (): void => {
    const copied = navigator.clipboard?.writeText(value) ?? Promise.reject(new Error('no clipboard'));
    // Where pages may not write to the clipboard, it can at least be read.
    copied.then(() => showToast(t('tunnel.copied'), 'good'), () => undefined);
  };
  return (
    <dl className="tunnel-field">
      <dt>{label}</dt>
      <dd>
        <code data-testid={testId}>{value}</code>
      </dd>
      <Button look="plain" icon="copy" onClick={copy} aria-label={`${t('tunnel.copy')}: ${label}`}>
        {t('tunnel.copy')}
      </Button>
    </dl>
  );
}
