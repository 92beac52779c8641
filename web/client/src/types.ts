// The public vocabulary: everything an application sees of calls, media, people and the connection.

// ---- events ---------------------------------------------------------------------------------------------------------

/** Ends a subscription. Calling it again does nothing. */
export type Unsubscribe = () => void;

/** Something with typed events. `Events` maps the name of an event to what its listeners get. */
export interface Listenable<Events> {
  on<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): Unsubscribe;
  once<Name extends keyof Events>(event: Name, listener: (value: Events[Name]) => void): Unsubscribe;
}

// ---- people and records (REST) --------------------------------------------------------------------------------------

/** The account that is logged in. */
export interface Account {
  readonly id: string;
  readonly email: string | null;
  readonly displayName: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
}

/** Somebody in the directory. */
export interface Person {
  readonly id: string;
  readonly displayName: string;
  readonly online: boolean;
  /** Only of oneself. */
  readonly email: string | null;
}

export type CallRecordStatus =
  | 'connecting'
  | 'ringing'
  | 'in_progress'
  | 'active'
  | 'completed'
  | 'busy'
  | 'no_answer'
  | 'declined'
  | 'canceled'
  | 'offline'
  | 'failed';

/** One line of the call history. Times are RFC 3339 in UTC; null: it did not happen. */
export interface CallRecord {
  readonly callId: string;
  readonly kind: 'pair' | 'room' | 'tunnel' | 'phone';
  readonly direction: CallDirection;
  readonly peerUserId: string;
  readonly peerDisplayName: string | null;
  readonly chatId: string | null;
  /** Of phone calls; '' when the caller withheld it. */
  readonly phoneNumber: string | null;
  readonly status: CallRecordStatus;
  readonly reason: string | null;
  readonly startTime: string;
  readonly ringTime: string | null;
  readonly answerTime: string | null;
  readonly endTime: string | null;
  /** Whole seconds from answer to end; 0 when nobody answered. */
  readonly duration: number;
}

/** Which calls of the history are wanted; what is not set does not matter. */
export interface CallFilter {
  readonly kind?: CallRecord['kind'] | undefined;
  /** `missed`: calls to oneself that one neither took nor declined. */
  readonly status?: CallRecordStatus | 'missed' | undefined;
  readonly direction?: CallDirection | undefined;
  /** RFC 3339: the call began then or later, and before then. */
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly phoneNumber?: string | undefined;
}

export interface Chat {
  readonly id: string;
  readonly members: readonly string[];
  readonly createdAt: string;
}

export type GroupRole = 'owner' | 'admin' | 'member';

/** A group as one of its members sees it. Times are RFC 3339 in UTC. */
export interface Group {
  readonly id: string;
  readonly title: string;
  /** One's own. */
  readonly role: GroupRole;
  readonly memberCount: number;
  readonly createdBy: string;
  readonly createdAt: string;
  /** Member since. */
  readonly since: string;
}

/** Of a group, or of a private chat. */
export interface Member {
  readonly userId: string;
  readonly displayName: string;
  readonly role: GroupRole;
  readonly since: string;
}

/** One page of a listing. `next` goes into `after` of the next request; null: this was the last page. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

export interface PageOptions {
  /** 1 to 200; the server's default is 50. */
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a login gives. Kept by a TokenStore. */
export interface Session {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token expires, by this machine's clock: ms since 1970. */
  readonly expiresAt: number;
  readonly user: Account;
}

// ---- the connection -------------------------------------------------------------------------------------------------

/**
 * idle: connect() was not called, or disconnect() was. connecting: a socket is being opened. online: messages flow.
 * waiting: the socket was lost and the next attempt is timed. offline: the browser says that there is no network.
 * unauthorized: the login is over and a refresh did not help; connect() tries again.
 */
export type ConnectionStatus = 'idle' | 'connecting' | 'online' | 'waiting' | 'offline' | 'unauthorized';

export interface PresenceUpdate {
  readonly userId: string;
  readonly online: boolean;
}

// ---- calls ----------------------------------------------------------------------------------------------------------

