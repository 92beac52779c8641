// Calls through a tunnel: who starts the tunnel of this page, the call that it is for, and by which way media goes.
import { mediaPathOf, sendsUdpDirectly, type MediaPath, type Room } from '@zvonok/client';
import { CallManager, CallSocket, CallState, type RunningTunnel, type TunnelCallInfo, type VpnConnectionConfig } from '@zvonok/client/tunnel';
import { createStore, useStore } from '../lib/store';
import { startByBridge, type TunnelBridge } from '../lib/tunnelBridge';
import { socksOf, type Socks } from '../lib/tunnelSetup';
import type { RoomAddress } from '../lib/route';
import { navigate, routeToRoom, sameRoom } from '../lib/route';
import { currentI18n, prefsStore } from './app';
import { zvonok } from './client';
import { chatWith } from './groups';
import { enterRoom, getRoom, leaveRoom, roomStore } from './rooms';
import { sessionStore } from './session';
import { showToast } from './toasts';

declare global {
  interface Window {
    zvonokTunnel?: TunnelBridge;
  }
}

export interface TunnelCall {
  readonly info: TunnelCallInfo;
  readonly state: CallState;
  /** The tunnel of this side is there. */
  readonly built: boolean;
  /** What has to be started by hand; null: not there yet, or the app does it. */
  readonly byHand: { readonly config: VpnConnectionConfig; readonly socks: Socks; readonly done: () => void } | null;
}

export interface TunnelState {
  readonly connected: boolean;
  readonly call: TunnelCall | null;
}

const store = createStore<TunnelState>({ connected: false, call: null });
export const useTunnel = (): TunnelState => useStore(store);

export const hasBridge = (): boolean => window.zvonokTunnel !== undefined;

// ---- the tunnel -----------------------------------------------------------------------------------------------------

/** Until the user says that it runs. */
function startByHand(config: VpnConnectionConfig, signal: AbortSignal): Promise<RunningTunnel> {
  const socks = socksOf(config.xrayConfig);
  return new Promise((resolve, reject) => {
    const done = (): void => {
      setCall({ byHand: null, built: true });
      resolve({ proxy: socks, stop: () => Promise.resolve() });
    };
    signal.addEventListener('abort', () => reject(new Error('the call is over')));
    setCall({ byHand: { config, socks, done } });
  });
}

// ---- calls ----------------------------------------------------------------------------------------------------------

let socket: CallSocket | null = null;
let manager: CallManager | null = null;
/** The room in which the two of a call meet. */
let meeting: RoomAddress | null = null;

function setCall(change: Partial<TunnelCall>): void {
  store.set((now) => (now.call ? { ...now, call: { ...now.call, ...change } } : now));
}

function connect(): void {
  if (socket) return;
  socket = new CallSocket({ getToken: () => zvonok.api.accessToken() });
  const setConnected = (connected: boolean): void => store.set((now) => ({ ...now, connected }));
  socket.on('connect', () => setConnected(true));
  socket.on('disconnect', () => setConnected(false));
  manager = new CallManager(socket, {
    startTunnel: (config, signal) => {
      const bridge = window.zvonokTunnel;
      return bridge ? startByBridge(bridge, config, signal, () => setCall({ built: true })) : startByHand(config, signal);
    },
  });
  manager.on('state', ({ state, call, reason }) => onState(state, call, reason));
  manager.on('error', ({ message }) => showToast(currentI18n().t(message === 'User is busy' ? 'tunnel.error.busy' : 'tunnel.error', { message }), 'bad'));
  manager.on('connected', ({ call }) => void meet(call));
}

function disconnect(): void {
  void manager?.dispose();
  socket?.close();
  socket = manager = null;
  store.set({ connected: false, call: null });
}

