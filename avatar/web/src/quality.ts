/** How the face is drawn. */
export interface Quality {
  /** Pixels drawn for one of the page's, along each side: no more than this … */
  pixelRatio: number;
  /** … and no fewer than this, even where the screen shows fewer: hair and brows are finer than a pixel. */
  least?: number;
  /** Skin, eyes and hair with their own shading, and shadows. */
  fine: boolean;
  /** The small head, its morphs worked out here and not on the GPU. */
  light: boolean;
}

/** From the best to the cheapest. */
export const LEVELS: readonly Quality[] = [
  { pixelRatio: 2, least: 1.5, fine: true, light: false },
  { pixelRatio: 1.25, fine: true, light: false },
  { pixelRatio: 1, fine: false, light: false },
  { pixelRatio: 1.5, least: 1.5, fine: false, light: true },
  { pixelRatio: 1, fine: false, light: true },
  { pixelRatio: 0.75, fine: false, light: true },
];
/** Where a machine without a GPU begins. Multisampling costs it more than the finer picture that comes to the same. */
export const SOFTWARE_LEVEL = 3;
/** A light picture of one pixel for each of the page's. */
export const LIGHT_LEVEL = 4;

/** A GPU should make 60 frames a second. Without one 20 will do: fewer pixels hardly help, and they are seen. */
const SLOW_MS = 23;
const SLOW_SOFTWARE_MS = 50;
const WINDOW_MS = 1500;
const LEAST_FRAMES = 6;
const SETTLE_MS = 1500;

/**
 * Steps down while frames take too long. It never steps up: a face that changes its looks back and forth is worse
 * than one that stays plain.
 */
export class Governor {
  private readonly recent: number[] = [];
  private quietUntil = 0;
  private since = 0;

  private readonly slow: number;

  constructor(
    public level: number,
    software = false,
  ) {
    this.slow = software ? SLOW_SOFTWARE_MS : SLOW_MS;
  }

  /** A frame came `interval` ms after the last, at `now` ms. Returns whether the level changed. */
  frame(interval: number, now: number): boolean {
    if (interval > 1000 && this.recent.length) this.settle(now); // the tab was hidden
    if (now < this.quietUntil || this.level >= LEVELS.length - 1) return false;
    if (this.recent.length === 0) this.since = now;
    this.recent.push(interval);
    if (now - this.since < WINDOW_MS || this.recent.length < LEAST_FRAMES) return false;
    const median = this.recent.sort((a, b) => a - b)[this.recent.length >> 1]!;
    this.recent.length = 0;
    if (median <= this.slow) return false;
    this.level++;
    this.settle(now);
    return true;
  }

  /** Shaders compile, or a head loads: what comes next says nothing. */
  settle(now: number): void {
    this.recent.length = 0;
    this.quietUntil = now + SETTLE_MS;
  }
}
