import { describe, expect, it } from 'vitest';
import { isTyping, resolveHotkey, type HotkeyScope, type KeyPress } from '../src/lib/hotkeys';

function press(key: string, changes: Partial<KeyPress> = {}): KeyPress {
  const code = /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : key;
  return { key, code, shift: /^[A-Z]$/.test(key), modified: false, repeat: false, typing: false, ...changes };
}

function actionOf(key: KeyPress, scope: HotkeyScope, pending: string | null = null): string | null {
  return resolveHotkey(key, scope, pending).action;
}

describe('in a call', () => {
  it.each([
    ['m', 'mute'],
    ['v', 'camera'],
    ['s', 'share'],
    ['f', 'fullscreen'],
    ['H', 'hangup'],
    ['h', null],
    ['M', null],
    ['Escape', null],
    ['?', 'help'],
    ['/', null],
  ])('%s is %s', (key, action) => {
    expect(actionOf(press(key), 'call')).toBe(action);
  });
  it('goes by the place of the key: a Russian layout works as well', () => {
    expect(actionOf({ ...press('m'), key: 'ь' }, 'call')).toBe('mute');
  });
  it.each([{ typing: true }, { modified: true }, { repeat: true }])('does nothing with %j', (changes) => {
    expect(actionOf(press('m', changes), 'call')).toBeNull();
  });
});

describe('in a room', () => {
  it.each([
    ['m', 'mute'],
    ['H', 'hangup'],
    ['l', 'layout'],
    ['p', 'panel'],
    ['P', null],
  ])('%s is %s', (key, action) => {
    expect(actionOf(press(key), 'room')).toBe(action);
  });
  it('l and p mean nothing in a call', () => {
    expect([actionOf(press('l'), 'call'), actionOf(press('p'), 'call')]).toEqual([null, null]);
  });
});

describe('while it rings', () => {
  it.each([
    ['A', 'accept-audio'],
    ['V', 'accept-video'],
    ['D', 'decline'],
    ['a', null],
    ['Escape', null],
  ])('%s is %s', (key, action) => {
    expect(actionOf(press(key), 'ringing')).toBe(action);
  });
});

describe('on the pages', () => {
  it('g opens a sequence that the next key ends', () => {
    const first = resolveHotkey(press('g'), 'pages', null);
    expect(first).toEqual({ action: null, pending: 'KeyG' });
    expect(resolveHotkey(press('h'), 'pages', first.pending)).toEqual({ action: 'go-history', pending: null });
    expect(resolveHotkey(press('x'), 'pages', first.pending)).toEqual({ action: null, pending: null });
  });
  it('h alone goes nowhere', () => {
    expect(actionOf(press('h'), 'pages')).toBeNull();
  });
  it('/ searches', () => {
    expect(actionOf(press('/'), 'pages')).toBe('search');
  });
});

describe('isTyping', () => {
  it.each([
    ['<input>', true],
    ['<input type="search">', true],
    ['<input type="radio">', false],
    ['<textarea></textarea>', true],
    ['<select></select>', true],
    ['<button></button>', false],
  ])('in %s is %s', (html, typing) => {
    document.body.innerHTML = html;
    expect(isTyping(document.body.firstElementChild)).toBe(typing);
  });
});
