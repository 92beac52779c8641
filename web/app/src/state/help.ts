// Whether the list of shortcuts is open: asked for from three places.
import { createStore } from '../lib/store';

export const helpStore = createStore(false);

export function openHelp(): void {
  helpStore.set(true);
}

export function closeHelp(): void {
  helpStore.set(false);
}
