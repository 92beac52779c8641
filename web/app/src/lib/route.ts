// The app's addresses: /people, /people/<id>, /phone, /phone/<number>, /groups, /groups/<id>, /history, /history/<id>, /settings, and of rooms
// /room/group/<id> and /room/chat/<id>.
import type { RoomKind } from '@zvonok/client';
import { createStore, useStore } from './store';

export type Tab = 'people' | 'phone' | 'groups' | 'history' | 'settings';

export interface RoomAddress {
  readonly kind: RoomKind;
  readonly id: string;
}

export interface Route {
  readonly tab: Tab;
  /** Whose details are open beside or over the list: a person's, among the groups a group's; a number to be dialed. */
  readonly personId: string | null;
  /** The room that lies over all of it. */
  readonly room?: RoomAddress;
}

const tabs: readonly Tab[] = ['people', 'phone', 'groups', 'history', 'settings'];

/** null: not a part of an address. */
function decode(part: string | undefined): string | null {
  if (part === undefined) return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

export function parseRoute(path: string): Route {
  const [first, second, third] = path.split('/').filter((part) => part !== '');
  if (first === 'room') {
    const id = decode(third);
    if (id !== null && (second === 'group' || second === 'chat')) return routeToRoom({ kind: second, id });
  }
  const tab = tabs.find((each) => each === first) ?? 'people';
  return { tab, personId: tab === 'settings' || tab !== first ? null : decode(second) };
}

/** Under the room of a group lies the group's page. */
export function routeToRoom(room: RoomAddress): Route {
  return room.kind === 'group' ? { tab: 'groups', personId: room.id, room } : { tab: 'people', personId: null, room };
}

export function pathOf(route: Route): string {
  if (route.room) return `/room/${route.room.kind}/${encodeURIComponent(route.room.id)}`;
  return route.personId === null ? `/${route.tab}` : `/${route.tab}/${encodeURIComponent(route.personId)}`;
}

export function sameRoom(a: RoomAddress | null | undefined, b: RoomAddress | null | undefined): boolean {
  return a != null && b != null && a.kind === b.kind && a.id === b.id;
}

const store = createStore<Route>(parseRoute(window.location.pathname));
window.addEventListener('popstate', () => store.set(parseRoute(window.location.pathname)));

export function useRoute(): Route {
  return useStore(store);
}

export function currentRoute(): Route {
  return store.get();
}

export function navigate(route: Route): void {
  const path = pathOf(route);
  if (path !== window.location.pathname) window.history.pushState(null, '', path);
  store.set(route);
}
