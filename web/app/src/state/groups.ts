// The groups of the user and their members, loaded through the SDK.
import { useEffect } from 'react';
import { ApiError } from '@zvonok/client';
import type { Group, GroupRole, Member } from '@zvonok/client';
import type { PlainKey } from '../i18n';
import type { RoomAddress } from '../lib/route';
import { createStore, useStore } from '../lib/store';
import { currentI18n } from './app';
import { zvonok } from './client';
import { sessionStore } from './session';
import { showToast } from './toasts';

export interface GroupsState {
  readonly status: 'loading' | 'ready' | 'failed';
  readonly groups: readonly Group[];
  readonly next: string | null;
}

const initial: GroupsState = { status: 'loading', groups: [], next: null };
const groupsStore = createStore<GroupsState>(initial);
/** By group id; null: can't be had (no such group, or no member of it). */
const membersStore = createStore<ReadonlyMap<string, readonly Member[] | null>>(new Map());
const titlesStore = createStore<ReadonlyMap<string, string>>(new Map());

const pageSize = 100;

export const useGroups = (): GroupsState => useStore(groupsStore);

export async function loadGroups(after: string | null = null): Promise<void> {
  try {
    const page = await zvonok.api.groups({ limit: pageSize, ...(after === null ? {} : { after }) });
    groupsStore.set((state) => ({
      status: 'ready',
      groups: after === null ? page.items : [...state.groups, ...page.items],
      next: page.next,
    }));
  } catch {
    groupsStore.set((state) => ({ ...state, status: state.groups.length > 0 ? 'ready' : 'failed' }));
  }
}

/** Looks again at every visit: nobody tells a page that it was taken into a group. */
export function useFreshGroups(): GroupsState {
  useEffect(() => {
    void loadGroups();
    const refresh = (): void => void loadGroups();
    window.addEventListener('focus', refresh);
    return () => window.removeEventListener('focus', refresh);
  }, []);
  return useGroups();
}

export function useGroup(id: string): Group | null {
  return useGroups().groups.find((group) => group.id === id) ?? null;
}

// ---- members --------------------------------------------------------------------------------------------------------

function setMembers(id: string, members: readonly Member[] | null): void {
  membersStore.set((all) => new Map(all).set(id, members));
}

export async function loadMembers(id: string): Promise<void> {
  try {
    const members: Member[] = [];
    let after: string | undefined;
    do {
      const page = await zvonok.api.groupMembers(id, { limit: 200, after });
      members.push(...page.items);
      after = page.next ?? undefined;
    } while (after !== undefined && members.length < 1000);
    setMembers(id, members);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) setMembers(id, null);
  }
}

/** undefined: on their way. */
export function useMembers(id: string): readonly Member[] | null | undefined {
  useEffect(() => void loadMembers(id), [id]);
  return useStore(membersStore).get(id);
}

// ---- changes --------------------------------------------------------------------------------------------------------

function failureText(error: unknown): PlainKey {
  if (!(error instanceof ApiError)) return 'error.generic';
  if (error.code === 'last_owner') return 'group.error.last_owner';
  if (error.status === 403) return 'group.error.forbidden';
  if (error.status === 404) return 'group.error.gone';
  if (error.status === 0) return 'error.network';
  return error.status === 503 ? 'error.unavailable' : 'error.generic';
}

/** Says what went wrong; resolves to whether it went well. */
async function attempt(change: () => Promise<unknown>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (error) {
    showToast(currentI18n().t(failureText(error)), 'bad');
    return false;
  }
}

export async function createGroup(title: string, members: readonly string[]): Promise<Group | null> {
  let made: Group | null = null;
  await attempt(async () => {
    made = await zvonok.api.createGroup({ title, members });
  });
  if (made) await loadGroups();
  return made;
}

export async function addMembers(id: string, userIds: readonly string[]): Promise<boolean> {
  const done = await attempt(async () => {
    for (const userId of userIds) await zvonok.api.putGroupMember(id, userId);
  });
  await Promise.all([loadMembers(id), loadGroups()]);
  return done;
}

export async function changeRole(id: string, userId: string, role: GroupRole): Promise<void> {
  await attempt(() => zvonok.api.putGroupMember(id, userId, role));
  await loadMembers(id);
}

export async function removeMember(id: string, userId: string): Promise<void> {
  await attempt(() => zvonok.api.removeGroupMember(id, userId));
  await Promise.all([loadMembers(id), loadGroups()]);
}

export async function leaveGroup(id: string): Promise<boolean> {
  const me = sessionStore.get().user?.id ?? '';
  const done = await attempt(() => zvonok.api.removeGroupMember(id, me));
  await loadGroups();
  return done;
}

export async function deleteGroup(id: string): Promise<boolean> {
  const done = await attempt(() => zvonok.api.deleteGroup(id));
  await loadGroups();
  return done;
}

// ---- titles of rooms ------------------------------------------------------------------------------------------------

const titleKey = ({ kind, id }: RoomAddress): string => `${kind} ${id}`;

async function loadTitle(address: RoomAddress): Promise<void> {
  try {
    let title: string;
    if (address.kind === 'group') {
      title = (await zvonok.api.group(address.id)).title;
    } else {
      const me = sessionStore.get().user?.id;
      const { items } = await zvonok.api.chatMembers(address.id);
      title = items.find((member) => member.userId !== me)?.displayName ?? '';
    }
    titlesStore.set((titles) => new Map(titles).set(titleKey(address), title));
  } catch {
    // A room whose members are kept elsewhere has no title here.
  }
}

/** null: it has none that this user may know. */
export function useRoomTitle(address: RoomAddress): string | null {
  const { kind, id } = address;
  useEffect(() => void loadTitle({ kind, id }), [kind, id]);
  return useStore(titlesStore).get(titleKey(address)) ?? null;
}

/** The private chat with somebody; null: it could not be had, which has been said. */
export async function chatWith(userId: string): Promise<string | null> {
  let id: string | null = null;
  await attempt(async () => {
    id = (await zvonok.api.createChat(userId)).id;
  });
  return id;
}

let userBefore = sessionStore.get().user?.id ?? null;
sessionStore.subscribe(() => {
  const user = sessionStore.get().user?.id ?? null;
  if (user === userBefore) return;
  userBefore = user;
  groupsStore.set(initial);
  membersStore.set(new Map());
  titlesStore.set(new Map());
});
