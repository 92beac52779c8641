// How tall each video is shown, told to the server, which sends no more than that. Growing is told soon, shrinking after a
// while: a layout that only passes by costs no key frame.
import type { Environment, TimerId } from './environment.js';
import type { Members } from './protocol.js';
import type { RoomView } from './room-types.js';

const kGrowMs = 100;
const kShrinkMs = 800;

interface Wish {
  readonly height: number;
  readonly priority: number;
}

export class RoomViews {
  private readonly places = new Map<string, Set<{ wish: Wish }>>();
  private told = new Map<string, Wish>();
  private timer: TimerId | null = null;
  private dueAt = 0;

  constructor(
    private readonly env: Environment,
    /** Whether it was sent. */
    private readonly send: (tracks: Members) => boolean,
  ) {}

  open(trackId: string): RoomView {
    const place = { wish: { height: 0, priority: 0 } };
    const places = this.places.get(trackId) ?? new Set();
    this.places.set(trackId, places.add(place));
    this.schedule();
    let open = true;
    return {
      set: (height, priority = 0) => {
        if (!open || (place.wish.height === height && place.wish.priority === priority)) return;
        place.wish = { height: Math.max(0, Math.round(height)), priority };
        this.schedule();
      },
      close: () => {
        open = false;
        // The empty set stays: a track that is shown nowhere any more is wished for with height 0.
        if (places.delete(place)) this.schedule();
      },
    };
  }

  /** The track is gone. */
  forget(trackId: string): void {
    this.places.delete(trackId);
    this.told.delete(trackId);
  }

  /** Tells everything again: to a new connection. */
  resend(): void {
    this.told = new Map();
    if (this.places.size > 0) this.schedule();
  }

  clear(): void {
    if (this.timer !== null) this.env.clearTimeout(this.timer);
    this.timer = null;
    this.places.clear();
    this.told.clear();
  }

  private wishes(): Map<string, Wish> {
    const wishes = new Map<string, Wish>();
    for (const [trackId, places] of this.places) {
      let wish: Wish = { height: 0, priority: 0 };
      for (const place of places) if (place.wish.height > wish.height) wish = place.wish;
      wishes.set(trackId, wish);
    }
    return wishes;
  }

  private schedule(): void {
    const grows = [...this.wishes()].some(([trackId, wish]) => wish.height > (this.told.get(trackId)?.height ?? 0));
    const at = this.env.now() + (grows ? kGrowMs : kShrinkMs);
    if (this.timer !== null && this.dueAt <= at) return;
    if (this.timer !== null) this.env.clearTimeout(this.timer);
    this.dueAt = at;
    this.timer = this.env.setTimeout(() => {
      this.timer = null;
      this.flush();
    }, at - this.env.now());
  }

  private flush(): void {
    const wishes = this.wishes();
    const same = (trackId: string, wish: Wish): boolean => {
      const told = this.told.get(trackId);
      return told !== undefined && told.height === wish.height && told.priority === wish.priority;
    };
    if (wishes.size === this.told.size && [...wishes].every(([trackId, wish]) => same(trackId, wish))) return;
    if (this.send({ tracks: Object.fromEntries(wishes) })) this.told = wishes;
  }
}

/**
 * Keeps a view in step with the element that shows the track: its height in device pixels, and 0 while it can't be
 * seen, be it scrolled away or in a hidden page. Gives the function that ends it and closes the view.
 */
export function observeView(element: Element, view: RoomView, priority = 0): () => void {
  let visible = true;
  const update = (): void => {
    const shown = visible && document.visibilityState !== 'hidden';
    view.set(shown ? element.getBoundingClientRect().height * (globalThis.devicePixelRatio || 1) : 0, priority);
  };
  const sizes = typeof ResizeObserver === 'function' ? new ResizeObserver(update) : null;
  const sights =
    typeof IntersectionObserver === 'function'
      ? new IntersectionObserver((entries) => {
          visible = entries[entries.length - 1]?.isIntersecting ?? true;
          update();
        })
      : null;
  sizes?.observe(element);
  sights?.observe(element);
  document.addEventListener('visibilitychange', update);
  update();
  return () => {
    sizes?.disconnect();
    sights?.disconnect();
    document.removeEventListener('visibilitychange', update);
    view.close();
  };
}
