// What lies over the pages at a room's address: the door, the room, or why one is out. The sound of a room goes on under
// every page.
import { useEffect, useState } from 'react';
import { useRoute, sameRoom, type RoomAddress } from '../lib/route';
import { restoreFocus } from '../lib/focus';
import { StreamAudio } from '../media/Stream';
import { useWakeLock } from '../media/wakeLock';
import { useI18n } from '../state/app';
import { returnToRoom, useRoom, type CurrentRoom } from '../state/rooms';
import { useRoomTitle } from '../state/groups';
import { Prejoin } from './Prejoin';
import { RoomEnded } from './RoomEnded';
import { RoomScreen } from './RoomScreen';

export function RoomLayer(): JSX.Element | null {
  const { room: address } = useRoute();
  const current = useRoom();
  const [unlock, setUnlock] = useState<(() => void) | null>(null);
  useWakeLock(current !== null && !current.room.isOver);
  return (
    <>
      {current && <RoomSound current={current} onBlocked={(start) => setUnlock(() => start)} />}
      {address && <RoomPage key={`${address.kind} ${address.id}`} address={address} current={current} unlock={unlock} />}
    </>
  );
}

interface RoomPageProps {
  address: RoomAddress;
  current: CurrentRoom | null;
  unlock: (() => void) | null;
}

function RoomPage({ address, current, unlock }: RoomPageProps): JSX.Element {
  const { t } = useI18n();
  const title = useRoomTitle(address) ?? t(address.kind === 'group' ? 'room.title.group' : 'room.title.chat');
  const { kind, id } = address;
  useEffect(() => returnToRoom({ kind, id }), [kind, id]);
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => restoreFocus(before), [before]);
  useEffect(() => {
    const title0 = document.title;
    document.title = t('room.page_title', { title });
    return () => {
      document.title = title0;
    };
  }, [title, t]);
  if (!current || !sameRoom(current.address, address)) return <Prejoin address={address} title={title} />;
  if (current.snapshot.end) return <RoomEnded current={current} title={title} />;
  return <RoomScreen current={current} title={title} unlock={unlock} />;
}

function RoomSound({ current, onBlocked }: { current: CurrentRoom; onBlocked: (start: (() => void) | null) => void }): JSX.Element {
  const tracks = current.snapshot.participants.flatMap((person) => person.tracks.filter((track) => track.kind === 'audio'));
  return (
    <>
      {tracks.map((track) => track.stream && <StreamAudio key={track.trackId} stream={track.stream} onBlocked={onBlocked} />)}
    </>
  );
}
