// What is to be seen in a room: one tile for each participant and one for each shared screen, and which go where. Pure.
import type { RoomParticipant, RoomPhone, RoomSnapshot, RoomTrack } from '@zvonok/client';

export type RoomLayout = 'grid' | 'speaker';

export interface Tile {
  /** The same as long as the tile shows the same thing. */
  readonly key: string;
  readonly kind: 'person' | 'screen';
  readonly sessionId: string;
  readonly userId: string;
  readonly name: string;
  readonly isSelf: boolean;
  /** The picture; null: the avatar is shown. Of oneself there is a stream without a track. */
  readonly stream: MediaStream | null;
  readonly trackId: string | null;
  readonly muted: boolean;
  readonly speaking: boolean;
  readonly state: RTCPeerConnectionState;
  readonly quality: RoomParticipant['quality'];
  /** Not null: it is a telephone. */
  readonly phone: RoomPhone | null;
}

function trackOf(person: RoomParticipant, source: RoomTrack['source']): RoomTrack | null {
  return person.tracks.find((track) => track.source === source) ?? null;
}

/** Whether others can't hear them: their microphone is off, or there is none. A telephone that rings says nothing yet. */
export function isSilent(person: RoomParticipant): boolean {
  if (person.phone && person.phone.status !== 'in_progress') return false;
  return trackOf(person, 'microphone')?.muted ?? true;
}

export function showsCamera(person: RoomParticipant): boolean {
  const camera = trackOf(person, 'camera');
  return camera !== null && !camera.muted;
}

function personTile(person: RoomParticipant): Tile {
  const camera = trackOf(person, 'camera');
  const shown = camera !== null && !camera.muted && camera.stream !== null;
  return {
    key: person.sessionId,
    kind: 'person',
    sessionId: person.sessionId,
    userId: person.userId,
    name: person.name,
    isSelf: false,
    stream: shown ? camera.stream : null,
    trackId: shown ? camera.trackId : null,
    muted: isSilent(person),
    speaking: person.speaking,
    state: person.state,
    quality: person.quality,
    phone: person.phone,
  };
}

export interface Self {
  readonly name: string;
  readonly localStream: MediaStream;
  readonly screenStream: MediaStream;
}

function selfTile(snapshot: RoomSnapshot, self: Self): Tile {
  return {
    key: snapshot.sessionId,
    kind: 'person',
    sessionId: snapshot.sessionId,
    userId: snapshot.userId ?? '',
    name: self.name,
    isSelf: true,
    stream: snapshot.local.video ? self.localStream : null,
    trackId: null,
    muted: snapshot.local.muted || !snapshot.local.audio,
    speaking: snapshot.speaking && !snapshot.local.muted,
    state: snapshot.media,
    quality: null,
    phone: null,
  };
}

/** Screens first, then the others in the order of their coming, oneself last. */
export function tilesOf(snapshot: RoomSnapshot, self: Self): readonly Tile[] {
  const own = selfTile(snapshot, self);
  const screens: Tile[] = [];
  for (const person of snapshot.participants) {
    const screen = trackOf(person, 'screen');
    if (!screen || screen.muted) continue;
    const { stream, trackId } = screen;
    screens.push({ ...personTile(person), key: `${person.sessionId} screen`, kind: 'screen', stream, trackId, speaking: false });
  }
  if (snapshot.local.screen) {
    screens.push({ ...own, key: `${own.key} screen`, kind: 'screen', stream: self.screenStream, speaking: false });
  }
  return [...screens, ...snapshot.participants.map(personTile), own];
}

export interface Scene {
  /** Shown large; null: all are of one size. */
  readonly large: Tile | null;
  readonly small: readonly Tile[];
  /** Tiles that found no place. */
  readonly hidden: number;
}

/**
 * What is shown large: what the user has pinned, else somebody's screen, else, in the layout for it, who spoke last.
 * `room`: how many small tiles there is room for. Who speaks is always among those that are seen.
 */
export function sceneOf(
  tiles: readonly Tile[],
  wish: { readonly pinned: string | null; readonly layout: RoomLayout; readonly lastSpeaker: string | null },
  room: { readonly grid: number; readonly strip: number },
): Scene {
  const others = tiles.filter((tile) => !tile.isSelf);
  const speaker = wish.layout === 'speaker' ? (others.find((tile) => tile.sessionId === wish.lastSpeaker && tile.kind === 'person') ?? null) : null;
  const large =
    tiles.find((tile) => tile.key === wish.pinned) ??
    others.find((tile) => tile.kind === 'screen') ??
    speaker ??
    (wish.layout === 'speaker' ? (others[0] ?? null) : null);
  const rest = tiles.filter((tile) => tile !== large);
  const most = large ? room.strip : room.grid;
  if (rest.length <= most) return { large, small: rest, hidden: 0 };
  // Oneself and the speaking first, then those with a picture; on the screen in the order they always have.
  const rank = (tile: Tile): number => (tile.isSelf ? 0 : tile.speaking || tile.sessionId === wish.lastSpeaker ? 1 : tile.stream ? 2 : 3);
  const chosen = new Set([...rest].sort((a, b) => rank(a) - rank(b)).slice(0, Math.max(1, most - 1)));
  const small = rest.filter((tile) => chosen.has(tile));
  return { large, small, hidden: rest.length - small.length };
}
