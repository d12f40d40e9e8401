import { ItemTimeline, OutputClock, type Anchor } from "./clock";
import type { PlayerCommand, PlayerEvent } from "./player-core";
import workletUrl from "./player-worklet.ts?worker&url";

/** What the server is told about playback. */
export interface PlayoutReport {
  item: string;
  heard: number;
  buffered: number;
  latencyMs: number;
  playing: boolean;
}

/** The sound ran dry: at `sample` of `item`. */
export interface Underrun {
  item: string;
  sample: number;
}

const MOST_UNDERRUNS = 1000;

/** Plays replies, and knows which sample is at the loudspeaker now. */
export class Player {
  readonly clock: OutputClock;
  readonly timeline = new ItemTimeline();
  readonly underruns: Underrun[] = [];
  onReport: (report: PlayoutReport) => void = () => undefined;
  /** Playback of an item froze or ended for good at a sample. */
  onFinished: (item: string, sample: number) => void = () => undefined;
  private readonly received = new Map<string, number>();
  private readonly gain: GainNode;
  private tapNode: MediaStreamAudioDestinationNode | null = null;

  static async create(context: AudioContext): Promise<Player> {
    await context.audioWorklet.addModule(workletUrl);
    return new Player(context);
  }

  private readonly node: AudioWorkletNode;

  private constructor(private readonly context: AudioContext) {
    this.clock = new OutputClock(context);
    this.gain = new GainNode(context);
    this.node = new AudioWorkletNode(context, "visavis-player", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.node.connect(this.gain).connect(context.destination);
    this.node.port.onmessage = (message: MessageEvent<PlayerEvent>) => this.receive(message.data);
  }

  append(item: string, samples: Float32Array<ArrayBuffer>): void {
    this.received.set(item, (this.received.get(item) ?? 0) + samples.length);
    if (this.received.size > 16) this.received.delete(this.received.keys().next().value!);
    this.node.port.postMessage({ kind: "append", item, samples } satisfies PlayerCommand, [samples.buffer]);
  }

  command(command: PlayerCommand): void {
    this.node.port.postMessage(command);
  }

  /** 0…1; the ear hears in powers, so the slider's middle is half as loud. */
  set volume(volume: number) {
    this.gain.gain.setTargetAtTime(volume * volume, this.context.currentTime, 0.02);
  }

  /** What is heard at `now` ms of the page's clock, which may lie a frame ahead. */
  audible(now: number): Anchor | null {
    return this.timeline.at(this.clock.audibleAt(now));
  }

  /** How many samples of `item` have been heard. */
  heard(item: string): number {
    const now = performance.now();
    this.clock.update(now);
    return Math.floor(this.timeline.reached(item, this.clock.audibleAt(now)));
  }

  /** The output as a stream, to be recorded. */
  get tap(): MediaStream {
    if (!this.tapNode) {
      this.tapNode = this.context.createMediaStreamDestination();
      this.gain.connect(this.tapNode);
    }
    return this.tapNode.stream;
  }

  private receive(event: PlayerEvent): void {
    if (event.kind === "report") {
      this.report(event.item, this.heard(event.item), event.playing);
      return;
    }
    if (event.kind === "dropped") {
      this.onFinished(event.item, 0);
      return;
    }
    const { item, sample, playing, reason } = event;
    this.timeline.add({ time: event.frame / this.context.sampleRate, item, sample, playing });
    if (reason === "stall" && this.underruns.length < MOST_UNDERRUNS) this.underruns.push({ item, sample });
    if (reason === "hold" || reason === "stop" || reason === "stall") this.report(item, Math.floor(sample), false);
    if (reason === "stop") this.onFinished(item, Math.floor(sample));
    if (reason === "end") setTimeout(() => this.ended(item, sample), this.clock.latency * 1000);
  }

  /** The last sample was rendered a latency ago: now it was heard. */
  private ended(item: string, sample: number): void {
    this.report(item, Math.floor(sample), false);
    this.onFinished(item, Math.floor(sample));
  }

  private report(item: string, heard: number, playing: boolean): void {
    const buffered = Math.max(0, (this.received.get(item) ?? 0) - heard);
    this.onReport({ item, heard, buffered, latencyMs: this.clock.latency * 1000, playing });
  }
}
