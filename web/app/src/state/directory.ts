// People, presence and history: loaded through the SDK, kept in stores, cleared when the user changes.
import { useEffect } from 'react';
import type { Person as SdkPerson } from '@zvonok/client';
import { createStore, useStore } from '../lib/store';
import { prefsStore, setPrefs } from './app';
import { zvonok } from './client';
import { countMissedSince, initialHistory, reduceHistory, type HistoryAction, type HistoryState } from './history';
import { toHistoryItem } from './historyItem';
import { forgetPhoneHistory } from './phoneHistory';
import { initialPeople, reducePeople, type PeopleAction, type PeopleState, type Person } from './people';
import { sessionStore } from './session';

const peopleStore = createStore<PeopleState>(initialPeople);
const historyStore = createStore<HistoryState>(initialHistory);
/** Names by user id, from wherever the server told them. */
const namesStore = createStore<ReadonlyMap<string, string>>(new Map());
const presenceStore = createStore<ReadonlyMap<string, boolean>>(new Map());

const pageSize = 50;
// The server takes 500 for presence; the newest pages matter least.
const watchedMax = 500;

export const usePeople = (): PeopleState => useStore(peopleStore);
export const useHistory = (): HistoryState => useStore(historyStore);

function dispatchPeople(action: PeopleAction): void {
  peopleStore.set((state) => reducePeople(state, action));
}

function dispatchHistory(action: HistoryAction): void {
  historyStore.set((state) => reduceHistory(state, action));
}

function learnNames(entries: readonly (readonly [id: string, name: string | null])[]): void {
  namesStore.set((names) => {
    const fresh = entries.filter(([id, name]) => name !== null && name !== '' && names.get(id) !== name);
    if (fresh.length === 0) return names;
    const next = new Map(names);
    for (const [id, name] of fresh) next.set(id, name as string);
    return next;
  });
}

export interface KnownPerson {
  /** null: nobody told yet. */
  readonly name: string | null;
  readonly online: boolean | undefined;
}

export function usePerson(id: string): KnownPerson {
  const name = useStore(namesStore).get(id) ?? null;
  const online = useStore(presenceStore).get(id);
  return { name, online };
}

/** The name of somebody who calls and is in no list yet: the server has put the call into the history. */
export function learnPerson(id: string): void {
  if (!namesStore.get().has(id)) void loadHistory();
}

// ---- people ----

function toPerson(person: SdkPerson): Person {
  const live = zvonok.signal.presence.get(person.id);
  return { id: person.id, name: person.displayName || person.id, online: live ?? person.online };
}

async function loadPeoplePage(query: string, after: string | null): Promise<void> {
  try {
    const page = await zvonok.api.people({
      limit: pageSize,
      ...(query === '' ? {} : { search: query }),
      ...(after === null ? {} : { after }),
    });
    const me = sessionStore.get().user?.id;
    const people = page.items.filter((person) => person.id !== me).map(toPerson);
    learnNames(people.map((person) => [person.id, person.name]));
    presenceStore.set((presence) => new Map([...presence, ...people.map((person) => [person.id, person.online] as const)]));
    dispatchPeople({ type: 'loaded', query, people, next: page.next, append: after !== null });
    watchPresence();
  } catch {
    dispatchPeople({ type: 'failed', query });
  }
}

export function searchPeople(query: string): Promise<void> {
  dispatchPeople({ type: 'search', query });
  return loadPeoplePage(query, null);
}

export async function loadMorePeople(): Promise<void> {
  const { next, query, loadingMore } = peopleStore.get();
  if (next === null || loadingMore) return;
  dispatchPeople({ type: 'more' });
  await loadPeoplePage(query, next);
}

function watchPresence(): void {
  const ids = new Set([
    ...peopleStore.get().people.map((person) => person.id),
    ...historyStore.get().items.map((item) => item.peerId).filter((id) => id !== ''),
  ]);
  zvonok.signal.watchPresence([...ids].slice(0, watchedMax));
}

// The server sends a whole list at first: one render for all of it.
let pendingPresence: { userId: string; online: boolean }[] = [];

