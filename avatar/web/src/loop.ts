import type { Captions } from "./captions";
import { FrameInterval, type Anchor } from "./clock";
import type { Conversation } from "./conversation";
import type { DrawnFrame, Face } from "./face";
import type { Sound } from "./sound";
import type { Viewport } from "./viewport";

/** Sixty frames a second are what the wire has; a little less than their time, so that none is missed by jitter. */
const LEAST_INTERVAL_MS = 1000 / 60 - 3;

/** Calls for each frame that is to be drawn: no more than the face has, and no more than the GPU takes. */
export class Ticker {
  readonly interval = new FrameInterval();
  private lastDrawn = 0;

  constructor(public viewport: Viewport | null) {}

  /** `draw` is told the ms since the last frame. */
  start(draw: (elapsed: number) => void): void {
    const frame = (timestamp: number) => {
      requestAnimationFrame(frame);
      if (timestamp - this.lastDrawn < LEAST_INTERVAL_MS) return;
      if (this.viewport && !this.viewport.hasRoom(performance.now())) return;
      this.interval.tick(timestamp);
      const elapsed = timestamp - this.lastDrawn;
      this.lastDrawn = timestamp;
      draw(elapsed);
    };
    requestAnimationFrame(frame);
  }

  /** From drawing a frame until it is seen: what the last ones took, else one frame. */
  get delayMs(): number {
    return this.viewport?.delayMs ?? this.interval.ms;
  }
}

/** Draws the face for the moment at which it will be seen. */
export class Loop extends Ticker {
  /** Called for each frame drawn while a reply sounds. */
  onDrawn: (frame: DrawnFrame, now: number) => void = () => undefined;

  constructor(
    private readonly conversation: Conversation,
    private readonly face: Face,
    private readonly sound: Sound | null,
    private readonly captions: Captions,
    viewport: Viewport | null,
  ) {
    super(viewport);
  }

  run(): void {
    this.start((elapsed) => this.draw(elapsed));
  }

  /** What sounds at `now` ms, here or at the player that this page follows. */
  audible(now: number): Anchor | null {
    if (this.conversation.role === "viewer") return this.conversation.followedAt(now);
    return this.sound?.player?.audible(now) ?? null;
  }

  private draw(elapsed: number): void {
    const now = performance.now();
    this.sound?.player?.clock.update(now);
    const shown = now + this.delayMs;
    const drawn = this.face.update(this.conversation.stageClock.sampleAt(shown), this.audible(shown), elapsed);
    if (drawn) this.onDrawn(drawn, now);
    this.viewport?.draw(this.face.pose, elapsed, now);
    const heard = this.audible(now);
    this.captions.update(heard?.playing ? heard.item : "", heard?.sample ?? 0, now);
    const microphone = this.sound?.microphone;
    if (microphone) showLevel(microphone.level);
  }
}

let level = 0;

/** Up at once, down slowly: a ring that follows every sample only flickers. */
export function showLevel(now: number): void {
  const target = Math.min(1, now * 7);
  level = Math.max(target, level * 0.9);
  document.documentElement.style.setProperty("--level", level.toFixed(2));
}
