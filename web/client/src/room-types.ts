// The public vocabulary of rooms: calls of many through the server (docs/protocol/room.md).
import type { PhoneStatus } from './phone-types.js';
import type {
  CallQuality,
  CallWarning,
  EncryptionChoice,
  FrameCounts,
  Listenable,
  LocalMedia,
  MediaChoice,
  RoomEncryptionState,
  ScreenShareOptions,
} from './types.js';

/** The room of a private chat, or of a group. The two never meet, whatever their ids. */
export type RoomKind = 'chat' | 'group';

/** host: gives roles, too. moderator: mutes, removes, locks. */
export type RoomRole = 'host' | 'moderator' | 'member';

export type TrackSource = 'microphone' | 'camera' | 'screen' | 'screen-audio';

/**
 * joining: on the way in. joined: in. reconnecting: was in, and the connection or the media is being mended; what is
 * known of the others stays. ended: out for good, see RoomEnd.
 */
export type RoomState = 'joining' | 'joined' | 'reconnecting' | 'ended';

/**
 * left: by leave(), or the page was closed. disposed: the client was. kicked: by a moderator. removed: is no member any
 * more. replaced: somebody of the same user took this session. locked, room-full, too-many-rooms: not let in. encrypted: the
 * room is encrypted end to end, and this browser can't be in it, or does not want to. not-encrypted: the other way round.
 * encryption-unsupported: it was asked for, and this browser can't. forbidden: no member. unauthorized: the login is over. unavailable: the server could not be reached for too long. failed: no media
 * could get through.
 */
export type RoomEndReason =
  | 'left'
  | 'disposed'
  | 'kicked'
  | 'removed'
  | 'replaced'
  | 'locked'
  | 'room-full'
  | 'too-many-rooms'
  | 'encrypted'
  | 'not-encrypted'
  | 'encryption-unsupported'
  | 'forbidden'
  | 'unauthorized'
  | 'unavailable'
  | 'failed';

export interface RoomEnd {
  readonly reason: RoomEndReason;
  /** English text for developers. */
  readonly message: string | null;
}

/** A track of somebody else. */
export interface RoomTrack {
  readonly trackId: string;
  readonly sessionId: string;
  readonly kind: 'audio' | 'video';
  readonly source: TrackSource;
  /** Nothing is to be seen or heard of it just now. */
  readonly muted: boolean;
  /** For `srcObject`; the same object as long as the track lives. null: it is on its way. */
  readonly stream: MediaStream | null;
}

/** A participant that is a telephone. */
export interface RoomPhone {
  /** Of its call; `in_progress`: it was answered. It leaves after an end. */
  readonly status: Exclude<PhoneStatus, 'dialing'>;
  /** Masked. */
  readonly number: string;
  /** The user who invited it. */
  readonly by: string;
}

/** Somebody else in the room: a plain object that stays the same one until something in it changes. */
export interface RoomParticipant {
  readonly sessionId: string;
  readonly userId: string;
  readonly name: string;
  readonly role: RoomRole;
  /** Of their connection to the server. `disconnected`: it was lost, and they may be back in a moment. */
  readonly state: RTCPeerConnectionState;
  readonly tracks: readonly RoomTrack[];
  readonly speaking: boolean;
  /** How loud, 0 to 1; 0 while not speaking. */
  readonly level: number;
  /** How what they send arrives here: 5 excellent to 1 bad; null: not measured. */
  readonly quality: CallQuality['score'] | null;
  /** null: no telephone. One has no user, and mutes itself with `*6`. */
  readonly phone: RoomPhone | null;
}

/** How the server sees this participant's connection. */
export interface RoomServerQuality {
  /** 1.0 to 4.5, E-model. */
  readonly score: number;
  readonly rttMs: number;
  readonly lossPercent: number;
  /** Bits a second that the server thinks it can send here. */
  readonly bitrate: number;
  /** Which layer of which track is sent here: rid by track id. */
  readonly layers: Readonly<Record<string, string>>;
}

export interface RoomSpeaker {
  readonly sessionId: string;
  /** 0 to 1. */
  readonly level: number;
}

/** A room at one moment: a plain object that stays the same one until something in it changes. */
export interface RoomSnapshot {
  readonly kind: RoomKind;
  readonly roomId: string;
  readonly state: RoomState;
  readonly end: RoomEnd | null;
  /** Of this device in this room. */
  readonly sessionId: string;
  /** null: not told yet. */
  readonly userId: string | null;
  readonly role: RoomRole;
  readonly locked: boolean;
  /** The least role that may invite telephones; null: nobody may. */
  readonly phoneRole: RoomRole | null;
  /** End to end. */
  readonly encryption: RoomEncryptionState;
  readonly local: LocalMedia;
  readonly speaking: boolean;
  /** Everybody else, those who came first come first. */
  readonly participants: readonly RoomParticipant[];
  /** Loudest first; oneself, too. */
  readonly speakers: readonly RoomSpeaker[];
  /** Of the media connection to the server. */
  readonly media: RTCPeerConnectionState;
  /** Measured here; every 2 s. */
  readonly quality: CallQuality | null;
  /** Told by the server; null when it does not. */
  readonly serverQuality: RoomServerQuality | null;
  /** ms since 1970; null: not in yet. */
  readonly joinedAt: number | null;
}

