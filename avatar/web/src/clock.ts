import { RATE } from "./shapes";

/** A straight piece of playback: at `time` s source sample `sample` of `item` was reached; `playing`: it moves on. */
export interface Anchor {
  time: number;
  item: string;
  sample: number;
  playing: boolean;
}

/**
 * Which sample of which item belongs to a moment. The moments are seconds of any clock: the audio context's for the
 * client that plays, the stage clock's for one that follows. Anchors are kept for the last seconds only, because the
 * loudspeaker runs behind the context.
 */
export class ItemTimeline {
  private anchors: Anchor[] = [];

  add(anchor: Anchor): void {
    while (this.anchors.length && this.anchors.at(-1)!.time > anchor.time) this.anchors.pop();
    this.anchors.push(anchor);
    if (this.anchors.length > 64) this.anchors.shift();
  }

  /** The item at `time` and its sample there; null before the first anchor. */
  at(time: number): Anchor | null {
    for (let i = this.anchors.length - 1; i >= 0; i--) {
      const anchor = this.anchors[i]!;
      if (anchor.time > time) continue;
      return { ...anchor, time, sample: anchor.sample + (anchor.playing ? (time - anchor.time) * RATE : 0) };
    }
    return null;
  }

  /** How much of `item` had passed by `time`: also for an item that is over. */
  reached(item: string, time: number): number {
    for (let i = this.anchors.length - 1; i >= 0; i--) {
      const anchor = this.anchors[i]!;
      if (anchor.item !== item || anchor.time > time) continue;
      const until = Math.min(time, this.anchors[i + 1]?.time ?? time);
      return anchor.sample + (anchor.playing ? (until - anchor.time) * RATE : 0);
    }
    return 0;
  }

  clear(): void {
    this.anchors = [];
  }
}

const WINDOW_MS = 30_000;

/**
 * The stage clock as seen from the page. Every `stage_now` arrives late by the way it came; the least late one tells
 * the offset best. Only the last minute counts, because two machines' clocks drift apart.
 */
export class StageClock {
  private current = Infinity;
  private previous = Infinity;
  private turned = -Infinity;

  /** A message that left at stage sample `stageNow` arrived at `arrival` ms. */
  observe(stageNow: number, arrival: number): void {
    if (arrival - this.turned > WINDOW_MS) {
      this.previous = this.current;
      this.current = Infinity;
      this.turned = arrival;
    }
    this.current = Math.min(this.current, arrival - (stageNow / RATE) * 1000);
  }

  /** The stage sample at `now` ms; null before anything arrived. */
  sampleAt(now: number): number | null {
    const offset = Math.min(this.current, this.previous);
    return offset === Infinity ? null : ((now - offset) / 1000) * RATE;
  }

  reset(): void {
    this.current = this.previous = Infinity;
    this.turned = -Infinity;
  }
}

/** What the clock reads off an AudioContext. */
export interface OutputClockSource {
  readonly currentTime: number;
  readonly outputLatency?: number;
  readonly baseLatency?: number;
  getOutputTimestamp?(): AudioTimestamp;
}

/**
 * Which moment of the audio context is at the loudspeaker at which time of the page.
 *
 * `getOutputTimestamp` says so to a tenth of a millisecond. Where it does not count the device's latency (its lag
 * behind `currentTime` is then much smaller than `outputLatency`), the rest is taken off.
 */
export class OutputClock {
  private offset = NaN;
  private lag = NaN;

  constructor(private readonly source: OutputClockSource) {}

  /** Read the clock; `now` in ms of performance.now(). */
  update(now: number): void {
    const stamp = this.source.getOutputTimestamp?.();
    const latency = this.latency;
    if (!stamp?.performanceTime || !stamp.contextTime) {
      this.offset = this.source.currentTime - latency - now / 1000;
      return;
    }
    const stamped = stamp.contextTime - stamp.performanceTime / 1000;
    // currentTime moves in blocks, so its lag is averaged.
    const lag = this.source.currentTime - (stamped + now / 1000);
    this.lag = Number.isNaN(this.lag) ? lag : this.lag + 0.02 * (lag - this.lag);
    const missing = latency - this.lag;
    this.offset = stamped - (missing > 0.02 ? missing : 0);
  }

  /** The context's time that is heard at `now` ms. A suspended context stands still, so it is never far beyond. */
  audibleAt(now: number): number {
    return Math.min(this.offset + now / 1000, this.source.currentTime + 0.05);
  }

  /** Seconds from the graph to the loudspeaker, as the browser estimates them. */
  get latency(): number {
    return this.source.outputLatency || this.source.baseLatency || 0;
  }
}

/** The time from one animation frame to the next, in ms: the median of the last ones, so one hiccup moves nothing. */
export class FrameInterval {
  private readonly recent: number[] = [];
  private last = NaN;

  tick(now: number): void {
    const delta = now - this.last;
    this.last = now;
    if (!(delta > 0) || delta > 1000) return; // the first one, or the tab was hidden
    this.recent.push(delta);
    if (this.recent.length > 15) this.recent.shift();
  }

  get ms(): number {
    const sorted = [...this.recent].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? 1000 / 60;
  }
}
