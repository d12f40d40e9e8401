import { describe, expect, it } from "vitest";
import { FrameInterval, ItemTimeline, OutputClock, StageClock } from "../src/clock";

describe("an item's timeline", () => {
  it("is straight between anchors, and stands still in a stall", () => {
    const timeline = new ItemTimeline();
    expect(timeline.at(1)).toBeNull();
    timeline.add({ time: 1, item: "a", sample: 0, playing: true });
    timeline.add({ time: 2, item: "a", sample: 24_000, playing: false });
    timeline.add({ time: 3, item: "a", sample: 24_000, playing: true });
    expect(timeline.at(0.9)).toBeNull();
    expect(timeline.at(1.5)!.sample).toBe(12_000);
    expect(timeline.at(2.7)).toMatchObject({ sample: 24_000, playing: false });
    expect(timeline.at(3.5)!.sample).toBe(36_000);
  });

  it("remembers how far an item got after it is over", () => {
    const timeline = new ItemTimeline();
    timeline.add({ time: 1, item: "a", sample: 0, playing: true });
    timeline.add({ time: 2, item: "a", sample: 23_990, playing: false });
    timeline.add({ time: 2.5, item: "b", sample: 0, playing: true });
    expect(timeline.reached("a", 1.5)).toBe(12_000);
    expect(timeline.reached("a", 9)).toBe(23_990);
    expect(timeline.reached("b", 2)).toBe(0);
    expect(timeline.reached("b", 3)).toBe(12_000);
  });
});

describe("the stage clock", () => {
  it("keeps the least delayed of what it saw", () => {
    const clock = new StageClock();
    expect(clock.sampleAt(0)).toBeNull();
    const delays = [40, 12, 90, 5, 33];
    delays.forEach((delay, i) => clock.observe(i * 2400, 1000 + i * 100 + delay));
    expect(clock.sampleAt(2000)).toBeCloseTo((2000 - 1005) * 24, 6);
  });

  it("follows a clock that drifts", () => {
    const clock = new StageClock();
    for (let i = 0; i < 36_000; i++) clock.observe(i * 2400, i * 100 * 1.0001 + (i % 7)); // an hour, 100 ppm
    const now = 3_600_000 * 1.0001;
    expect(Math.abs(clock.sampleAt(now)! - 3600 * 24_000)).toBeLessThan(0.01 * 24_000);
  });
});

describe("the output clock", () => {
  const source = { currentTime: 10, outputLatency: 0.05, contextTime: 9.95, performanceTime: 5000 };
  const context = () => ({
    get currentTime() {
      return source.currentTime;
    },
    get outputLatency() {
      return source.outputLatency;
    },
    getOutputTimestamp: () => ({ contextTime: source.contextTime, performanceTime: source.performanceTime }),
  });

  it("believes a timestamp that counts the latency", () => {
    Object.assign(source, { currentTime: 10, outputLatency: 0.05, contextTime: 9.95, performanceTime: 5000 });
    const clock = new OutputClock(context());
    clock.update(5000);
    expect(clock.audibleAt(5010)).toBeCloseTo(9.96, 9);
  });

  it("takes off a latency that the timestamp leaves out", () => {
    Object.assign(source, { currentTime: 10, outputLatency: 0.2, contextTime: 9.99, performanceTime: 5000 });
    const clock = new OutputClock(context());
    clock.update(5000);
    expect(clock.audibleAt(5000)).toBeCloseTo(9.8, 9);
  });

  it("manages without timestamps", () => {
    Object.assign(source, { currentTime: 10, outputLatency: 0.05, contextTime: 0, performanceTime: 0 });
    const clock = new OutputClock(context());
    clock.update(5000);
    expect(clock.audibleAt(5000)).toBeCloseTo(9.95, 9);
  });
});

describe("the frame interval", () => {
  it("is the median, blind to hiccups and hidden tabs", () => {
    const interval = new FrameInterval();
    expect(interval.ms).toBeCloseTo(16.67, 1);
    let now = 0;
    for (const delta of [10, 10, 10, 48, 10, 10, 60_000, 10]) interval.tick((now += delta));
    expect(interval.ms).toBe(10);
  });
});
