/** The part of WebGL that is used. */
export type Fences = Pick<
  WebGL2RenderingContext,
  "SYNC_GPU_COMMANDS_COMPLETE" | "SYNC_STATUS" | "SIGNALED" | "fenceSync" | "getSyncParameter" | "deleteSync" | "flush"
>;

interface Waiting {
  fence: WebGLSync;
  begun: number;
}

const KEPT = 9;
/** A fence that takes longer belongs to a tab that was hidden or a context that was lost. */
const LONGEST_MS = 1000;

/**
 * When what is drawn now will be seen, and whether there is room for another frame.
 *
 * A browser whose GPU does not keep up, or that has none, lets several frames queue: the picture is then seen a fifth
 * of a second after it was drawn, and a mouth drawn for the next frame's time trails the voice by that much. A fence
 * behind each frame says when it was done. So only `depth` frames may wait, and the time they took is the time that the
 * next one will take.
 */
export class Presentation {
  private waiting: Waiting[] = [];
  private readonly recent: number[] = [];

  constructor(
    private readonly gl: Fences,
    private readonly depth: number,
  ) {}

  /** Whether a frame may be drawn at `now` ms. */
  hasRoom(now: number): boolean {
    this.collect(now);
    return this.waiting.length < this.depth;
  }

  /** A frame begun at `begun` ms was given to the GPU. */
  drawn(begun: number): void {
    const { gl } = this;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (!fence) return; // the context is lost
    gl.flush();
    this.waiting.push({ fence, begun });
  }

  /** From a frame's beginning until it is seen, in ms: the median of the last ones; null before the first. */
  get delayMs(): number | null {
    const sorted = [...this.recent].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? null;
  }

  private collect(now: number): void {
    const { gl } = this;
    for (let first = this.waiting[0]; first; first = this.waiting[0]) {
      const took = now - first.begun;
      const done = gl.getSyncParameter(first.fence, gl.SYNC_STATUS) === gl.SIGNALED;
      if (!done && took < LONGEST_MS) return;
      this.waiting.shift();
      gl.deleteSync(first.fence);
      if (took >= LONGEST_MS) continue;
      this.recent.push(took);
      if (this.recent.length > KEPT) this.recent.shift();
    }
  }
}
