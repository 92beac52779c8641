import { describe, expect, it } from 'vitest';
import { defaultPrefs, parsePrefs } from '../src/lib/prefs';
import { parseRoute, pathOf } from '../src/lib/route';
import { addToast, type Toast } from '../src/state/toasts';

describe('preferences', () => {
  const defaults = defaultPrefs(['ru']);
  it.each([null, '', '{', '[]', '7', 'null', '"x"'])('of %j are the defaults', (text) => {
    expect(parsePrefs(text, defaults)).toEqual(defaults);
  });
  it('take what fits and leave what does not', () => {
    const stored = JSON.stringify({ language: 'en', theme: 'pink', ringTone: false, historySeenAt: '1' });
    expect(parsePrefs(stored, defaults)).toEqual({ ...defaults, language: 'en', ringTone: false });
  });
});

describe('routes', () => {
  it.each([
    ['/', '/people'],
    ['/people', '/people'],
    ['/people/a%2Fb', '/people/a%2Fb'],
    ['/history/42', '/history/42'],
    ['/settings/x', '/settings'],
    ['/nonsense', '/people'],
    ['/people/%E0%A4', '/people'],
  ])('%s leads to %s', (path, canonical) => {
    expect(pathOf(parseRoute(path))).toBe(canonical);
  });
});

describe('toasts', () => {
  const toast = (id: number, text: string): Toast => ({ id, text, tone: 'plain' });
  it('are three at most, the newest last', () => {
    const all = [1, 2, 3, 4].map((id) => toast(id, `t${id}`)).reduce(addToast, [] as readonly Toast[]);
    expect(all.map((entry) => entry.id)).toEqual([2, 3, 4]);
  });
  it('do not repeat themselves', () => {
    expect(addToast([toast(1, 'a'), toast(2, 'b')], toast(3, 'a')).map((entry) => entry.id)).toEqual([2, 3]);
  });
});
