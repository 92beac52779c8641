// The toasts, spoken politely.
import { useStore } from '../lib/store';
import { useI18n } from '../state/app';
import { dismissToast, toastStore, type ToastTone } from '../state/toasts';
import { cx } from '../lib/cx';
import { IconButton } from './Button';
import { Icon, type IconName } from './Icon';

const icons: Readonly<Record<ToastTone, IconName | null>> = { plain: null, good: 'check', bad: 'alert' };

export function Toasts(): JSX.Element {
  const { t } = useI18n();
  const toasts = useStore(toastStore);
  return (
    <div className="toasts" role="region" aria-label={t('toast.region')}>
      <div aria-live="polite" className="toasts-live">
        {toasts.map((toast) => {
          const icon = icons[toast.tone];
          return (
            <div key={toast.id} className={cx('toast', `toast-${toast.tone}`)}>
              {icon && <Icon name={icon} size={18} />}
              <span>{toast.text}</span>
              <IconButton icon="x" label={t('toast.dismiss')} onClick={() => dismissToast(toast.id)} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