export type CallDirection = 'outgoing' | 'incoming';

/**
 * true: end to end. `secret`: and with something that both ends know besides, a call's `encryptionKey` or a password: who has
 * another one decodes nothing.
 */
export type EncryptionChoice = true | { readonly secret?: string | Uint8Array | undefined };

/**
 * unsupported: this browser can't. peer-unsupported: the other side does not. not-offered: encryption was asked for by accept(),
 * or was on, and the other side offers media without it. forged: somebody does not keep to the protocol. timeout: the other
 * side's key did not come.
 */
export type EncryptionProblem = 'unsupported' | 'peer-unsupported' | 'not-offered' | 'forged' | 'timeout';

/** Frames since the beginning. `unsealed` ones were not sent, `keyless` and `refused` ones were not played. */
export interface FrameCounts {
  readonly sealed: number;
  readonly unsealed: number;
  readonly opened: number;
  /** Of a key that is not known (yet). */
  readonly keyless: number;
  /** Not sealed by that key, or changed on the way: somebody is at it. */
  readonly refused: number;
  /** Come before: a few, when the browser probes the line with what it sent already. */
  readonly repeated: number;
}

export interface EncryptionState {
  /** agreeing: no media passes yet. failed: the call is over, see `problem`. */
  readonly state: 'off' | 'agreeing' | 'on' | 'failed';
  /** Eight digits, which are the same on both sides when nobody is between them: show them, to be compared by voice. */
  readonly code: string | null;
  readonly problem: EncryptionProblem | null;
}

export interface RoomEncryptionState {
  /** off: the server can read the media of this room. agreeing: nothing is sent yet. */
  readonly state: 'off' | 'agreeing' | 'on';
  /**
   * Thirty digits in six groups, the same for everybody when nobody is between them: show them, to be compared by voice. They
   * change whenever somebody comes or goes. null: one is alone, or somebody's key is not there yet.
   */
  readonly code: string | null;
  /** Sessions of those whose key is not there yet, or can't be read: they have another secret. */
  readonly missing: readonly string[];
}

/**
 * idle: made, nothing was sent. initiating: the offer is on its way. ringing: devices ring (outgoing), or this one does
 * (incoming). accepting: accepted here, the answer is being made. connecting: answered, media is being set up.
 * active: media flows. reconnecting: it stopped, and is being mended. ended, rejected, error: over, see CallEnd.
 */
export type CallState =
  | 'idle'
  | 'initiating'
  | 'ringing'
  | 'accepting'
  | 'connecting'
  | 'active'
  | 'reconnecting'
  | 'ended'
  | 'rejected'
  | 'error';

/**
 * Why a call is over.
 * state `ended`: hangup, canceled, no-answer, answered-elsewhere, disconnected (a side was gone for too long),
 * server-shutdown, replaced (another tab took this device's name), disposed (the client was disposed).
 * state `rejected`: declined, busy.
 * state `error`: offline (no device of the callee is connected), target-unknown, unavailable (the server can't just
 * now), bad-message, unauthorized, failed (media could not be set up or mended).
 */
export type CallEndReason =
  | 'hangup'
  | 'canceled'
  | 'no-answer'
  | 'answered-elsewhere'
  | 'disconnected'
  | 'server-shutdown'
  | 'replaced'
  | 'disposed'
  | 'declined'
  | 'busy'
  | 'offline'
  | 'target-unknown'
  | 'unavailable'
  | 'bad-message'
  | 'unauthorized'
  | 'failed';

export interface CallEnd {
  readonly reason: CallEndReason;
  /** Who ended it: this device, the other side, or the server (errors and time-outs, too). */
  readonly by: 'local' | 'remote' | 'server';
  /** What the other side wrote along, or English text for developers. */
  readonly message: string | null;
}

/** What to send. true: the remembered or default device; `{deviceId}`: this one; false: nothing. */
export interface MediaChoice {
  /** Default true. */
  readonly audio?: boolean | { readonly deviceId?: string | undefined } | undefined;
  /** Default false for call(), and for accept() as well. */
  readonly video?: boolean | { readonly deviceId?: string | undefined } | undefined;
}