/** The server refused what was asked for, and the room goes on. */
export interface RoomRefusal {
  readonly code: 'bad-message' | 'forbidden' | 'not-found' | 'unavailable' | 'other';
  /** English text for developers. */
  readonly message: string;
}

export interface RoomEvents {
  state: { readonly state: RoomState; readonly previous: RoomState };
  /** Anything in the snapshot changed. */
  change: RoomSnapshot;
  'participant-joined': RoomParticipant;
  /**
   * `reason`: left, kicked, removed, timeout, failed, replaced, server-shutdown; of telephones busy, no-answer, failed,
   * hung-up (here, or by a limit) and left (there).
   */
  'participant-left': { readonly participant: RoomParticipant; readonly reason: string };
  /** The call of a telephone has come further. `cause`: who or what brought it about, as with phone calls. */
  phone: { readonly participant: RoomParticipant; readonly status: RoomPhone['status']; readonly cause: string };
  speakers: readonly RoomSpeaker[];
  quality: CallQuality;
  local: LocalMedia;
  encryption: RoomEncryptionState;
  /** A moderator has muted this participant; that has been done already. `by`: their sessionId. */
  muted: { readonly kind: 'audio' | 'video'; readonly by: string };
  locked: { readonly locked: boolean; readonly by: string };
  /** Somebody's role changed, perhaps one's own. `by` null: nobody in the room did it, it changed in the chat or group. */
  role: { readonly sessionId: string; readonly role: RoomRole; readonly by: string | null };
  refused: RoomRefusal;
  warning: CallWarning;
  /** Once, when it is over. */
  end: RoomEnd;
}

/** A room seen from outside. */
export interface RoomInfo {
  readonly participants: number;
  readonly locked: boolean;
  /** End to end. */
  readonly encrypted: boolean;
}

/** One place on the screen where a video track is shown. Of several of a track the tallest counts. */
export interface RoomView {
  /** Height in device pixels (CSS pixels times devicePixelRatio); 0: not to be seen. Tell it at every change. */
  set(height: number, priority?: number): void;
  close(): void;
}

export interface RoomOptions extends MediaChoice {
  readonly kind: RoomKind;
  /** 1 to 128 of `A-Z a-z 0-9 _ . : -`. */
  readonly id: string;
  /** Shown to the others. Default: the account's. */
  readonly name?: string | undefined;
  /** Default false: comes in muted. */
  readonly muted?: boolean | undefined;
  /** Tracks that are open already (a preview): the room takes them over, and stops them at its end. */
  readonly stream?: MediaStream | null | undefined;
  /**
   * End-to-end encryption. Whoever enters first decides for the room. Default: as the room is, and off in a new one. true, or
   * with a secret of the users: the room has to be. false: it must not be.
   */
  readonly e2e?: EncryptionChoice | false | undefined;
}

/** One stay in one room. Made by joinRoom(). */
export interface Room extends Listenable<RoomEvents> {
  readonly kind: RoomKind;
  readonly roomId: string;
  readonly sessionId: string;
  readonly state: RoomState;
  readonly isOver: boolean;
  readonly snapshot: RoomSnapshot;
  readonly encryption: RoomEncryptionState;
  readonly local: LocalMedia;
  readonly participants: readonly RoomParticipant[];
  /** The own microphone and camera. The same object for the whole stay. */
  readonly localStream: MediaStream;
  /** The own shared screen. */
  readonly screenStream: MediaStream;

  leave(): void;

  /** Who joined without a microphone, or got none, is asked for one by `false`; a warning says that there is none. */
  setMuted(muted: boolean): void;
  /** Without a microphone: opens one. */
  toggleMuted(): void;
  /** Resolves to whether the camera is on now. */
  setCamera(on: boolean): Promise<boolean>;
  /** False with a warning when it can't be had; the old one stays. */
  setMicrophoneDevice(deviceId: string): Promise<boolean>;
  setCameraDevice(deviceId: string): Promise<boolean>;
  flipCamera(): Promise<boolean>;
  /** Beside the camera. False with a warning when the user or system refused. */
  startScreenShare(options?: ScreenShareOptions): Promise<boolean>;
  stopScreenShare(): void;

  /** A place where that track is shown. A track that never had one is sent at its best. */
  view(trackId: string): RoomView;

  /** For moderators and hosts. Others hear `refused` with `forbidden`. */
  mute(sessionId: string, kind?: 'audio' | 'video'): void;
  kick(sessionId: string): void;
  lock(): void;
  unlock(): void;
  /**
   * Calls a telephone (E.164) into the room; for moderators and hosts, unless the server says otherwise. Resolves to its
   * sessionId as soon as it is being called; rejects with PhoneInviteError. `name`: what the others see, in place of the
   * masked number.
   */
  invitePhone(number: string, options?: { readonly name?: string | undefined }): Promise<string>;
  /** For who invited it, and for moderators and hosts. */
  hangUpPhone(sessionId: string): void;
  /** For hosts. */
  setRole(sessionId: string, role: RoomRole): void;

  /** Mends the media connection by hand. It is done by itself when needed. */
  restartIce(): void;
  getStats(): Promise<RTCStatsReport | null>;
  /** What became of sealed frames; null: the room is not encrypted, or over. */
  frameCounts(): Promise<FrameCounts | null>;
}
