import { describe, expect, it } from "vitest";
import { PlayerCore, type PlayerEvent } from "../src/player-core";

const BLOCK = 128;
type AnchorEvent = Extract<PlayerEvent, { kind: "anchor" }>;

/** A player whose every sample and event is kept. */
class Bench {
  readonly events: PlayerEvent[] = [];
  readonly heard: number[] = [];
  readonly core: PlayerCore;

  constructor(readonly rate = 48_000) {
    this.core = new PlayerCore(rate, (event) => this.events.push(event));
  }

  play(seconds: number): this {
    const block = new Float32Array(BLOCK);
    const until = this.heard.length + seconds * this.rate;
    while (this.heard.length < until) {
      this.core.process(block, this.heard.length);
      this.heard.push(...block);
    }
    return this;
  }

  get anchors(): AnchorEvent[] {
    return this.events.filter((event): event is AnchorEvent => event.kind === "anchor");
  }

  get reasons(): string[] {
    return this.anchors.map((anchor) => anchor.reason);
  }

  last(reason: string): AnchorEvent {
    return this.anchors.findLast((anchor) => anchor.reason === reason)!;
  }
}

function tone(count: number, offset = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 200 * (n + offset)) / 24_000));
}

function worstStep(samples: readonly number[]): number {
  let worst = 0;
  for (let i = 1; i < samples.length; i++) worst = Math.max(worst, Math.abs(samples[i]! - samples[i - 1]!));
  return worst;
}

