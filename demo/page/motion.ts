/** Arrows of one model; rows of 2. `past` are earlier ones, oldest first. */
export interface Arrows {
  from: Float32Array;
  to: Float32Array;
  past: readonly { from: Float32Array; to: Float32Array }[];
}

/** Earlier arrows that are kept. */
const PAST = 10;

/** Moves arrows from where they were seen last to where they are now, so that the eye can follow. */
export class Motion {
  private before: { from: Float32Array; to: Float32Array } | undefined;
  private after: { from: Float32Array; to: Float32Array } | undefined;
  private past: { from: Float32Array; to: Float32Array }[] = [];
  private since = 0;

  /** @param duration milliseconds that a move takes; 0 jumps. */
  constructor(private readonly duration: number) {}

  /** New arrows, at a time in milliseconds. */
  set(from: Float32Array, to: Float32Array, now: number): void {
    const seen = this.at(now);
    if (this.after) {
      this.past.push(this.after);
      if (this.past.length > PAST) this.past.shift();
    }
    this.before = seen && { from: seen.from, to: seen.to };
    this.after = { from, to };
    this.since = now;
  }

  clear(): void {
    this.before = undefined;
    this.after = undefined;
    this.past = [];
  }

  /** What is seen at a time; undefined before the first arrows. */
  at(now: number): Arrows | undefined {
    if (!this.after) return undefined;
    const share = this.moving(now) ? (now - this.since) / this.duration : 1;
    if (!this.before || share >= 1) return { ...this.after, past: this.past };
    const eased = share * share * (3 - 2 * share);
    const between = (a: Float32Array, b: Float32Array): Float32Array =>
      a.map((value, i) => value + eased * (b[i]! - value));
    return {
      from: between(this.before.from, this.after.from),
      to: between(this.before.to, this.after.to),
      past: this.past,
    };
  }

  moving(now: number): boolean {
    return this.after !== undefined && now - this.since < this.duration;
  }
}