function onState(state: CallState, info: TunnelCallInfo | null, reason: string | null): void {
  const over = state === CallState.ENDED || state === CallState.REJECTED || state === CallState.ERROR;
  if (!over && info) {
    store.set((now) => ({ ...now, call: { byHand: null, built: false, ...now.call, info, state } }));
    return;
  }
  store.set((now) => ({ ...now, call: null }));
  const room = getRoom();
  const met = meeting;
  meeting = null;
  if (met && room && sameRoom(room.address, met)) leaveRoom();
  if (state === CallState.REJECTED) showToast(currentI18n().t('tunnel.declined'));
  else if (reason === 'vpn-setup-timeout') showToast(currentI18n().t('tunnel.too_late'), 'bad');
  else if (reason === 'no-answer') showToast(currentI18n().t('tunnel.no_answer'));
}

/** Both tunnels are there: media goes through the server's room, whose media address both reach in the tunnel. */
async function meet({ callerId, calleeId, direction }: TunnelCallInfo): Promise<void> {
  const chat = await chatWith(direction === 'outgoing' ? calleeId : callerId);
  if (chat === null || !store.get().call) return void manager?.hangup();
  const address = { kind: 'chat', id: chat } as const;
  navigate(routeToRoom(address));
  enterRoom(address, { video: false, muted: false });
  meeting = address; // not before: a room that is left for this one ends no call
}

roomStore.subscribe(() => {
  const room = getRoom();
  if (!meeting || !manager) return;
  if (room && sameRoom(room.address, meeting) && !room.room.isOver) {
    if (room.snapshot.media === 'connected') manager.mediaStarted();
  } else {
    meeting = null;
    void manager.hangup();
  }
});

export function callThroughTunnel(userId: string): void {
  try {
    manager?.initiateCall(userId);
  } catch {
    showToast(currentI18n().t('tunnel.error.offline'), 'bad');
  }
}
export const acceptTunnelCall = (): void => manager?.acceptCall();
export function endTunnelCall(): void {
  const call = store.get().call;
  if (call?.state === CallState.RINGING && call.info.direction === 'incoming') manager?.rejectCall();
  else void manager?.hangup();
}

function follow(): void {
  if (prefsStore.get().tunnel && sessionStore.get().user) connect();
  else if (socket) disconnect();
}
prefsStore.subscribe(follow);
sessionStore.subscribe(follow);
follow();

// ---- the way of media -------------------------------------------------------------------------------------------------

export interface WayFound {
  /** null: media came by no way at all. */
  readonly path: MediaPath | null;
  /** The browser sends UDP past its proxy. */
  readonly leaks: boolean;
}

const checkMs = 8_000;

async function awaitPath(room: Room): Promise<MediaPath | null> {
  const until = Date.now() + checkMs;
  while (Date.now() < until && !room.isOver) {
    const report = await room.getStats().catch(() => null);
    const path = report && room.snapshot.media === 'connected' ? mediaPathOf(report as unknown as Iterable<[string, Record<string, unknown>]>) : null;
    if (path) return path;
    await new Promise((resolve) => window.setTimeout(resolve, 250));
  }
  return null;
}

/** A room of one's own to try: nobody in it sees somebody come and go. null: there is none. */
async function emptyRoom(): Promise<RoomAddress | null> {
  const groups = await zvonok.api.groups({ limit: 10 });
  for (const { id } of groups.items) {
    const address = { kind: 'group', id } as const;
    if ((await zvonok.api.roomInfo('group', id)).participants === 0) return address;
  }
  return null;
}

/** null: there is no room to try it with. */
export async function findWay(): Promise<WayFound | null> {
  const leaks = await sendsUdpDirectly();
  const current = getRoom();
  if (current && !current.room.isOver) return { path: await awaitPath(current.room), leaks };
  const address = await emptyRoom();
  if (!address) return null;
  const room = zvonok.joinRoom({ ...address, audio: false, video: false });
  try {
    return { path: await awaitPath(room), leaks };
  } finally {
    room.leave();
  }
}
