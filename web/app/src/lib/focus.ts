// Focus inside dialogs: it starts inside, goes round inside, and returns to where it was.
import { useEffect, type RefObject } from 'react';

const focusable =
  'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), [tabindex="0"]';

export function focusableIn(root: HTMLElement): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(focusable)].filter(
    (element) => element.getAttribute('aria-hidden') !== 'true' && element.closest('[hidden], [inert]') === null,
  );
}

/**
 * Traps Tab inside `ref` while mounted. `initial` is a selector of what gets the focus first; 'self': the element itself,
 * for what opens by itself under typing hands, where Enter or Space must not press anything.
 */
export function useFocusTrap(ref: RefObject<HTMLElement | null>, initial?: string): void {
  useEffect(() => {
    const root = ref.current;
    if (!root) return;
    const before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    if (!root.contains(document.activeElement)) {
      const wanted = initial === 'self' ? root : initial ? root.querySelector<HTMLElement>(initial) : null;
      (wanted ?? focusableIn(root)[0] ?? root).focus({ preventScroll: true });
    }
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Tab') return;
      const items = focusableIn(root);
      const first = items[0];
      const last = items[items.length - 1];
      if (!first || !last) {
        event.preventDefault();
        return;
      }
      const active = document.activeElement;
      if (event.shiftKey && (active === first || active === root || !root.contains(active))) {
        event.preventDefault();
        last.focus();
      } else if (!event.shiftKey && (active === last || !root.contains(active))) {
        event.preventDefault();
        first.focus();
      }
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
      restoreFocus(before);
    };
  }, [ref, initial]);
}

/** Gives the focus back, once what covered the element is gone; to the page's heading, when the element is gone too. */
export function restoreFocus(element: Element | null): void {
  window.setTimeout(() => {
    const target = element?.isConnected ? element : document.querySelector('.main h1');
    if (target instanceof HTMLElement) target.focus({ preventScroll: true });
  }, 0);
}