describe("the player", () => {
  it.each([48_000, 44_100, 16_000])("plays every sample in place at %i Hz and counts them", (rate) => {
    const bench = new Bench(rate);
    bench.core.command({ kind: "append", item: "a", samples: tone(24_000) });
    bench.core.command({ kind: "end", item: "a" });
    bench.play(1.2);
    expect(bench.reasons).toEqual(["start", "end"]);
    const [start, end] = bench.anchors as [AnchorEvent, AnchorEvent];
    expect(end.sample).toBe(24_000);
    expect(Math.abs(end.frame - start.frame - rate)).toBeLessThanOrEqual(1);
    for (const at of [0.25, 0.5, 0.731]) {
      const expected = 0.5 * Math.sin(2 * Math.PI * 200 * (Math.round(at * rate) / rate));
      expect(bench.heard[start.frame + Math.round(at * rate)]).toBeCloseTo(expected, 3);
    }
  });

  it("waits for 80 ms before an item begins, unless it is shorter", () => {
    const bench = new Bench();
    bench.core.command({ kind: "append", item: "a", samples: tone(1000) });
    bench.play(0.1);
    expect(bench.reasons).toEqual([]);
    bench.core.command({ kind: "end", item: "a" });
    bench.play(0.1);
    expect(bench.reasons).toEqual(["start", "end"]);
  });

  it("holds with a fade and goes on from the held sample", () => {
    const bench = new Bench();
    bench.core.command({ kind: "append", item: "a", samples: tone(48_000) });
    bench.play(0.5);
    bench.core.command({ kind: "hold" });
    bench.play(0.5);
    const hold = bench.last("hold");
    expect(hold.playing).toBe(false);
    expect(hold.sample / 24).toBeCloseTo(508, -1);
    expect(bench.heard.slice(-4800).every((x) => x === 0)).toBe(true);
    bench.core.command({ kind: "resume" });
    bench.play(0.2);
    expect(bench.last("resume").sample).toBe(hold.sample);
    expect(worstStep(bench.heard)).toBeLessThan(0.02);
  });

  it("stops with a fade, drops the rest and what still arrives", () => {
    const bench = new Bench();
    bench.core.command({ kind: "append", item: "a", samples: tone(48_000) });
    bench.play(0.5);
    bench.core.command({ kind: "stop", item: "a" });
    bench.core.command({ kind: "append", item: "a", samples: tone(24_000) });
    bench.play(0.3);
    expect(bench.reasons).toEqual(["start", "stop"]);
    expect(bench.last("stop").sample / 24).toBeCloseTo(508, -1);
    expect(bench.heard.slice(-9600).every((x) => x === 0)).toBe(true);
    expect(worstStep(bench.heard)).toBeLessThan(0.02);
    bench.core.command({ kind: "append", item: "b", samples: tone(24_000) });
    bench.play(0.2);
    expect(bench.last("start").item).toBe("b");
  });

  it("stops what is held", () => {
    const bench = new Bench();
    bench.core.command({ kind: "append", item: "a", samples: tone(48_000) });
    bench.play(0.3);
    bench.core.command({ kind: "hold" });
    bench.play(0.3);
    bench.core.command({ kind: "stop", item: "a" });
    bench.core.command({ kind: "append", item: "b", samples: tone(24_000) });
    bench.play(0.3);
    expect(bench.reasons).toEqual(["start", "hold", "stop", "start"]);
    expect(bench.last("stop").sample).toBe(bench.last("hold").sample);
  });

  it("fades into a stall, loses nothing, and says so", () => {
    const bench = new Bench();
    bench.core.command({ kind: "append", item: "a", samples: tone(7200) });
    bench.play(0.6);
    expect(bench.reasons).toEqual(["start", "stall"]);
    const stall = bench.last("stall");
    expect(stall.sample).toBeLessThanOrEqual(7200);
    bench.core.command({ kind: "append", item: "a", samples: tone(2000, 7200) });
    bench.play(0.1);
    expect(bench.reasons).toEqual(["start", "stall"]);
    bench.core.command({ kind: "append", item: "a", samples: tone(24_400, 9200) });
    bench.core.command({ kind: "end", item: "a" });
    bench.play(2);
    expect(bench.reasons).toEqual(["start", "stall", "resume", "end"]);
    expect(bench.last("resume").sample).toBe(stall.sample);
    expect(bench.last("end").sample).toBe(33_600);
    expect(worstStep(bench.heard)).toBeLessThan(0.02);
  });

  it("plays items in their order and stops one that waits", () => {
    const bench = new Bench();
    for (const item of ["a", "b", "c"]) {
      bench.core.command({ kind: "append", item, samples: tone(6000) });
      bench.core.command({ kind: "end", item });
    }
    bench.core.command({ kind: "stop", item: "b" });
    bench.play(1);
    expect(bench.anchors.map((anchor) => `${anchor.item} ${anchor.reason}`)).toEqual([
      "a start",
      "a end",
      "c start",
      "c end",
    ]);
    expect(bench.events).toContainEqual({ kind: "dropped", item: "b" });
  });

  it("reports five times a second while an item is there", () => {
    const bench = new Bench();
    bench.play(1);
    expect(bench.events).toEqual([]);
    bench.core.command({ kind: "append", item: "a", samples: tone(24_000) });
    bench.core.command({ kind: "end", item: "a" });
    bench.play(2);
    const reports = bench.events.filter((event) => event.kind === "report");
    expect(reports).toHaveLength(5);
    expect(reports.at(-1)).toMatchObject({ item: "a", received: 24_000, playing: true });
  });

  it("clears everything", () => {
    const bench = new Bench();
    bench.core.command({ kind: "append", item: "a", samples: tone(24_000) });
    bench.core.command({ kind: "append", item: "b", samples: tone(24_000) });
    bench.play(0.3);
    bench.core.command({ kind: "clear" });
    bench.play(0.3);
    expect(bench.reasons).toEqual(["start", "stop"]);
    expect(bench.events).toContainEqual({ kind: "dropped", item: "b" });
    expect(bench.heard.at(-1)).toBe(0);
    bench.core.command({ kind: "append", item: "b", samples: tone(24_000) });
    bench.play(0.3);
    expect(bench.reasons).toEqual(["start", "stop"]);
  });
});