zvonok.signal.on('presence', (update) => {
  if (pendingPresence.length === 0) {
    queueMicrotask(() => {
      const users = pendingPresence;
      pendingPresence = [];
      dispatchPeople({ type: 'presence', users });
      presenceStore.set((presence) => new Map([...presence, ...users.map((user) => [user.userId, user.online] as const)]));
    });
  }
  pendingPresence.push(update);
});

// ---- history ----

async function loadHistoryPage(after: string | null): Promise<void> {
  try {
    const page = await zvonok.api.callHistory({ limit: pageSize, ...(after === null ? {} : { after }) });
    const items = page.items.map(toHistoryItem);
    learnNames(items.map((item) => [item.peerId, item.peerName]));
    dispatchHistory({ type: 'loaded', items, next: page.next, append: after !== null });
    watchPresence();
  } catch {
    dispatchHistory({ type: 'failed' });
  }
}

export function loadHistory(): Promise<void> {
  return loadHistoryPage(null);
}

export async function loadMoreHistory(): Promise<void> {
  const { next, loadingMore } = historyStore.get();
  if (next === null || loadingMore) return;
  dispatchHistory({ type: 'more' });
  await loadHistoryPage(next);
}

export function markHistorySeen(): void {
  const newest = historyStore.get().items[0]?.startedAt.getTime() ?? 0;
  if (newest > prefsStore.get().historySeenAt) setPrefs({ historySeenAt: newest });
}

export function useMissedCount(): number {
  const seenAt = useStore(prefsStore).historySeenAt;
  return countMissedSince(useStore(historyStore).items, seenAt);
}

// ---- the user ----

// Nobody tells a page of people who have just signed up: it looks again, more often while it has nobody to show.
const refreshMs = 15_000;
const refreshEmptyMs = 4000;

function refreshPeople(): void {
  const { people, status, query, loadingMore } = peopleStore.get();
  // Further pages would be lost, and a search is about to be answered anyway.
  const settled = status !== 'loading' && query === '' && !loadingMore && people.length <= pageSize;
  if (settled && !document.hidden && sessionStore.get().user) void loadPeoplePage('', null);
}

function keepPeopleFresh(): void {
  const wait = peopleStore.get().people.length === 0 ? refreshEmptyMs : refreshMs;
  window.setTimeout(() => {
    // During a call nobody looks at the list.
    if (!zvonok.calls.current) refreshPeople();
    keepPeopleFresh();
  }, wait);
}

let loadedFor: string | null = null;

function followUser(): void {
  const id = sessionStore.get().user?.id ?? null;
  if (id === loadedFor) return;
  loadedFor = id;
  peopleStore.set(initialPeople);
  historyStore.set(initialHistory);
  namesStore.set(new Map());
  presenceStore.set(new Map());
  forgetPhoneHistory();
  zvonok.phone.disconnect();
  if (id === null) return;
  zvonok.signal.connect();
  zvonok.phone.connect();
  void searchPeople('');
  void loadHistory();
}

/** Loads what the user sees first, now and at every sign-in. Call once. */
export function followSession(): void {
  followUser();
  sessionStore.subscribe(followUser);
  keepPeopleFresh();
  window.addEventListener('focus', refreshPeople);
  // After a gap the lists may be old.
  let wasOnline = false;
  zvonok.signal.on('status', (status) => {
    if (status !== 'online') return;
    if (wasOnline || peopleStore.get().status === 'failed') void loadPeoplePage(peopleStore.get().query, null);
    if (wasOnline || historyStore.get().status === 'failed') void loadHistory();
    wasOnline = true;
  });
}

// ---- a call on another device ----

const elsewhereCheckMs = 15_000;

/** Whether the history knows a call of this user that is going on: looked at again while it does. */
export function useActiveElsewhere(): boolean {
  const active = useHistory().items.slice(0, 5).some((item) => item.status === 'active');
  useEffect(() => {
    if (!active) return;
    const timer = window.setInterval(() => void loadHistory(), elsewhereCheckMs);
    return () => window.clearInterval(timer);
  }, [active]);
  return active;
}
