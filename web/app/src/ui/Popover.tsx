// A small panel beside its button: closed by Esc, by a press elsewhere, or by the button again. On phones it is a sheet.
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { focusableIn } from '../lib/focus';
import { cx } from '../lib/cx';

interface TriggerProps {
  'aria-expanded': boolean;
  'aria-haspopup': 'dialog';
  'aria-controls': string | undefined;
  onClick: () => void;
}

interface PopoverProps {
  title: string;
  side: 'above' | 'below';
  trigger: (props: TriggerProps) => ReactNode;
  children: ReactNode;
}

export function Popover({ title, side, trigger, children }: PopoverProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const close = (refocus: 'refocus' | 'leave'): void => {
      setOpen(false);
      if (refocus === 'refocus') root.current?.querySelector<HTMLElement>('[aria-haspopup]')?.focus();
    };
    const first = panel.current ? (focusableIn(panel.current)[0] ?? panel.current) : null;
    first?.focus({ preventScroll: true });
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      close('refocus');
    };
    const onPress = (event: PointerEvent): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) close('leave');
    };
    const onFocus = (event: FocusEvent): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) close('leave');
    };
    document.addEventListener('keydown', onKey, true);
    document.addEventListener('pointerdown', onPress);
    document.addEventListener('focusin', onFocus);
    return () => {
      document.removeEventListener('keydown', onKey, true);
      document.removeEventListener('pointerdown', onPress);
      document.removeEventListener('focusin', onFocus);
    };
  }, [open]);
  return (
    <div ref={root} className="popover-root">
      {trigger({
        'aria-expanded': open,
        'aria-haspopup': 'dialog',
        'aria-controls': open ? id : undefined,
        onClick: () => setOpen(!open),
      })}
      {open && (
        <div
          ref={panel}
          id={id}
          className={cx('popover', `popover-${side}`)}
          role="dialog"
          aria-label={title}
          tabIndex={-1}
        >
          <p className="popover-title">{title}</p>
          {children}
        </div>
      )}
    </div>
  );
}
