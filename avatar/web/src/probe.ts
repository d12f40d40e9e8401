import type { Conversation } from "./conversation";
import type { Face } from "./face";
import type { Loop } from "./loop";
import type { Sound } from "./sound";
import type { Entry } from "./transcript";
import type { VisavisState } from "./events";
import type { Connection } from "./wire";

/** One frame drawn while a reply sounded: `now` in ms of performance.now(), samples of the item's timeline. */
export interface SkewEntry {
  now: number;
  item: string;
  expected: number;
  drawn: number;
  jawOpen: number;
}

/** What may be read from outside, for tests and measurements: `window.visavis`. */
export interface Probe {
  readonly connection: Connection;
  readonly role: string | null;
  readonly state: VisavisState;
  /** Whether a head is drawn, at which level of quality, and whether without a GPU. */
  readonly ready: boolean;
  readonly level: number;
  readonly software: boolean;
  /** The pose as drawn: 52 weights; head and gaze in radians. */
  readonly weights: Float32Array;
  readonly head: Float32Array;
  readonly gaze: Float32Array;
  readonly fps: number;
  readonly frameIntervalMs: number;
  /** From drawing a frame until it is seen. */
  readonly presentationMs: number;
  /** What is heard now. */
  readonly audible: { item: string; sample: number; playing: boolean } | null;
  /** Samples heard of each item, as last reported. */
  readonly heard: Record<string, number>;
  readonly underruns: { item: string; sample: number }[];
  readonly skew: SkewEntry[];
  readonly outputLatencyMs: number;
  readonly microphone: { state: string; level: number; packets: number; dropped: number };
  readonly transcript: readonly Entry[];
  readonly timings: Record<string, number>[];
  /** What goes to the loudspeaker; null before there is sound. */
  readonly outputStream: MediaStream | null;
  readonly canvas: HTMLCanvasElement;
}

/** What the probe counts by itself. */
export interface Counters {
  packets: number;
  heard: Record<string, number>;
  timings: Record<string, number>[];
}

const JAW_OPEN = 17;
const MOST_SKEW = 20_000;

export function installProbe(
  loop: Loop,
  conversation: Conversation,
  face: Face,
  sound: Sound | null,
  canvas: HTMLCanvasElement,
  counters: Counters,
): Probe {
  const skew: SkewEntry[] = [];
  loop.onDrawn = (frame, now) => {
    skew.push({ now, ...frame, jawOpen: face.pose.weights[JAW_OPEN]! });
    if (skew.length > MOST_SKEW) skew.splice(0, MOST_SKEW / 4);
  };
  const audible = () => {
    const anchor = loop.audible(performance.now());
    return anchor && { item: anchor.item, sample: anchor.sample, playing: anchor.playing };
  };
  const getters: { [K in keyof Probe]: () => Probe[K] } = {
    connection: () => conversation.wire.connection,
    role: () => conversation.role,
    state: () => conversation.state,
    ready: () => loop.viewport?.ready ?? false,
    level: () => loop.viewport?.level ?? -1,
    software: () => loop.viewport?.software ?? true,
    weights: () => face.pose.weights,
    head: () => face.pose.head,
    gaze: () => face.pose.gaze,
    fps: () => 1000 / loop.interval.ms,
    frameIntervalMs: () => loop.interval.ms,
    presentationMs: () => loop.delayMs,
    audible,
    heard: () => counters.heard,
    underruns: () => sound?.player?.underruns ?? [],
    skew: () => skew,
    outputLatencyMs: () => (sound?.player?.clock.latency ?? 0) * 1000,
    microphone: () => ({
      state: sound?.microphone?.state ?? "off",
      level: sound?.microphone?.level ?? 0,
      packets: counters.packets,
      dropped: conversation.wire.dropped,
    }),
    transcript: () => conversation.transcript.entries,
    timings: () => counters.timings,
    outputStream: () => sound?.player?.tap ?? null,
    canvas: () => canvas,
  };
  return publish<Probe>(getters);
}

/** Let `window.visavis` have these properties, worked out whenever they are read. */
export function publish<P>(getters: { [K in keyof P]: () => P[K] }): P {
  const probe = {};
  for (const [name, get] of Object.entries(getters)) {
    Object.defineProperty(probe, name, { get: get as () => unknown, enumerable: true });
  }
  Object.defineProperty(window, "visavis", { value: probe });
  return probe as P;
}
