import { describe, expect, it } from "vitest";
import type { Anchor } from "../src/clock";
import { EASE_MS, Face, mix } from "../src/face";
import { RECORD_BYTES } from "../src/face-track";
import { restPose, SHAPES } from "../src/shapes";

type Name = (typeof SHAPES)[number];
const at = (name: Name) => SHAPES.indexOf(name);

function frames(count: number, weights: Partial<Record<Name, number>>, yaw = 0, gaze = 0): Uint8Array {
  const data = new Uint8Array(count * RECORD_BYTES);
  const view = new DataView(data.buffer);
  for (let i = 0; i < count; i++) {
    for (const [name, value] of Object.entries(weights)) data[i * RECORD_BYTES + at(name as Name)] = value;
    view.setInt16(i * RECORD_BYTES + 52, yaw, true);
    view.setInt16(i * RECORD_BYTES + 58, gaze, true);
  }
  return data;
}

const sounding = (sample: number): Anchor => ({ time: 0, item: "a", sample, playing: true });

describe("mixing", () => {
  it("replaces the mouth, adds the rest, and clips", () => {
    const stage = restPose();
    const reply = restPose();
    const out = restPose();
    stage.weights[at("jawOpen")] = 0.2;
    stage.weights[at("browInnerUp")] = 0.7;
    stage.weights[at("eyeBlinkLeft")] = 0.5;
    stage.head[0] = 0.1;
    stage.gaze[0] = 0.3;
    reply.weights[at("jawOpen")] = 0.6;
    reply.weights[at("browInnerUp")] = 0.6;
    reply.head[0] = 0.05;
    reply.gaze[0] = -0.1;
    mix(stage, reply, 1, out);
    expect(out.weights[at("jawOpen")]).toBeCloseTo(0.6);
    expect(out.weights[at("browInnerUp")]).toBe(1);
    expect(out.weights[at("eyeBlinkLeft")]).toBeCloseTo(0.5);
    expect(out.head[0]).toBeCloseTo(0.15);
    expect(out.gaze[0]).toBeCloseTo(0.2);
    mix(stage, reply, 0.5, out);
    expect(out.weights[at("jawOpen")]).toBeCloseTo(0.4);
  });
});

describe("the face", () => {
  function speaking(): Face {
    const face = new Face();
    face.pushStage(0, 200, frames(200, { mouthSmileLeft: 51 }, 100, 200));
    face.pushReply("a", 0, 60, frames(60, { jawOpen: 255 }, 100));
    return face;
  }

  it("shows the stage while nothing sounds", () => {
    const face = speaking();
    expect(face.update(8000, null, 16)).toBeNull();
    expect(face.pose.weights[at("mouthSmileLeft")]).toBeCloseTo(0.2);
    expect(face.pose.weights[at("jawOpen")]).toBe(0);
    expect(face.pose.gaze[0]).toBeCloseTo(0.02);
  });

  it("eases a reply in over 120 ms and says which frame it drew", () => {
    const face = speaking();
    face.update(8000, sounding(0), EASE_MS / 2);
    expect(face.pose.weights[at("jawOpen")]).toBeCloseTo(0.5);
    const drawn = face.update(8000, sounding(1500), EASE_MS / 2);
    expect(face.pose.weights[at("jawOpen")]).toBeCloseTo(1);
    expect(face.pose.weights[at("mouthSmileLeft")]).toBeCloseTo(0);
    expect(face.pose.head[0]).toBeCloseTo(0.02);
    expect(drawn).toEqual({ item: "a", expected: 1500, drawn: 1600 });
  });

  it("closes an interrupted mouth within 120 ms and without a jump", () => {
    const face = speaking();
    face.update(8000, sounding(4000), 1000);
    face.cut("a", 4200);
    let last = face.pose.weights[at("jawOpen")]!;
    for (let t = 0; t < EASE_MS; t += 10) {
      face.update(8000, { ...sounding(4200), playing: false }, 10);
      const now = face.pose.weights[at("jawOpen")]!;
      expect(now).toBeLessThanOrEqual(last);
      expect(last - now).toBeLessThan(0.2);
      last = now;
    }
    expect(last).toBe(0);
  });

  it("says so when a frame is missing", () => {
    const face = speaking();
    expect(face.update(8000, { ...sounding(0), item: "b" }, 10)).toEqual({ item: "b", expected: 0, drawn: -1 });
  });
});
