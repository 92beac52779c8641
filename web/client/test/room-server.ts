// The room dialect's server for tests: lets in, answers offers, and says what a test tells it to say.
import { createZvonok, memoryTokens, type Room, type RoomEnd, type RoomOptions, type RoomState, type Zvonok } from '../src/index.js';
import { FakeBrowser, FakePeerConnection, FakeSocket, readSections, settle, writeSections, type FakeClock } from './fakes.js';

type Payload = Record<string, unknown>;

export interface Sent {
  readonly type: string;
  readonly payload: Payload;
  readonly roomId: unknown;
  readonly sessionId: string;
}

interface Section {
  readonly mid: string;
  readonly kind: 'audio' | 'video';
  /** What the server's side does. */
  direction: RTCRtpTransceiverDirection;
}

const mirrored: Readonly<Record<string, RTCRtpTransceiverDirection>> = {
  sendrecv: 'recvonly',
  sendonly: 'recvonly',
  recvonly: 'inactive',
  inactive: 'inactive',
};

/** One client and its room. What it sent is in `sent`, newest last. */
export class RoomServer {
  readonly browser: FakeBrowser;
  readonly zvonok: Zvonok;
  readonly sent: Sent[] = [];
  /** Answers of plain requests: the status for the room's path. */
  plainStatus = 426;
  /** What `join` is answered with, besides the defaults; a text: an error of that code. */
  joined: Payload | string = {};
  /** null: offers are not answered by themselves. */
  answers: 'at-once' | null = 'at-once';
  sections: Section[] = [];
  tickets = 0;
  private version = 0;

  constructor(
    readonly clock: FakeClock,
    options: { granted?: boolean } = {},
  ) {
    this.browser = new FakeBrowser({ clock, ...options });
    this.browser.canEncrypt = false;
    this.browser.respond = (url) => {
      if (new URL(url).pathname === '/api/auth/ws-ticket') {
        this.tickets += 1;
        return { status: 200, body: { ticket: `ticket-${this.tickets}`, expires_in: 30 } };
      }
      return { status: this.plainStatus, body: {} };
    };
    this.browser.onSocket = (socket) => {
      socket.onSend = (message) => this.onMessage(socket, message as unknown as Sent);
    };
    const tokens = memoryTokens({
      accessToken: 'access',
      refreshToken: 'refresh',
      expiresAt: clock.now + 3_600_000,
      user: { id: 'alice', email: null, displayName: 'Alice', createdAt: '' },
    });
    this.zvonok = createZvonok({ tokens, tones: false, environment: this.browser.environment });
  }

  /** In the room, and the media connected. */
  async enter(options: Partial<RoomOptions> = {}): Promise<Room> {
    const room = await this.knock(options);
    this.open();
    await settle();
    this.pc.become('connected');
    await settle();
    return room;
  }

  /** The socket is asked for and not open yet. */
  async knock(options: Partial<RoomOptions> = {}): Promise<Room> {
    const room = this.zvonok.joinRoom({ kind: 'group', id: 'team', ...options });
    await settle();
    return room;
  }

  get socket(): FakeSocket {
    return this.browser.socket;
  }
  get pc(): FakePeerConnection {
    return this.browser.pc;
  }
  open(): void {
    this.socket.open();
  }
  say(type: string, payload: Payload = {}): void {
    this.socket.receiveText(JSON.stringify({ type, payload, roomId: 'team' }));
  }
  types(): string[] {
    return this.sent.map((message) => message.type);
  }
  last(type: string): Payload | undefined {
    return this.sent.filter((message) => message.type === type).at(-1)?.payload;
  }
  count(type: string): number {
    return this.sent.filter((message) => message.type === type).length;
  }

  /** Offers sections of its own, behind those there are. */
  offer(...added: Section[]): void {
    this.sections.push(...added);
    this.say('offer', { type: 'offer', sdp: this.sdp() });
  }

  answerLast(): void {
    const offer = this.last('offer');
    const sections = readSections(String(offer?.['sdp']));
    this.sections = sections.map(({ mid, kind, direction }) => {
      const known = this.sections.find((section) => section.mid === mid);
      const ours = known?.direction === 'sendonly' ? 'sendonly' : (mirrored[direction] ?? 'inactive');
      return { mid, kind, direction: ours };
    });
    this.say('answer', { type: 'answer', sdp: this.sdp() });
  }

  private sdp(): string {
    this.version += 1;
    return `v=0\r\no=- 7 ${this.version} IN IP4 127.0.0.1\r\ns=1\r\n${writeSections(this.sections)}`;
  }

  private onMessage(socket: FakeSocket, message: Sent): void {
    if (socket !== this.socket) return;
    this.sent.push(message);
    // Not within send(): a real server takes its time.
    queueMicrotask(() => {
      if (message.type === 'join') this.onJoin(message);
      if (message.type === 'offer' && this.answers !== null) this.answerLast();
    });
  }

  private onJoin({ sessionId }: Sent): void {
    if (typeof this.joined === 'string') {
      this.say('error', { code: this.joined, message: 'no' });
      return;
    }
    if (this.joined['resumed'] !== true) this.sections = [];
    const defaults = { sessionId, userId: 'alice', role: 'member', resumed: false, locked: false, participants: [], tracks: [], iceServers: [] };
    this.say('joined', { ...defaults, ...this.joined });
  }
}

export const bob = { sessionId: 'session-bob', userId: 'bob', name: 'Bob', role: 'member', state: 'connected' };
export const bobsCamera = { trackId: '12', sessionId: 'session-bob', kind: 'video', source: 'camera', muted: false };
export const bobsVoice = { trackId: '11', sessionId: 'session-bob', kind: 'audio', source: 'microphone', muted: false };

/** States in their order, and the end. */
export function follow(room: Room): { readonly states: RoomState[]; readonly ends: RoomEnd[] } {
  const states: RoomState[] = [room.state];
  const ends: RoomEnd[] = [];
  room.on('state', ({ state }) => states.push(state));
  room.on('end', (end) => ends.push(end));
  return { states, ends };
}
