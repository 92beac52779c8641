// The room of this page: which one it is, what it looks like now, and what the user may do in it.
import type { Room, RoomSnapshot } from '@zvonok/client';
import { createStore, useStore } from '../lib/store';
import { currentRoute, navigate, sameRoom, type RoomAddress } from '../lib/route';
import { phoneEndText } from '../room/phones';
import type { RoomLayout } from '../room/tiles';
import { currentI18n } from './app';
import { canShareScreen, warningTexts } from './calls';
import { zvonok } from './client';
import { sessionStore } from './session';
import { showToast } from './toasts';

export interface CurrentRoom {
  readonly address: RoomAddress;
  readonly room: Room;
  readonly snapshot: RoomSnapshot;
  /** Who is, or was last, heard: of others only. */
  readonly lastSpeaker: string | null;
  readonly entry: RoomEntry;
}

export interface RoomEntry {
  readonly name?: string | undefined;
  readonly video: boolean;
  readonly muted: boolean;
  /** Only if it is, end to end; false: as the room is. */
  readonly encrypted?: boolean;
  /** The preview's tracks. */
  readonly stream?: MediaStream | null;
}

export const roomStore = createStore<CurrentRoom | null>(null);

export const useRoom = (): CurrentRoom | null => useStore(roomStore);

export function getRoom(): CurrentRoom | null {
  return roomStore.get();
}

// ---- the look -------------------------------------------------------------------------------------------------------

export const layoutStore = createStore<RoomLayout>('grid');
export const panelStore = createStore(false);
export const pinnedStore = createStore<string | null>(null);

export function toggleLayout(): void {
  pinnedStore.set(null);
  layoutStore.set((layout) => (layout === 'grid' ? 'speaker' : 'grid'));
}

export function togglePanel(): void {
  panelStore.set((open) => !open);
}

export function togglePin(key: string): void {
  pinnedStore.set((pinned) => (pinned === key ? null : key));
}

// ---- a reload comes back into the room --------------------------------------------------------------------------------

const savedKey = 'zvonok.room';

interface SavedRoom extends RoomAddress {
  readonly user: string;
  readonly name?: string;
  readonly video: boolean;
  readonly muted: boolean;
  readonly encrypted?: boolean;
}

function saveRoom(current: CurrentRoom | null): void {
  try {
    if (!current) {
      window.sessionStorage.removeItem(savedKey);
      return;
    }
    const { local } = current.snapshot;
    const saved: SavedRoom = {
      ...current.address,
      user: sessionStore.get().user?.id ?? '',
      ...(current.entry.name === undefined ? {} : { name: current.entry.name }),
      video: local.video,
      muted: local.muted,
      encrypted: current.snapshot.encryption.state !== 'off',
    };
    window.sessionStorage.setItem(savedKey, JSON.stringify(saved));
  } catch {
    // Storage is blocked: the page asks again.
  }
}

/** How to go back into this room at once; null: it was left properly, or never entered. */
function savedEntry(address: RoomAddress): RoomEntry | null {
  try {
    const saved = JSON.parse(window.sessionStorage.getItem(savedKey) ?? 'null') as SavedRoom | null;
    if (!saved || !sameRoom(saved, address) || saved.user !== sessionStore.get().user?.id) return null;
    return { name: saved.name, video: saved.video === true, muted: saved.muted === true, encrypted: saved.encrypted === true };
  } catch {
    return null;
  }
}

/** Once, when the page was loaded in the middle of a room. */
export function returnToRoom(address: RoomAddress): void {
  if (roomStore.get()) return;
  const entry = savedEntry(address);
  if (entry) enterRoom(address, entry);
}

// ---- in and out -----------------------------------------------------------------------------------------------------

