// Who is in a room and what they send: the server's news made into plain objects that stay the same until they change.
import type { WireParticipant, WireTrack } from './room-protocol.js';
import type { RoomParticipant, RoomPhone, RoomRole, RoomSpeaker, RoomTrack } from './room-types.js';
import type { CallQuality } from './types.js';

interface TrackEntry {
  readonly wire: WireTrack;
  /** The m-section in which it arrives; null: not told yet. */
  readonly mid: string | null;
  readonly media: MediaStreamTrack | null;
  readonly stream: MediaStream | null;
}

/** What is received in an m-section at this moment. */
export type ReceiverOf = (mid: string) => MediaStreamTrack | null;

export class RoomRoster {
  private readonly people = new Map<string, RoomParticipant>();
  private readonly tracks = new Map<string, TrackEntry>();
  private cached: readonly RoomParticipant[] | null = null;

  constructor(private readonly makeStream: () => MediaStream) {}

  /** Everybody else, in the order of their coming. */
  get list(): readonly RoomParticipant[] {
    this.cached ??= [...this.people.values()];
    return this.cached;
  }
  get(sessionId: string): RoomParticipant | null {
    return this.people.get(sessionId) ?? null;
  }
  has(trackId: string): boolean {
    return this.tracks.has(trackId);
  }

  /**
   * What `joined` says is all there is. Tracks that go on keep their media where `keepsMedia`.
   * Gives those who have come and gone meanwhile.
   */
  reset(
    participants: readonly WireParticipant[],
    tracks: readonly WireTrack[],
    keepsMedia: boolean,
  ): { readonly came: readonly RoomParticipant[]; readonly gone: readonly RoomParticipant[] } {
    const before = new Map(this.people);
    const beforeTracks = new Map(this.tracks);
    this.people.clear();
    this.tracks.clear();
    for (const wire of tracks) {
      const known = keepsMedia ? beforeTracks.get(wire.trackId) : undefined;
      this.tracks.set(wire.trackId, { mid: null, media: null, stream: null, ...known, wire });
    }
    for (const wire of participants) this.people.set(wire.sessionId, this.makePerson(wire, before.get(wire.sessionId)));
    this.cached = null;
    return {
      came: this.list.filter((person) => !before.has(person.sessionId)),
      gone: [...before.values()].filter((person) => !this.people.has(person.sessionId)),
    };
  }

  clear(): void {
    this.people.clear();
    this.tracks.clear();
    this.cached = null;
  }

  // ---- news -------------------------------------------------------------------------------------------------------

  add(wire: WireParticipant): RoomParticipant {
    const person = this.makePerson(wire, this.people.get(wire.sessionId));
    this.put(person);
    return person;
  }

  remove(sessionId: string): RoomParticipant | null {
    const person = this.people.get(sessionId) ?? null;
    this.people.delete(sessionId);
    for (const [id, track] of this.tracks) if (track.wire.sessionId === sessionId) this.tracks.delete(id);
    this.cached = null;
    return person;
  }

  /** `mid` null: not told in this message. */
  setTrack(wire: WireTrack, mid: string | null): void {
    const known = this.tracks.get(wire.trackId);
    // m-sections are used again: the newest track of one is what it holds.
    if (mid !== null) {
      for (const [id, other] of this.tracks) {
        if (other.mid === mid && id !== wire.trackId) this.putTrack(id, { ...other, mid: null, media: null, stream: null });
      }
    }
    const moved = mid !== null && known !== undefined && known.mid !== mid;
    const media = moved ? { media: null, stream: null } : {};
    this.putTrack(wire.trackId, { mid: null, media: null, stream: null, ...known, ...media, wire, ...(mid === null ? {} : { mid }) });
  }

  endTrack(trackId: string): void {
    const track = this.tracks.get(trackId);
    if (!track) return;
    this.tracks.delete(trackId);
    this.refresh(track.wire.sessionId);
  }

  setState(sessionId: string, state: RTCPeerConnectionState): void {
    this.change(sessionId, { state });
  }
  setRole(sessionId: string, role: RoomRole): void {
    this.change(sessionId, { role });
  }
  setPhone(sessionId: string, status: RoomPhone['status']): RoomParticipant | null {
    const phone = this.people.get(sessionId)?.phone;
    if (!phone) return null;
    this.change(sessionId, { phone: { ...phone, status } });
    return this.get(sessionId);
  }
  setQuality(sessionId: string, quality: CallQuality['score'] | null): void {
    this.change(sessionId, { quality });
  }

  setSpeakers(speakers: readonly RoomSpeaker[]): void {
    const levels = new Map(speakers.map((speaker) => [speaker.sessionId, speaker.level]));
    for (const sessionId of this.people.keys()) {
      this.change(sessionId, { speaking: levels.has(sessionId), level: levels.get(sessionId) ?? 0 });
    }
  }

  // ---- media ------------------------------------------------------------------------------------------------------

  /** Ties tracks to what the connection receives; after each negotiation and each `track`. */
  bind(receiverOf: ReceiverOf): void {
    for (const [id, track] of this.tracks) {
      const media = track.mid === null ? null : receiverOf(track.mid);
      if (media === track.media) continue;
      const stream = media === null ? null : this.makeStream();
      if (media !== null) stream?.addTrack(media);
      this.putTrack(id, { ...track, media, stream });
    }
  }

  /** Whose track arrives in that m-section. */
  ownerOf(mid: string): string | null {
    for (const track of this.tracks.values()) if (track.mid === mid) return track.wire.sessionId;
    return null;
  }

  // ---- inside -----------------------------------------------------------------------------------------------------

  private makePerson(wire: WireParticipant, before: RoomParticipant | undefined): RoomParticipant {
    const kept = { speaking: before?.speaking ?? false, level: before?.level ?? 0, quality: before?.quality ?? null };
    return { ...wire, tracks: this.tracksOf(wire.sessionId), ...kept };
  }

  private tracksOf(sessionId: string): RoomTrack[] {
    return [...this.tracks.values()]
      .filter((track) => track.wire.sessionId === sessionId)
      .map((track) => ({ ...track.wire, stream: track.stream }));
  }

  private putTrack(trackId: string, entry: TrackEntry): void {
    this.tracks.set(trackId, entry);
    this.refresh(entry.wire.sessionId);
  }

  private refresh(sessionId: string): void {
    const person = this.people.get(sessionId);
    if (person) this.put({ ...person, tracks: this.tracksOf(sessionId) });
  }

  private change(sessionId: string, fields: Partial<RoomParticipant>): void {
    const person = this.people.get(sessionId);
    if (!person) return;
    const names = Object.keys(fields) as (keyof RoomParticipant)[];
    if (names.some((name) => person[name] !== fields[name])) this.put({ ...person, ...fields });
  }

  private put(person: RoomParticipant): void {
    this.people.set(person.sessionId, person);
    this.cached = null;
  }
}
