// One generation of another participant's keys, as its receiver holds it: moves on by itself when frames say so.
import { kStepMax, partsOfKid, ratchet, sframeKeyAt, type ChainPosition } from './room-keys.js';
import type { SframeKey } from './sframe.js';

/** Somebody comes in at each step. What claims to be further ahead is not looked at: each step costs a derivation. */
const kStepsAheadMax = 32;

export class SenderChain {
  readonly generation: number;
  private first: number;
  private readonly positions = new Map<number, Promise<ChainPosition>>();
  private readonly keys = new Map<number, Promise<SframeKey>>();

  constructor(
    readonly sender: string,
    private readonly tag: number,
    position: ChainPosition,
  ) {
    this.generation = position.generation;
    this.first = position.step;
    this.positions.set(position.step, Promise.resolve(position));
  }

  get step(): number {
    return this.first;
  }

  has(kid: number): boolean {
    const { tag, generation, step } = partsOfKid(kid);
    const ahead = step - this.first;
    return tag === this.tag && generation === this.generation && ahead >= 0 && ahead <= kStepsAheadMax;
  }

  /** Of a KID that it has. */
  keyOf(kid: number): Promise<SframeKey> {
    const { step } = partsOfKid(kid);
    let key = this.keys.get(step);
    if (!key) {
      key = this.positionAt(step).then((position) => sframeKeyAt(this.tag, position));
      this.keys.set(step, key);
    }
    return key;
  }

  /** A frame of that KID was a true one: keys before it are not derived any more. */
  advance(kid: number): void {
    this.first = Math.max(this.first, Math.min(partsOfKid(kid).step, kStepMax));
    for (const step of [...this.positions.keys()]) if (step < this.first) this.positions.delete(step);
    for (const step of [...this.keys.keys()]) if (step < this.first) this.keys.delete(step);
  }

  private positionAt(step: number): Promise<ChainPosition> {
    let position = this.positions.get(step);
    if (!position) {
      position = this.positionAt(step - 1).then(ratchet);
      this.positions.set(step, position);
    }
    return position;
  }
}
