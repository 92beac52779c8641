// Form controls: text field, select, switch, and a choice of a few.
import { useId, useState, type InputHTMLAttributes, type ReactNode } from 'react';
import { useI18n } from '../state/app';
import { cx } from '../lib/cx';
import { Icon, type IconName } from './Icon';

interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'className' | 'onChange' | 'id'> {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  onChange: (value: string) => void;
}

export function TextField({ label, hint, error, onChange, type = 'text', ...rest }: TextFieldProps): JSX.Element {
  const { t } = useI18n();
  const id = useId();
  const [shown, setShown] = useState(false);
  const note = error ?? hint;
  const secret = type === 'password';
  return (
    <div className={cx('field', error !== undefined && 'has-error')}>
      <label htmlFor={id}>{label}</label>
      <span className="field-box">
        <input
          id={id}
          type={secret && shown ? 'text' : type}
          aria-invalid={error !== undefined || undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          onChange={(event) => onChange(event.target.value)}
          {...rest}
        />
        {secret && (
          <button
            type="button"
            className="field-eye"
            aria-label={shown ? t('auth.password.hide') : t('auth.password.show')}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          >
            <Icon name={shown ? 'eye-off' : 'eye'} />
          </button>
        )}
      </span>
      {note && (
        <p id={`${id}-note`} className="field-note" role={error !== undefined ? 'alert' : undefined}>
          {note}
        </p>
      )}
    </div>
  );
}

interface SelectProps<T extends string> {
  label: string;
  icon?: IconName;
  value: T;
  options: readonly { readonly value: T; readonly label: string }[];
  onChange: (value: T) => void;
  disabled?: boolean;
}

export function Select<T extends string>({ label, icon, value, options, onChange, disabled }: SelectProps<T>): JSX.Element {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <span className={cx('field-box', 'field-select', icon !== undefined && 'has-icon')}>
        {icon && <Icon name={icon} size={18} />}
        <select id={id} value={value} disabled={disabled} onChange={(event) => onChange(event.target.value as T)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="chevron" size={18} />
      </span>
    </div>
  );
}

interface SwitchProps {
  label: string;
  hint?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

export function Switch({ label, hint, checked, disabled = false, onChange }: SwitchProps): JSX.Element {
  const id = useId();
  return (
    <div className="switch-row">
      <span className="switch-words">
        <label htmlFor={id}>{label}</label>
        {hint && (
          <span className="switch-hint" id={`${id}-hint`}>
            {hint}
          </span>
        )}
      </span>
      <button
        id={id}
        type="button"
        role="switch"
        className="switch"
        aria-checked={checked}
        aria-describedby={hint ? `${id}-hint` : undefined}
        disabled={disabled}
        onClick={() => onChange(!checked)}
      >
        <span className="switch-knob" />
      </button>
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly { readonly value: T; readonly label: string; readonly lang?: string }[];
  onChange: (value: T) => void;
  /** Show the label above the choice; hidden, it is still spoken. */
  labelled?: boolean;
}

/** A few options side by side, of which one holds: native radio buttons underneath. */
export function Choice<T extends string>({ label, value, options, onChange, labelled = false }: ChoiceProps<T>): JSX.Element {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend className={labelled ? 'choice-label' : 'visually-hidden'}>{label}</legend>
      <div className="choice-options">
        {options.map((option) => (
          <label key={option.value} className={cx('choice-option', option.value === value && 'is-chosen')} lang={option.lang}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
