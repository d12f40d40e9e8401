import { Resampler, type Position } from "./resampler";
import { SampleQueue } from "./sample-queue";
import { RATE } from "./shapes";

/** What the page tells the player. */
export type PlayerCommand =
  | { kind: "append"; item: string; samples: Float32Array }
  | { kind: "end"; item: string }
  | { kind: "hold" }
  | { kind: "resume" }
  | { kind: "stop"; item: string }
  | { kind: "clear" };

export type AnchorReason = "start" | "resume" | "hold" | "stop" | "stall" | "end";

/**
 * What the player tells the page. An anchor says that at the context's frame `frame` source sample `sample` of the
 * item was rendered, and whether it moves on from there; between anchors positions are straight lines. An item that was
 * dropped was stopped before it began.
 */
export type PlayerEvent =
  | { kind: "anchor"; frame: number; item: string; sample: number; playing: boolean; reason: AnchorReason }
  | { kind: "dropped"; item: string }
  | { kind: "report"; frame: number; item: string; sample: number; received: number; playing: boolean };

const FADE_S = 0.008;
/** Sound waiting before an item begins, and before it goes on after a stall. */
const PREBUFFER = 0.08 * RATE;
const REBUFFER = 0.12 * RATE;
const REPORT_S = 0.2;
/** An item nobody stops is still bounded: ten minutes of sound not yet played. */
const MOST_WAITING = 600 * RATE;

class Item {
  readonly queue = new SampleQueue(20 * RATE);
  readonly position: Position = { index: 0, part: 0 };
  ended = false;

  constructor(readonly id: string) {}
}

/**
 * Plays items one after another and counts what it plays in 24 kHz source samples.
 *
 * A single gain does all the fading: it moves toward 1 while the sound should be heard and toward 0 while not, and
 * at 0 the position stands still. So a hold, a stop and a stall all fade over 8 ms, and nothing is skipped: sound
 * goes on from the very sample at which it froze.
 */
export class PlayerCore {
  private readonly resampler: Resampler;
  private readonly fadeStep: number;
  private readonly fadeSamples = FADE_S * RATE;
  private items: Item[] = [];
  private stopped: string[] = [];
  private gain = 1;
  private held = false;
  private stopping = false;
  private waiting = true;
  private moving = false;
  private begun = false;
  private nextReport = 0;

  constructor(
    private readonly deviceRate: number,
    private readonly emit: (event: PlayerEvent) => void,
  ) {
    this.resampler = new Resampler(RATE, deviceRate);
    this.fadeStep = 1 / (FADE_S * deviceRate);
  }

  command(command: PlayerCommand): void {
    if (command.kind === "append") this.append(command.item, command.samples);
    else if (command.kind === "end") this.end(command.item);
    else if (command.kind === "hold") this.held = true;
    else if (command.kind === "resume") this.held = false;
    else if (command.kind === "stop") this.stop(command.item);
    else this.clear();
  }

  /** Fill `out`, whose first sample is the context's frame `frame`. */
  process(out: Float32Array, frame: number): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(frame + i);
    const item = this.items[0];
    if (!item) return;
    item.queue.discardBefore(item.position.index - this.resampler.reach);
    if (!this.begun || frame < this.nextReport) return;
    this.nextReport = frame + REPORT_S * this.deviceRate;
    const sample = this.resampler.value(item.position);
    this.emit({ kind: "report", frame, item: item.id, sample, received: item.queue.end, playing: this.moving });
  }

  private next(frame: number): number {
    const item = this.items[0];
    if (!item) return 0;
    const sounding = this.shouldSound(item);
    if (!sounding && this.gain === 0) {
      this.freeze(item, frame);
      return 0;
    }
    if (!this.begun && !sounding) return 0;
    if (!this.moving) this.move(item, frame);
    this.gain = sounding ? Math.min(1, this.gain + this.fadeStep) : Math.max(0, this.gain - this.fadeStep);
    const { queue, position } = item;
    const value = this.gain * this.resampler.at(queue.data, queue.length, queue.indexOf(position.index), position.part);
    this.resampler.step(item.position);
    if (item.ended && item.position.index >= item.queue.end) this.finish(item, frame + 1, "end");
    return value;
  }

  private shouldSound(item: Item): boolean {
    const left = item.queue.end - item.position.index;
    if (item.ended) this.waiting = false;
    else if (this.waiting) this.waiting = left < (this.begun ? REBUFFER : PREBUFFER);
    else this.waiting = left <= this.fadeSamples + this.resampler.reach + 1;
    return !this.waiting && !this.held && !this.stopping;
  }

  private move(item: Item, frame: number): void {
    this.anchor(item, frame, true, this.begun ? "resume" : "start");
    if (!this.begun) this.gain = 1; // an item's own beginning is left as it was made
    this.begun = true;
    this.moving = true;
  }

  private freeze(item: Item, frame: number): void {
    if (this.stopping) this.finish(item, frame, "stop");
    else if (this.moving) {
      this.moving = false;
      this.anchor(item, frame, false, this.held ? "hold" : "stall");
    }
  }

  private finish(item: Item, frame: number, reason: AnchorReason): void {
    this.items.shift();
    this.moving = this.begun = this.stopping = false;
    this.waiting = true;
    this.gain = 1;
    if (reason === "stop") this.held = false;
    this.anchor(item, frame, false, reason);
  }

  private anchor(item: Item, frame: number, playing: boolean, reason: AnchorReason): void {
    const sample = Math.min(this.resampler.value(item.position), item.queue.end);
    this.emit({ kind: "anchor", frame, item: item.id, sample, playing, reason });
  }

  private append(id: string, samples: Float32Array): void {
    if (this.stopped.includes(id)) return; // sent before the server knew
    let item = this.items.find((candidate) => candidate.id === id);
    if (!item) this.items.push((item = new Item(id)));
    if (item.queue.end - item.position.index + samples.length <= MOST_WAITING) item.queue.append(samples);
  }

  private end(id: string): void {
    const item = this.items.find((candidate) => candidate.id === id);
    if (!item) return;
    item.ended = true;
    if (item.queue.end === 0) this.items = this.items.filter((candidate) => candidate !== item);
  }

  private stop(id: string): void {
    this.stopped = [...this.stopped.slice(-15), id];
    if (this.items[0]?.id === id) {
      this.stopping = true;
      if (!this.begun) this.gain = 0;
      return;
    }
    if (this.items.some((item) => item.id === id)) this.emit({ kind: "dropped", item: id });
    this.items = this.items.filter((item) => item.id !== id);
    if (this.items.length === 0) this.held = false;
  }

  private clear(): void {
    for (const { id } of [...this.items]) this.stop(id);
  }
}