/** What this side sends just now. */
export interface LocalMedia {
  /** A microphone is captured (it may be muted). */
  readonly audio: boolean;
  readonly muted: boolean;
  /** The camera is captured and sent (or waits behind the screen share). */
  readonly video: boolean;
  readonly screen: boolean;
}

/** What the other side sends, as far as it is known. */
export interface RemoteMedia {
  readonly audio: boolean;
  readonly muted: boolean;
  readonly video: boolean;
  readonly screen: boolean;
}

export type WarningCode =
  | 'microphone-denied'
  | 'microphone-missing'
  | 'microphone-busy'
  | 'microphone-failed'
  | 'microphone-ended'
  | 'camera-denied'
  | 'camera-missing'
  | 'camera-busy'
  | 'camera-failed'
  | 'camera-ended'
  | 'screen-denied'
  | 'screen-failed'
  | 'insecure-context'
  | 'ice-servers-unavailable';

/** Something went wrong and the call goes on without it. */
export interface CallWarning {
  readonly code: WarningCode;
  /** English text for developers; show your own by `code`. */
  readonly message: string;
  readonly cause: unknown;
}

export interface StreamQuality {
  /** Bits a second over the last sample. */
  readonly bitrate: number;
  /** Share of lost packets over the last samples, 0 to 1. */
  readonly loss: number;
  /** ms */
  readonly jitter: number;
}

export interface VideoQuality extends StreamQuality {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
}

/** How the call is doing; sampled every 2 s while it is active. */
export interface CallQuality {
  /** 5 excellent, 4 good, 3 fair, 2 poor, 1 bad. Falls at once, rises slowly. */
  readonly score: 1 | 2 | 3 | 4 | 5;
  /** Round trip in ms; null: not measured yet. */
  readonly rtt: number | null;
  /** The worse of both directions, 0 to 1. */
  readonly loss: number;
  /** ms, of what is received. */
  readonly jitter: number;
  readonly sending: { readonly audio: StreamQuality | null; readonly video: VideoQuality | null };
  readonly receiving: { readonly audio: StreamQuality | null; readonly video: VideoQuality | null };
  /** Why the browser sends less video than it could; null: it does not. */
  readonly limitedBy: 'cpu' | 'bandwidth' | 'other' | null;
  /** Whether media goes through a TURN server; null: not known. */
  readonly relayed: boolean | null;
  /** ms since 1970. */
  readonly at: number;
}

/** A call at one moment: a plain object that stays the same one until something in it changes. */
export interface CallSnapshot {
  readonly state: CallState;
  readonly callId: string | null;
  readonly local: LocalMedia;
  readonly remote: RemoteMedia;
  readonly encryption: EncryptionState;
  /** false: the other side's connection to the server is lost, and the call waits for it. */
  readonly peerConnected: boolean;
  /** Devices that ring; 0: none yet, or not told. */
  readonly ringingDevices: number;
  readonly quality: CallQuality | null;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly answeredAt: number | null;
  readonly activeAt: number | null;
  readonly endedAt: number | null;
  readonly end: CallEnd | null;
}

export interface CallEvents {
  state: { readonly state: CallState; readonly previous: CallState };
  /** Anything in the snapshot changed. */
  change: CallSnapshot;
  local: LocalMedia;
  remote: RemoteMedia;
  /** Of end-to-end encryption. A `code` that is not the one before has to be compared again. */
  encryption: EncryptionState;
  quality: CallQuality;
  warning: CallWarning;
  /** Once, when the call is over. */
  end: CallEnd;
}

export interface HangupOptions {
  /** A text for the other side: CallEnd.message there. */
  readonly message?: string | undefined;
}

export interface ScreenShareOptions {
  /** Constraints of getDisplayMedia; by default up to 1920x1080 at 30 frames a second. */
  readonly video?: MediaTrackConstraints | undefined;
}

