// The history of phone calls, as the phone's page shows it: filtered by the server, page by page.
import { createStore, useStore } from '../lib/store';
import { zvonok } from './client';
import { toHistoryItem } from './historyItem';
import { initialHistory, reduceHistory, type HistoryAction, type HistoryState } from './history';

export type PhoneFilter = 'all' | 'missed' | 'incoming' | 'outgoing';

interface PhoneHistory {
  readonly filter: PhoneFilter;
  readonly list: HistoryState;
}

const pageSize = 30;
const store = createStore<PhoneHistory>({ filter: 'all', list: initialHistory });

export const usePhoneHistory = (): PhoneHistory => useStore(store);

function dispatch(filter: PhoneFilter, action: HistoryAction): void {
  // An answer for a filter that was left says nothing any more.
  store.set((state) => (state.filter === filter ? { ...state, list: reduceHistory(state.list, action) } : state));
}

async function loadPage(filter: PhoneFilter, after: string | null): Promise<void> {
  try {
    const page = await zvonok.api.callHistory({
      kind: 'phone',
      limit: pageSize,
      ...(filter === 'missed' ? { status: 'missed' as const } : {}),
      ...(filter === 'incoming' || filter === 'outgoing' ? { direction: filter } : {}),
      ...(after === null ? {} : { after }),
    });
    dispatch(filter, { type: 'loaded', items: page.items.map(toHistoryItem), next: page.next, append: after !== null });
  } catch {
    dispatch(filter, { type: 'failed' });
  }
}

export function loadPhoneHistory(): Promise<void> {
  return loadPage(store.get().filter, null);
}

export function choosePhoneFilter(filter: PhoneFilter): void {
  if (store.get().filter === filter) return;
  store.set({ filter, list: initialHistory });
  void loadPage(filter, null);
}

export async function loadMorePhoneHistory(): Promise<void> {
  const { filter, list } = store.get();
  if (list.next === null || list.loadingMore) return;
  dispatch(filter, { type: 'more' });
  await loadPage(filter, list.next);
}

export function forgetPhoneHistory(): void {
  store.set({ filter: 'all', list: initialHistory });
}
