// Keeps the screen on during a call, where the browser can.
import { useEffect } from 'react';

export function useWakeLock(wanted: boolean): void {
  useEffect(() => {
    if (!wanted || !('wakeLock' in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let current = true;
    const acquire = (): void => {
      if (document.hidden) return;
      navigator.wakeLock.request('screen').then(
        (sentinel) => {
          if (current) lock = sentinel;
          else void sentinel.release();
        },
        () => undefined, // low battery, or forbidden: the call goes on
      );
    };
    acquire();
    // The browser takes the lock away from hidden pages.
    document.addEventListener('visibilitychange', acquire);
    return () => {
      current = false;
      document.removeEventListener('visibilitychange', acquire);
      void lock?.release().catch(() => undefined);
    };
  }, [wanted]);
}
