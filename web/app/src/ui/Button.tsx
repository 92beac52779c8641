// Buttons: with words, or with an icon and a spoken name.
import { forwardRef, type ButtonHTMLAttributes, type ReactNode } from 'react';
import { cx } from '../lib/cx';
import { Icon, type IconName } from './Icon';

type NativeProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className' | 'type'>;

interface ButtonProps extends NativeProps {
  look?: 'primary' | 'quiet' | 'danger' | 'plain';
  type?: 'button' | 'submit';
  icon?: IconName;
  busy?: boolean;
  wide?: boolean;
  children: ReactNode;
}

export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button(
  { look = 'quiet', type = 'button', icon, busy = false, wide = false, children, disabled, ...rest },
  ref,
) {
  return (
    <button
      ref={ref}
      type={type}
      className={cx('button', `button-${look}`, wide && 'button-wide', busy && 'is-busy')}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {icon && <Icon name={icon} size={18} />}
      <span className="button-text">{children}</span>
      {busy && <span className="spinner" aria-hidden="true" />}
    </button>
  );
});

interface IconButtonProps extends NativeProps {
  icon: IconName;
  label: string;
  look?: 'plain' | 'soft' | 'call';
}

export const IconButton = forwardRef<HTMLButtonElement, IconButtonProps>(function IconButton(
  { icon, label, look = 'plain', title, ...rest },
  ref,
) {
  return (
    <button
      ref={ref}
      type="button"
      className={cx('icon-button', `icon-button-${look}`)}
      aria-label={label}
      title={title ?? label}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
});
