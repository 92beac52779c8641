// What this browser remembers: language, theme, ring tone, notifications. (Devices are remembered by the SDK.) A broken or missing store means the defaults.
import { languages, pickLanguage, type Language } from '../i18n';

export type Theme = 'system' | 'light' | 'dark';

export interface Prefs {
  readonly language: Language;
  readonly theme: Theme;
  readonly ringTone: boolean;
  readonly notifications: boolean;
  /** Calls through a tunnel are taken, and can be made. */
  readonly tunnel: boolean;
  /** When the history was last looked at (ms since 1970): missed calls after it are new. */
  readonly historySeenAt: number;
}

export function defaultPrefs(preferredLanguages: readonly string[]): Prefs {
  return {
    language: pickLanguage(preferredLanguages),
    theme: 'system',
    ringTone: true,
    notifications: false,
    tunnel: false,
    historySeenAt: 0,
  };
}

/** Takes each stored field that has the right shape, and the default of every other. */
export function parsePrefs(text: string | null, defaults: Prefs): Prefs {
  let stored: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    if (typeof value === 'object' && value !== null) stored = value as Record<string, unknown>;
  } catch {
    return defaults;
  }
  const flag = (value: unknown, otherwise: boolean): boolean => (typeof value === 'boolean' ? value : otherwise);
  return {
    language: languages.find((language) => language === stored.language) ?? defaults.language,
    theme: (['system', 'light', 'dark'] as const).find((theme) => theme === stored.theme) ?? defaults.theme,
    ringTone: flag(stored.ringTone, defaults.ringTone),
    notifications: flag(stored.notifications, defaults.notifications),
    tunnel: flag(stored.tunnel, defaults.tunnel),
    historySeenAt: typeof stored.historySeenAt === 'number' ? stored.historySeenAt : defaults.historySeenAt,
  };
}
