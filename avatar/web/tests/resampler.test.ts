import { describe, expect, it } from "vitest";
import { MicrophoneCore, PACKET_SAMPLES } from "../src/microphone-core";
import { Resampler } from "../src/resampler";

function tone(frequency: number, rate: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, n) => 0.5 * Math.sin((2 * Math.PI * frequency * n) / rate));
}

function convert(input: Float32Array, from: number, to: number): Float32Array {
  const resampler = new Resampler(from, to);
  const position = { index: 0, part: 0 };
  const out: number[] = [];
  while (position.index < input.length) {
    out.push(resampler.at(input, input.length, position.index, position.part));
    resampler.step(position);
  }
  return Float32Array.from(out);
}

/** Signal to error in dB against `ideal`, without the edges. */
function quality(output: Float32Array, ideal: Float32Array): number {
  let signal = 0;
  let error = 0;
  for (let n = 200; n < Math.min(output.length, ideal.length) - 200; n++) {
    signal += ideal[n]! ** 2;
    error += (output[n]! - ideal[n]!) ** 2;
  }
  return 10 * Math.log10(signal / error);
}

function loudness(samples: Float32Array): number {
  const inner = samples.subarray(200, -200);
  return 10 * Math.log10(inner.reduce((sum, x) => sum + x * x, 0) / inner.length);
}

describe("the resampler", () => {
  it.each([
    [24_000, 48_000],
    [24_000, 44_100],
    [24_000, 96_000],
    [48_000, 24_000],
    [44_100, 24_000],
    [16_000, 24_000],
    [24_000, 24_000],
  ])("keeps speech from %i to %i Hz, in place", (from, to) => {
    for (const frequency of [120, 1000, 3400, 6000]) {
      const output = convert(tone(frequency, from, from / 4), from, to);
      expect(output.length).toBe(to / 4);
      expect(quality(output, tone(frequency, to, to / 4))).toBeGreaterThan(65);
    }
  });

  it("lets nothing fold down from above the new half rate", () => {
    const input = loudness(tone(15_000, 48_000, 12_000));
    for (const frequency of [13_500, 15_000, 20_000]) {
      expect(loudness(convert(tone(frequency, 48_000, 12_000), 48_000, 24_000))).toBeLessThan(input - 60);
    }
  });

  it("handles rates with no small ratio", () => {
    const output = convert(tone(1000, 24_000, 6000), 24_000, 44_101);
    expect(quality(output, tone(1000, 44_101, output.length))).toBeGreaterThan(50);
  });
});

describe("the microphone's core", () => {
  function run(input: Float32Array, rate: number, muted = false) {
    const packets: { samples: Float32Array; level: number }[] = [];
    const core = new MicrophoneCore(rate, (packet) => packets.push(packet));
    core.muted = muted;
    for (let i = 0; i + 128 <= input.length; i += 128) core.process(input.subarray(i, i + 128));
    return packets;
  }

  it("gives packets of 30 ms that join without a seam", () => {
    const packets = run(tone(440, 48_000, 48_000), 48_000);
    expect(packets.every((packet) => packet.samples.length === PACKET_SAMPLES)).toBe(true);
    expect(packets.length).toBe(33);
    const joined = Float32Array.from(packets.flatMap((packet) => [...packet.samples]));
    expect(quality(joined, tone(440, 24_000, joined.length))).toBeGreaterThan(65);
    expect(packets[10]!.level).toBeCloseTo(0.5 / Math.SQRT2, 2);
  });

  it("goes on in silence when muted", () => {
    const packets = run(tone(440, 44_100, 44_100), 44_100, true);
    expect(packets.length).toBe(33);
    expect(packets.every((packet) => packet.level === 0)).toBe(true);
  });

  it("does not grow", () => {
    const core = new MicrophoneCore(48_000, () => undefined);
    const block = new Float32Array(128);
    for (let i = 0; i < 20_000; i++) core.process(block);
    expect(core["queue"].data.length).toBe(16_384);
  });
});
