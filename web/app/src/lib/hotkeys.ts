// Keyboard shortcuts: which key asks for which action. Pure, so that the table can be tested without a page.

export type HotkeyAction =
  | 'mute'
  | 'camera'
  | 'share'
  | 'fullscreen'
  | 'layout'
  | 'panel'
  | 'hangup'
  | 'accept-audio'
  | 'accept-video'
  | 'decline'
  | 'search'
  | 'go-people'
  | 'go-phone'
  | 'go-groups'
  | 'go-history'
  | 'go-settings'
  | 'help';

/** Where the user is: decides which keys mean something. */
export type HotkeyScope = 'pages' | 'ringing' | 'call' | 'room';

export interface KeyPress {
  /** KeyboardEvent.key */
  readonly key: string;
  /** KeyboardEvent.code: the place on the keyboard, the same under a Russian layout. */
  readonly code: string;
  readonly shift: boolean;
  /** Ctrl, Alt or Meta: such combinations belong to the browser. */
  readonly modified: boolean;
  readonly repeat: boolean;
  /** The focus is in a text field, a select or the like. */
  readonly typing: boolean;
}

interface Binding {
  readonly code: string;
  readonly shift?: true;
  readonly after?: string;
  readonly action: HotkeyAction;
}

// Ending and answering take Shift: one stray letter must not do either.
const callBindings: readonly Binding[] = [
  { code: 'KeyM', action: 'mute' },
  { code: 'KeyV', action: 'camera' },
  { code: 'KeyS', action: 'share' },
  { code: 'KeyF', action: 'fullscreen' },
  { code: 'KeyH', shift: true, action: 'hangup' },
];

const bindings: Readonly<Record<HotkeyScope, readonly Binding[]>> = {
  call: callBindings,
  room: [...callBindings, { code: 'KeyL', action: 'layout' }, { code: 'KeyP', action: 'panel' }],
  ringing: [
    { code: 'KeyA', shift: true, action: 'accept-audio' },
    { code: 'KeyV', shift: true, action: 'accept-video' },
    { code: 'KeyD', shift: true, action: 'decline' },
  ],
  pages: [
    { code: 'KeyP', after: 'KeyG', action: 'go-people' },
    { code: 'KeyT', after: 'KeyG', action: 'go-phone' },
    { code: 'KeyR', after: 'KeyG', action: 'go-groups' },
    { code: 'KeyH', after: 'KeyG', action: 'go-history' },
    { code: 'KeyS', after: 'KeyG', action: 'go-settings' },
  ],
};

/**
 * The action of a key press, and what the next press must remember: `pending` is the first key of a sequence.
 * `?` and `/` go by character, since layouts put them on different keys; letters go by place.
 */
export function resolveHotkey(
  press: KeyPress,
  scope: HotkeyScope,
  pending: string | null,
): { action: HotkeyAction | null; pending: string | null } {
  const nothing = { action: null, pending: null };
  if (press.typing || press.modified || press.repeat) return nothing;
  if (press.key === '?') return { action: 'help', pending: null };
  if (press.key === '/' && scope === 'pages') return { action: 'search', pending: null };
  const found = bindings[scope].find(
    (binding) =>
      binding.code === press.code &&
      (binding.shift ?? false) === press.shift &&
      (binding.after ?? null) === (binding.after ? pending : null),
  );
  if (found) return { action: found.action, pending: null };
  const opensSequence = bindings[scope].some((binding) => binding.after === press.code) && !press.shift;
  return { action: null, pending: opensSequence ? press.code : null };
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button', 'range'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
