// Ties the table of shortcuts to what they do.
import { useEffect } from 'react';
import {
  getRoom,
  isInRoom,
  leaveRoom,
  toggleLayout,
  togglePanel,
  toggleRoomCamera,
  toggleRoomShare,
} from './state/rooms';
import { acceptPhone, declinePhone, getPhone, hangUpPhone, phonePhase, togglePhoneMuted } from './state/phone';
import { acceptCall, callPhase, declineCall, getCall, hangUp, toggleCamera, toggleMuted, toggleShare } from './state/calls';
import { closeHelp, helpStore, openHelp } from './state/help';
import { isTyping, resolveHotkey, type HotkeyAction, type HotkeyScope } from './lib/hotkeys';
import { currentRoute, navigate } from './lib/route';
import { toggleFullscreen } from './call/useFullscreen';

function scopeNow(): HotkeyScope | null {
  const current = getCall();
  const phone = getPhone();
  if (phone && !current) {
    const phase = phonePhase(phone);
    if (phase === 'over') return null;
    return phase === 'incoming' ? 'ringing' : 'call';
  }
  if (!current) {
    if (!currentRoute().room) return 'pages';
    return isInRoom() ? 'room' : null;
  }
  const phase = callPhase(current);
  if (phase === 'incoming') return 'ringing';
  return phase === 'call' ? 'call' : null;
}

/** The same keys in a call and in a room; a call lies over the room. */
function inCallOrRoom(inCall: () => void, inRoom: () => void): () => void {
  return () => (scopeNow() === 'room' ? inRoom() : inCall());
}

/** The same keys in a phone call, where there is something of the kind. */
function onPhoneOr(onPhone: () => void, otherwise: () => void): () => void {
  return () => (getPhone() && !getCall() ? onPhone() : otherwise());
}
const nothing = (): void => undefined;

const actions: Readonly<Record<HotkeyAction, () => void>> = {
  mute: onPhoneOr(() => void togglePhoneMuted(), inCallOrRoom(toggleMuted, () => getRoom()?.room.toggleMuted())),
  camera: onPhoneOr(
    nothing,
    inCallOrRoom(
      () => void toggleCamera(),
      () => void toggleRoomCamera(),
    ),
  ),
  share: onPhoneOr(
    nothing,
    inCallOrRoom(
      () => void toggleShare(),
      () => void toggleRoomShare(),
    ),
  ),
  fullscreen: onPhoneOr(nothing, toggleFullscreen),
  hangup: onPhoneOr(hangUpPhone, inCallOrRoom(hangUp, leaveRoom)),
  layout: toggleLayout,
  panel: togglePanel,
  'accept-audio': onPhoneOr(() => void acceptPhone(), () => void acceptCall('audio')),
  'accept-video': onPhoneOr(nothing, () => void acceptCall('video')),
  decline: onPhoneOr(declinePhone, declineCall),
  search: () => {
    navigate({ tab: 'people', personId: null });
    // The field is there after the page is drawn.
    window.requestAnimationFrame(() => document.getElementById('people-search')?.focus());
  },
  'go-people': () => navigate({ tab: 'people', personId: null }),
  'go-phone': () => navigate({ tab: 'phone', personId: null }),
  'go-groups': () => navigate({ tab: 'groups', personId: null }),
  'go-history': () => navigate({ tab: 'history', personId: null }),
  'go-settings': () => navigate({ tab: 'settings', personId: null }),
  help: () => (helpStore.get() ? closeHelp() : openHelp()),
};

export function useHotkeys(enabled: boolean): void {
  useEffect(() => {
    if (!enabled) return;
    let pending: string | null = null;
    const onKey = (event: KeyboardEvent): void => {
      if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
      const scope = scopeNow();
      if (!scope) return;
      const resolved = resolveHotkey(
        {
          key: event.key,
          code: event.code,
          shift: event.shiftKey,
          modified: event.ctrlKey || event.altKey || event.metaKey,
          repeat: event.repeat,
          typing: isTyping(event.target),
        },
        scope,
        pending,
      );
      pending = resolved.pending;
      if (!resolved.action) return;
      // An open dialog over the page takes the keys of the page, but not those of the call under it.
      const inDialog = document.querySelector('.dialog') !== null;
      if (inDialog && scope === 'pages' && resolved.action !== 'help') return;
      event.preventDefault();
      actions[resolved.action]();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [enabled]);
}
