import { base64FromBytes, bytesFromBase64, pcm16FromFloats } from "./base64";
import { StageClock, type Anchor } from "./clock";
import type { ServerEvent } from "./events";
import type { DrawnFrame, Face } from "./face";
import { RATE, SAMPLES_PER_FRAME } from "./shapes";
import { Wire, type Connection, type Socket } from "./wire";

/** The name under which the face keeps the frames that the microphone made. */
const HEARD = "mirror";
/** Frames that are older than this when they would be drawn: nothing came for a while, and the mouth eases to rest. */
const STALE_MS = 500;

export interface MirrorHandlers {
  connection(state: Connection): void;
  trouble(message: string): void;
}

/**
 * A face that mimics the microphone: sound goes up, frames come back on that sound's own clock, and the newest is drawn.
 */
export class Mirror {
  readonly wire: Wire;
  readonly stageClock = new StageClock();
  /** The microphone's samples: which one was spoken when, as seen from the page. */
  readonly soundClock = new StageClock();
  /** Whether the server answered since the connection is there. */
  joined = false;
  /** Where the newest frame stands in the microphone's samples; −1 while there is none. */
  newest = -1;
  /** Called when frames arrive: by how many samples the newest is behind what is spoken then. */
  onFrames: (behind: number) => void = () => undefined;
  private sent = 0;
  private reducedMotion = false;

  constructor(
    url: string,
    private readonly face: Face,
    private readonly handlers: MirrorHandlers,
    open?: (url: string) => Socket,
  ) {
    const events = {
      event: (event: ServerEvent, arrival: number) => this.receive(event, arrival),
      connection: (state: Connection) => this.connectionChanged(state),
    };
    this.wire = open ? new Wire(() => url, events, open) : new Wire(() => url, events);
  }

  /** A packet of the microphone came at `now` ms. */
  hear(samples: Float32Array, now: number): void {
    if (!this.joined) return;
    this.sent += samples.length;
    this.soundClock.observe(this.sent, now);
    this.wire.sendSound(base64FromBytes(pcm16FromFloats(samples)), samples.length);
  }

  moveLess(reduced: boolean): void {
    if (reduced === this.reducedMotion) return;
    this.reducedMotion = reduced;
    if (this.wire.connection === "open") this.configure();
  }

  /** Work the face out for what will be seen at `shown` ms, `elapsed` ms after the last time. */
  update(shown: number, elapsed: number): DrawnFrame | null {
    return this.face.update(this.stageClock.sampleAt(shown), this.audible(shown), elapsed);
  }

  private audible(shown: number): Anchor | null {
    const spoken = this.soundClock.sampleAt(shown);
    if (this.newest < 0 || spoken === null) return null;
    const playing = ((spoken - this.newest) / RATE) * 1000 < STALE_MS;
    return { time: shown, item: HEARD, sample: this.newest, playing };
  }

  private receive(event: ServerEvent, arrival: number): void {
    switch (event.type) {
      case "visavis.mirror":
        this.stageClock.observe(event.stage_now, arrival);
        this.joined = true;
        return;
      case "visavis.stage_face.delta":
        this.stageClock.observe(event.stage_now, arrival);
        return this.face.pushStage(event.start_sample, event.count, bytesFromBase64(event.data));
      case "visavis.mirror_face.delta":
        this.face.pushReply(HEARD, event.start_sample, event.count, bytesFromBase64(event.data));
        this.newest = event.start_sample + (event.count - 1) * SAMPLES_PER_FRAME;
        return this.onFrames((this.soundClock.sampleAt(arrival) ?? 0) - this.newest);
      case "error":
        return this.handlers.trouble(event.error.message);
    }
  }

  private connectionChanged(state: Connection): void {
    if (state === "lost") this.reset();
    if (state === "open") this.configure();
    this.handlers.connection(state);
  }

  private configure(): void {
    const avatar = { format: "arkit52", fps: 60, reduced_motion: this.reducedMotion } as const;
    this.wire.send({ type: "session.update", session: { type: "realtime", avatar } });
  }

  private reset(): void {
    this.joined = false;
    this.newest = -1;
    this.sent = 0;
    this.stageClock.reset();
    this.soundClock.reset();
    this.face.clear();
  }
}
