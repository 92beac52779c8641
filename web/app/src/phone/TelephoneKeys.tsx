// The twelve keys of a telephone.
import { useRef } from 'react';
import { useI18n } from '../state/app';

const keys = [
  ['1', ''],
  ['2', 'ABC'],
  ['3', 'DEF'],
  ['4', 'GHI'],
  ['5', 'JKL'],
  ['6', 'MNO'],
  ['7', 'PQRS'],
  ['8', 'TUV'],
  ['9', 'WXYZ'],
  ['*', ''],
  ['0', '+'],
  ['#', ''],
] as const;

const longPressMs = 500;

/** The key of a telephone that a key of the keyboard stands for. */
export function keyOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey'>): string | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  return /^[0-9*#]$/.test(event.key) ? event.key : null;
}

interface TelephoneKeysProps {
  onKey: (key: string) => void;
  /** 0 held down gives a plus, where numbers are dialed. */
  onPlus?: () => void;
  place: 'stage' | 'page';
}

export function TelephoneKeys({ onKey, onPlus, place }: TelephoneKeysProps): JSX.Element {
  const { t } = useI18n();
  const held = useRef<number | null>(null);
  const plussed = useRef(false);
  const release = (): void => {
    if (held.current !== null) window.clearTimeout(held.current);
    held.current = null;
  };
  const hold = (): void => {
    plussed.current = false;
    if (!onPlus) return;
    held.current = window.setTimeout(() => {
      plussed.current = true;
      onPlus();
    }, longPressMs);
  };
  return (
    <div className={`keys-grid keys-${place}`} role="group" aria-label={t('phone.keypad')}>
      {keys.map(([key, letters]) => (
        <button
          key={key}
          type="button"
          className="tel-key"
          aria-label={key === '0' && onPlus ? t('phone.key.zero') : key}
          onPointerDown={key === '0' ? hold : undefined}
          onPointerUp={release}
          onPointerLeave={release}
          onPointerCancel={release}
          onClick={() => {
            if (key === '0' && plussed.current) plussed.current = false;
            else onKey(key);
          }}
          data-testid={`key-${key === '*' ? 'star' : key === '#' ? 'hash' : key}`}
        >
          <span className="tel-key-digit" aria-hidden="true">
            {key}
          </span>
          {(key === '1' || (key === '0' ? onPlus : letters !== '')) && (
            <span className="tel-key-letters" aria-hidden="true">
              {letters}
            </span>
          )}
        </button>
      ))}
    </div>
  );
}
