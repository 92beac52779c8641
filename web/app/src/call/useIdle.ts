// Whether nobody has moved, touched or typed for a while: the controls then make room for the picture.
import { useEffect, useState, type RefObject } from 'react';

const idleMs = 4500;

export function useIdle(ref: RefObject<HTMLElement | null>, enabled: boolean): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    const root = ref.current;
    setIdle(false);
    if (!enabled || !root) return;
    let timer = 0;
    const rest = (): void => {
      // An open menu, or a control reached by keyboard, must not fade away.
      const held = root.querySelector('[aria-expanded="true"], :focus-visible') !== null;
      if (held) arm();
      else setIdle(true);
    };
    const arm = (): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(rest, idleMs);
    };
    const wake = (): void => {
      setIdle(false);
      arm();
    };
    // A finger that only wants to see the controls must not press the one that happens to be under it.
    let wakingTouch = false;
    const onPress = (event: PointerEvent): void => {
      wakingTouch = event.pointerType === 'touch' && root.classList.contains('is-idle');
      wake();
    };
    const onClick = (event: MouseEvent): void => {
      if (!wakingTouch) return;
      wakingTouch = false;
      event.preventDefault();
      event.stopPropagation();
    };
    arm();
    const events = ['pointermove', 'keydown', 'focusin'] as const;
    for (const event of events) root.addEventListener(event, wake);
    root.addEventListener('pointerdown', onPress, true);
    root.addEventListener('click', onClick, true);
    return () => {
      window.clearTimeout(timer);
      for (const event of events) root.removeEventListener(event, wake);
      root.removeEventListener('pointerdown', onPress, true);
      root.removeEventListener('click', onClick, true);
    };
  }, [ref, enabled]);
  return idle;
}
