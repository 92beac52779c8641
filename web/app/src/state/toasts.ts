// Short notes at the screen's edge. At most three at once; the oldest gives way.
import { createStore } from '../lib/store';

export type ToastTone = 'plain' | 'good' | 'bad';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: ToastTone;
}

const shownMax = 3;
const shownMs = 6000;

export function addToast(toasts: readonly Toast[], toast: Toast): readonly Toast[] {
  // The same text again replaces itself rather than pile up.
  return [...toasts.filter((other) => other.text !== toast.text), toast].slice(-shownMax);
}

export const toastStore = createStore<readonly Toast[]>([]);

let lastId = 0;

export function showToast(text: string, tone: ToastTone = 'plain'): void {
  lastId += 1;
  const id = lastId;
  toastStore.set((toasts) => addToast(toasts, { id, text, tone }));
  window.setTimeout(() => dismissToast(id), shownMs);
}

export function dismissToast(id: number): void {
  toastStore.set((toasts) => toasts.filter((toast) => toast.id !== id));
}
