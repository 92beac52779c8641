// The translator: a language, its texts and its formats, as one immutable object.
import { en } from './en';
import { formatMessage, type Message, type ParamsOf } from './messages';
import { ru } from './ru';

export type MessageKey = keyof typeof en;
export type Dictionary = { readonly [K in MessageKey]: Message };
export type Language = 'en' | 'ru';

export const languages: readonly Language[] = ['en', 'ru'];
/** Each language by its own name, as a picker should show it. */
export const languageNames: Readonly<Record<Language, string>> = { en: 'English', ru: 'Русский' };
export const dictionaries: Readonly<Record<Language, Dictionary>> = { en, ru };

export type Translate = <K extends MessageKey>(key: K, ...params: ParamsOf<(typeof en)[K]>) => string;
/** Keys whose text takes no parameters: what tables of messages may hold. */
export type PlainKey = { [K in MessageKey]: ParamsOf<(typeof en)[K]> extends [] ? K : never }[MessageKey];

export interface Translator {
  readonly language: Language;
  readonly t: Translate;
  readonly number: Intl.NumberFormat;
}

export function createTranslator(language: Language): Translator {
  const rules = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(language);
  const dictionary = dictionaries[language];
  const t: Translate = (key, ...params) =>
    formatMessage(dictionary[key], params[0] as Record<string, string | number> | undefined, rules, number);
  return { language, t, number };
}

/** The first of the browser's languages that we speak; English otherwise. */
export function pickLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const base = tag.toLowerCase().split('-')[0];
    const found = languages.find((language) => language === base);
    if (found) return found;
  }
  return 'en';
}
