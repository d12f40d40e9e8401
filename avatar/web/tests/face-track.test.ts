import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { base64FromBytes, bytesFromBase64, floatsFromPcm16, pcm16FromFloats } from "../src/base64";
import { FaceTrack, RECORD_BYTES } from "../src/face-track";
import { IS_MOUTH, restPose, SHAPES } from "../src/shapes";

/** Frames whose jawOpen and head yaw name them. */
function frames(first: number, count: number): Uint8Array {
  const data = new Uint8Array(count * RECORD_BYTES);
  const view = new DataView(data.buffer);
  for (let i = 0; i < count; i++) {
    data[i * RECORD_BYTES + SHAPES.indexOf("jawOpen")] = (first + i) % 256;
    view.setInt16(i * RECORD_BYTES + 52, -(first + i), true);
    view.setInt16(i * RECORD_BYTES + 60, 1234, true);
  }
  return data;
}

describe("the shapes", () => {
  it("are those of avatar/blendshapes.py, in its order", () => {
    const source = readFileSync(new URL("../../blendshapes.py", import.meta.url), "utf8");
    const tuple = /NAMES[^=]*= \(([^)]*)\)/.exec(source)![1]!;
    expect([...tuple.matchAll(/"(\w+)"/g)].map((match) => match[1])).toEqual([...SHAPES]);
  });

  it("give the lips 29 of them", () => {
    const mouth = SHAPES.filter((_, i) => IS_MOUTH[i]);
    expect(mouth).toHaveLength(29);
    expect(mouth).toContain("cheekPuff");
    expect(mouth).not.toContain("cheekSquintLeft");
  });
});

describe("a face track", () => {
  it("decodes weights and angles", () => {
    const track = new FaceTrack(100);
    const pose = restPose();
    track.push(4000, 3, frames(10, 3));
    expect(track.read(4400, pose)).toBe(4400);
    expect(pose.weights[SHAPES.indexOf("jawOpen")]).toBeCloseTo(11 / 255, 6);
    expect(pose.head[0]).toBeCloseTo(-11e-4, 7);
    expect(pose.gaze[1]).toBeCloseTo(0.1234, 6);
    expect(track.endSample).toBe(13 * 400);
  });

  it("reads the nearest frame and holds the last one", () => {
    const track = new FaceTrack(100);
    const pose = restPose();
    track.push(0, 5, frames(0, 5));
    expect(track.read(799, pose)).toBe(800);
    expect(track.read(500, pose)).toBe(400);
    expect(track.read(90_000, pose)).toBe(1600);
  });

  it("holds the frame before a gap", () => {
    const track = new FaceTrack(100);
    const pose = restPose();
    track.push(0, 2, frames(0, 2));
    track.push(4000, 2, frames(10, 2));
    expect(track.read(2000, pose)).toBe(400);
  });

  it("stays bounded and keeps the newest", () => {
    const track = new FaceTrack(10);
    const pose = restPose();
    track.push(0, 35, frames(0, 35));
    expect(track.read(34 * 400, pose)).toBe(34 * 400);
    expect(track.read(0, pose)).toBe(25 * 400);
  });

  it("forgets what was cut off", () => {
    const track = new FaceTrack(100);
    const pose = restPose();
    expect(track.read(0, pose)).toBe(-1);
    track.push(0, 20, frames(0, 20));
    track.dropFrom(4001);
    expect(track.read(8000, pose)).toBe(4000);
    track.dropFrom(0);
    expect(track.read(8000, pose)).toBe(-1);
  });

  it("refuses torn data", () => {
    expect(() => new FaceTrack(10).push(0, 2, frames(0, 1))).toThrow(RangeError);
    expect(() => new FaceTrack(10).push(-400, 1, frames(0, 1))).toThrow(RangeError);
  });
});

describe("base64 and PCM", () => {
  it("go there and back", () => {
    const bytes = Uint8Array.from({ length: 20_001 }, (_, i) => (i * 31) & 255);
    expect(bytesFromBase64(base64FromBytes(bytes))).toEqual(bytes);
    const pcm = pcm16FromFloats(Float32Array.of(0, 0.5, -1, 2));
    expect([...floatsFromPcm16(pcm)]).toEqual([0, 0.5, -1, 32767 / 32768]);
  });
});
