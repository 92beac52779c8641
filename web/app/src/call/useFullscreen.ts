// Full screen, where the browser can: of the whole page, so that dialogs and notes are seen there as well.
import { useEffect, useState } from 'react';

export interface Fullscreen {
  readonly possible: boolean;
  readonly on: boolean;
}

export function toggleFullscreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
  else if (document.fullscreenEnabled) void document.documentElement.requestFullscreen().catch(() => undefined);
}

/** Leaves full screen when the component goes. */
export function useFullscreen(): Fullscreen {
  const [on, setOn] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const onChange = (): void => setOn(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', onChange);
    return () => {
      document.removeEventListener('fullscreenchange', onChange);
      if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
    };
  }, []);
  return { possible: document.fullscreenEnabled === true, on };
}
