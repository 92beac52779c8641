// The connection to the server, as the banner tells it. A short gap is nobody's business.
import { useEffect, useState } from 'react';
import type { ConnectionStatus } from '@zvonok/client';
import { createStore, useStore } from '../lib/store';
import { zvonok } from './client';

const statusStore = createStore<ConnectionStatus>(zvonok.signal.status);
zvonok.signal.on('status', (status) => statusStore.set(status));

export type ConnectionView = 'fine' | 'lost' | 'taken';

/** lost: being mended. taken: another tab took this device's name, and nothing is tried any more. */
export function viewOf(status: ConnectionStatus): ConnectionView {
  switch (status) {
    case 'online':
    case 'unauthorized': // the sign-in screen says it
      return 'fine';
    case 'idle':
      return 'taken';
    case 'connecting':
    case 'waiting':
    case 'offline':
      return 'lost';
  }
}

const patienceMs = 1200;

export function useConnection(): ConnectionView {
  const status = useStore(statusStore);
  const view = viewOf(status);
  const [shown, setShown] = useState<ConnectionView>('fine');
  useEffect(() => {
    if (view === 'fine') {
      setShown('fine');
      return;
    }
    const timer = window.setTimeout(() => setShown(view), patienceMs);
    return () => window.clearTimeout(timer);
  }, [view]);
  return shown;
}

export function reconnect(): void {
  zvonok.signal.connect();
  zvonok.signal.wake();
}
