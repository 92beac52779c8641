import { describe, expect, it } from 'vitest';
import { createTranslator, dictionaries, languages, pickLanguage, type MessageKey } from '../src/i18n';
import { isPlural, type Message } from '../src/i18n/messages';

const keys = Object.keys(dictionaries.en) as MessageKey[];

function textsOf(message: Message): string[] {
  return isPlural(message) ? Object.values(message) : [message];
}

function paramsOf(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();
}

describe('dictionaries', () => {
  it('have the same keys in every language', () => {
    for (const language of languages) expect(Object.keys(dictionaries[language]).sort()).toEqual([...keys].sort());
  });

  it('ask for no parameter that the English text does not have', () => {
    for (const key of keys) {
      const known = new Set(textsOf(dictionaries.en[key]).flatMap(paramsOf));
      for (const language of languages) {
        for (const text of textsOf(dictionaries[language][key])) {
          for (const name of paramsOf(text)) expect(known, `${language} ${key}: {${name}}`).toContain(name);
        }
      }
    }
  });

  it('have a form for every plural category of their language', () => {
    for (const language of languages) {
      const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
      for (const key of keys) {
        const message = dictionaries[language][key];
        if (!isPlural(message)) continue;
        for (const category of categories) expect(Object.keys(message), `${language} ${key}`).toContain(category);
      }
    }
  });

  it('leave no text empty, and no English text in the Russian dictionary', () => {
    const same = new Set<MessageKey>(['app.name', 'quality.none', 'settings.device.number']);
    for (const key of keys) {
      for (const text of textsOf(dictionaries.ru[key])) expect(text.trim(), key).not.toBe('');
      if (!same.has(key)) expect(dictionaries.ru[key], key).not.toEqual(dictionaries.en[key]);
    }
  });
});

describe('translator', () => {
  it.each([
    [1, '1 человек в сети'],
    [2, '2 человека в сети'],
    [5, '5 человек в сети'],
    [11, '11 человек в сети'],
    [21, '21 человек в сети'],
    [22, '22 человека в сети'],
  ])('counts %i in Russian', (count, text) => {
    expect(createTranslator('ru').t('people.online_count', { count })).toBe(text);
  });

  it('counts in English', () => {
    const { t } = createTranslator('en');
    expect(t('people.online_count', { count: 1 })).toBe('1 person online');
    expect(t('people.online_count', { count: 1200 })).toBe('1,200 people online');
  });

  it('puts parameters in as they are, braces and dollars included', () => {
    expect(createTranslator('en').t('call.with', { name: '$& {name}' })).toBe('Call with $& {name}');
  });
});

describe('pickLanguage', () => {
  it.each([
    [['ru-RU', 'en'], 'ru'],
    [['de', 'ru'], 'ru'],
    [['de-DE', 'fr'], 'en'],
    [['EN-gb'], 'en'],
    [[], 'en'],
  ] as const)('of %j is %s', (preferred, language) => {
    expect(pickLanguage(preferred)).toBe(language);
  });
});
