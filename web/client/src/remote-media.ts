// What the other side sends: its tracks in one stream that lasts, and what is known of them.
import type { WireMedia } from './protocol.js';
import type { RemoteMedia } from './types.js';

export class RemoteTracks {
  private readonly tracks = new Map<string, MediaStreamTrack>();
  private told: WireMedia | null = null;
  private last: RemoteMedia = { audio: false, muted: false, video: false, screen: false };

  constructor(
    readonly stream: MediaStream,
    private readonly onChange: () => void,
  ) {}

  get state(): RemoteMedia {
    return this.last;
  }

  /** A track of a kind takes the place of the former one of that kind. */
  add(track: MediaStreamTrack): void {
    const before = this.tracks.get(track.kind);
    if (before === track) return;
    if (before) this.release(before);
    this.tracks.set(track.kind, track);
    this.stream.addTrack(track);
    track.onmute = track.onunmute = (): void => this.update();
    track.onended = (): void => {
      if (this.tracks.get(track.kind) === track) {
        this.tracks.delete(track.kind);
        this.release(track);
        this.update();
      }
    };
    this.update();
  }

  /** What the other side says of itself; better than what can be guessed from its tracks. */
  tell(media: WireMedia): void {
    this.told = media;
    this.update();
  }

  clear(): void {
    for (const track of this.tracks.values()) this.release(track);
    this.tracks.clear();
    this.update();
  }

  private release(track: MediaStreamTrack): void {
    track.onmute = track.onunmute = track.onended = null;
    this.stream.removeTrack(track);
  }

  private flows(kind: string): boolean {
    const track = this.tracks.get(kind);
    return track !== undefined && !track.muted && track.readyState === 'live';
  }

  private update(): void {
    const told = this.told;
    const audio = told ? told.audio && this.tracks.has('audio') : this.flows('audio');
    const video = told ? (told.video || told.screen) && this.flows('video') : this.flows('video');
    const next: RemoteMedia = { audio, muted: told?.muted ?? false, video, screen: video && (told?.screen ?? false) };
    const keys = Object.keys(next) as (keyof RemoteMedia)[];
    if (keys.every((key) => next[key] === this.last[key])) return;
    this.last = next;
    this.onChange();
  }
}