/** One call with one person. Made by CallClient. */
export interface Call extends Listenable<CallEvents> {
  /** Unique in this page, from the first moment on. */
  readonly localId: string;
  /** The server's id, as in the history; null until the server has told it. */
  readonly callId: string | null;
  readonly peerUserId: string;
  readonly direction: CallDirection;
  /** True when this page was loaded during the call and came back to it. */
  readonly resumed: boolean;
  /** Whether the caller began it with video. */
  readonly offeredVideo: boolean;
  /** Whether the caller asks for end-to-end encryption: accept() then does it, or the call ends. */
  readonly offeredEncryption: boolean;
  readonly encryption: EncryptionState;
  /** Extra fields that the caller put into the offer by CallOptions.extra. */
  readonly extra: Readonly<Record<string, unknown>>;

  readonly state: CallState;
  readonly isOver: boolean;
  readonly end: CallEnd | null;
  readonly local: LocalMedia;
  readonly remote: RemoteMedia;
  readonly quality: CallQuality | null;
  readonly snapshot: CallSnapshot;

  /** The own microphone and camera (or screen). The same object for the whole call: its tracks come and go. */
  readonly localStream: MediaStream;
  /** What the other side sends. The same object for the whole call: put it into <video>.srcObject once. */
  readonly remoteStream: MediaStream;

  /** Takes an incoming call. Resolves when the answer was sent; never rejects for a missing device (see `warning`). */
  accept(options?: AcceptOptions): Promise<void>;
  /** Refuses an incoming call: on all devices of this user. */
  decline(options?: HangupOptions): void;
  /** Ends the call, whatever state it is in. */
  hangup(options?: HangupOptions): void;

  /** Without a microphone `false` opens one, once media was asked for at all: a warning says that there is none. */
  setMuted(muted: boolean): void;
  toggleMuted(): void;
  /** Resolves to whether the camera is on now; false with a warning when there is none or it was denied. */
  setCamera(on: boolean): Promise<boolean>;
  /** Changes the microphone, during the call, too. False with a warning when it can't be had; the old one stays. */
  setMicrophoneDevice(deviceId: string): Promise<boolean>;
  /** Chooses the camera, and uses it if the camera is on. */
  setCameraDevice(deviceId: string): Promise<boolean>;
  /** Front to back and the other way, or the next camera. */
  flipCamera(): Promise<boolean>;
  /** Shows the screen instead of the camera. False with a warning when the user or system refused. */
  startScreenShare(options?: ScreenShareOptions): Promise<boolean>;
  stopScreenShare(): Promise<void>;

  /** Starts mending the connection by hand. It is done by itself when needed. */
  restartIce(): void;
  getStats(): Promise<RTCStatsReport | null>;
  /** How many frames were sealed and opened; null: this call is not encrypted end to end. */
  frameCounts(): Promise<FrameCounts | null>;
}

export interface AcceptOptions extends MediaChoice {
  /** Default: as the caller asks. What is asked for here and not offered ends the call. */
  readonly e2e?: EncryptionChoice | undefined;
}

export interface CallOptions extends MediaChoice {
  /** Encrypts media end to end; the call ends when the other side can't. Default: not. */
  readonly e2e?: EncryptionChoice | undefined;
  /** Fields that go with the offer to the callee as they are: a call's subject, for example. Keep them small. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

// ---- devices --------------------------------------------------------------------------------------------------------

export type DeviceKind = 'microphone' | 'camera' | 'speaker';

export interface MediaDevice {
  readonly kind: DeviceKind;
  readonly deviceId: string;
  /** Empty before permission was given. */
  readonly label: string;
  readonly groupId: string;
  readonly isDefault: boolean;
}

export interface DeviceList {
  readonly microphones: readonly MediaDevice[];
  readonly cameras: readonly MediaDevice[];
  readonly speakers: readonly MediaDevice[];
}

export type PermissionStatus = 'unknown' | 'prompt' | 'granted' | 'denied';

export interface DeviceChoices {
  readonly microphone: string | null;
  readonly camera: string | null;
  readonly speaker: string | null;
}
