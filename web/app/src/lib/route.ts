// The app's addresses: /people, /people/<id>, /history, /history/<id>, /settings.
import { createStore, useStore } from './store';

export type Tab = 'people' | 'history' | 'settings';

export interface Route {
  readonly tab: Tab;
  /** Whose details are open beside or over the list. */
  readonly personId: string | null;
}

export function parseRoute(path: string): Route {
  const [first, second] = path.split('/').filter((part) => part !== '');
  if (first === 'settings') return { tab: 'settings', personId: null };
  const tab: Tab = first === 'history' ? 'history' : 'people';
  if (second === undefined) return { tab, personId: null };
  try {
    return { tab, personId: decodeURIComponent(second) };
  } catch {
    return { tab, personId: null };
  }
}

export function pathOf(route: Route): string {
  return route.personId === null ? `/${route.tab}` : `/${route.tab}/${encodeURIComponent(route.personId)}`;
}

const store = createStore<Route>(parseRoute(window.location.pathname));
window.addEventListener('popstate', () => store.set(parseRoute(window.location.pathname)));

export function useRoute(): Route {
  return useStore(store);
}

export function navigate(route: Route): void {
  const path = pathOf(route);
  if (path !== window.location.pathname) window.history.pushState(null, '', path);
  store.set(route);
}