export function enterRoom(address: RoomAddress, entry: RoomEntry): void {
  const before = roomStore.get();
  if (before && !before.room.isOver) before.room.leave();
  let room: Room;
  try {
    room = zvonok.joinRoom({ ...address, ...entry, audio: true, e2e: entry.encrypted ? true : undefined });
  } catch {
    showToast(currentI18n().t('room.bad_address'), 'bad'); // an id that can't be one
    return;
  }
  pinnedStore.set(null);
  const { stream: _, ...again } = entry;
  roomStore.set({ address, room, snapshot: room.snapshot, lastSpeaker: null, entry: again });
  follow(room);
}

function follow(room: Room): void {
  const update = (change: Partial<CurrentRoom>): void =>
    roomStore.set((current) => (current?.room === room ? { ...current, ...change } : current));
  const { t } = { t: currentI18n().t };
  const nameOf = (sessionId: string): string =>
    room.participants.find((person) => person.sessionId === sessionId)?.name ?? t('room.somebody');
  room.on('change', (snapshot) => {
    update({ snapshot });
    const current = roomStore.get();
    if (current?.room === room && snapshot.state === 'joined') saveRoom(current);
  });
  room.on('speakers', (speakers) => {
    const other = speakers.find((speaker) => speaker.sessionId !== room.sessionId);
    if (other) update({ lastSpeaker: other.sessionId });
  });
  room.on('warning', ({ code }) => {
    const text = warningTexts[code];
    if (text) showToast(currentI18n().t(text), 'bad');
  });
  room.on('muted', ({ kind, by }) => {
    const key = kind === 'audio' ? 'room.muted_by' : 'room.camera_off_by';
    showToast(currentI18n().t(key, { name: nameOf(by) }));
  });
  room.on('phone', ({ participant, status }) => {
    const key = phoneEndText(status);
    if (key) showToast(currentI18n().t(key, { name: participant.name }));
  });
  room.on('role', ({ sessionId, role }) => {
    if (sessionId !== room.sessionId) return;
    showToast(currentI18n().t(role === 'member' ? 'room.role_taken' : 'room.role_given'), 'good');
  });
  room.on('refused', ({ code }) => {
    showToast(currentI18n().t(code === 'forbidden' ? 'room.refused.forbidden' : 'room.refused.other'), 'bad');
  });
  room.on('end', ({ reason, message }) => {
    // Only a page that is going away may come back by itself.
    if (reason !== 'left' || message === null) saveRoom(null);
    if (reason === 'left') roomStore.set((current) => (current?.room === room ? null : current));
    else update({ snapshot: room.snapshot });
  });
}

/** Leaves, and goes back to where the room was entered from. */
export function leaveRoom(): void {
  const current = roomStore.get();
  if (!current) return;
  saveRoom(null);
  current.room.leave();
  roomStore.set(null);
  closeRoomPage();
}

/** From the room's page to the one under it. */
export function closeRoomPage(): void {
  const current = roomStore.get();
  if (current?.room.isOver) roomStore.set(null);
  const { tab, personId, room } = currentRoute();
  if (room) navigate({ tab, personId });
}

export function tryAgain(): void {
  const current = roomStore.get();
  if (current?.room.isOver) enterRoom(current.address, current.entry);
}

// ---- the own media ----------------------------------------------------------------------------------------------------

export function isInRoom(): boolean {
  const current = roomStore.get();
  return current !== null && !current.room.isOver;
}

export async function toggleRoomCamera(): Promise<void> {
  const room = roomStore.get()?.room;
  if (room) await room.setCamera(!room.local.video).catch(() => false);
}

export async function toggleRoomShare(): Promise<void> {
  const room = roomStore.get()?.room;
  if (!room) return;
  if (room.local.screen) room.stopScreenShare();
  else if (canShareScreen) await room.startScreenShare().catch(() => false);
}

// Who takes a call while in a room talks to one of both: the room does not hear along.
zvonok.calls.on('call', (call) => {
  call.on('state', ({ state }) => {
    const room = roomStore.get()?.room;
    if (!room || room.isOver || (state !== 'accepting' && state !== 'initiating')) return;
    room.setMuted(true);
    void room.setCamera(false);
  });
});

sessionStore.subscribe(() => {
  if (sessionStore.get().user === null) roomStore.get()?.room.leave();
});
