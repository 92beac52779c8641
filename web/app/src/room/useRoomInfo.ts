// Whether somebody is in a room, and whether it is encrypted, for those who stand at its door.
import { useEffect, useState } from 'react';
import type { RoomInfo } from '@zvonok/client';
import type { RoomAddress } from '../lib/route';
import { zvonok } from '../state/client';

const againMs = 4000;

/** null: not known. */
export function useRoomInfo({ kind, id }: RoomAddress): RoomInfo | null {
  const [info, setInfo] = useState<RoomInfo | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const ask = async (): Promise<void> => {
      // Who may not look may not come in either: the door says so.
      const found = await zvonok.api.roomInfo(kind, id, abort.signal).catch(() => null);
      if (abort.signal.aborted) return;
      setInfo(found);
      timer = window.setTimeout(() => void ask(), againMs);
    };
    void ask();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [kind, id]);
  return info;
}
