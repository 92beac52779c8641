// What every screen shares: the preferences, and the translator and theme that follow from them.
import { createTranslator, type Language, type Translator } from '../i18n';
import { defaultPrefs, parsePrefs, type Prefs, type Theme } from '../lib/prefs';
import { createStore, useStore } from '../lib/store';

const storageKey = 'zvonok.prefs';

function readStorage(): string | null {
  try {
    return window.localStorage.getItem(storageKey);
  } catch {
    return null; // storage is blocked: the defaults do
  }
}

export const prefsStore = createStore<Prefs>(parsePrefs(readStorage(), defaultPrefs(navigator.languages)));

export function setPrefs(changes: Partial<Prefs>): void {
  prefsStore.set((prefs) => ({ ...prefs, ...changes }));
  try {
    window.localStorage.setItem(storageKey, JSON.stringify(prefsStore.get()));
  } catch {
    // Nothing to do: the choice holds for this page.
  }
}

export function usePrefs(): Prefs {
  return useStore(prefsStore);
}

const translators = new Map<Language, Translator>();

export function translatorOf(language: Language): Translator {
  let translator = translators.get(language);
  if (!translator) {
    translator = createTranslator(language);
    translators.set(language, translator);
  }
  return translator;
}

export function useI18n(): Translator {
  return translatorOf(usePrefs().language);
}

/** The translator outside of React, for tones and toasts. */
export function currentI18n(): Translator {
  return translatorOf(prefsStore.get().language);
}

const darkQuery = window.matchMedia('(prefers-color-scheme: dark)');

function applyLook(): void {
  const { language, theme } = prefsStore.get();
  const root = document.documentElement;
  root.lang = language;
  root.dataset.theme = resolveTheme(theme, darkQuery.matches);
}

export function resolveTheme(theme: Theme, systemIsDark: boolean): 'light' | 'dark' {
  if (theme === 'system') return systemIsDark ? 'dark' : 'light';
  return theme;
}

/** Keeps <html lang> and the theme in step with the preferences and the system. Call once. */
export function followLook(): void {
  applyLook();
  prefsStore.subscribe(applyLook);
  darkQuery.addEventListener('change', applyLook);
}
