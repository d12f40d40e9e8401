import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { FaceFinder, PICTURE } from "../src/face-finder";
import { Network } from "../src/tflite";

const MODEL = new URL("../node_modules/@mediapipe/face_detection/face_detection_short_range.tflite", import.meta.url);
const file = readFileSync(MODEL);
const model = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
/** A head of ours, drawn by the page, to the right of the middle: 64 × 64 pixels, RGB. */
const small = gunzipSync(readFileSync(new URL("./face-64.rgb.gz", import.meta.url)));

/** The picture as the page has it, each pixel doubled. */
function picture(mirrored: boolean): Uint8ClampedArray {
  const rgba = new Uint8ClampedArray(4 * PICTURE * PICTURE).fill(255);
  for (let y = 0; y < PICTURE; y++) {
    for (let x = 0; x < PICTURE; x++) {
      const column = (mirrored ? PICTURE - 1 - x : x) >> 1;
      for (let i = 0; i < 3; i++) rgba[4 * (y * PICTURE + x) + i] = small[3 * ((y >> 1) * 64 + column) + i]!;
    }
  }
  return rgba;
}

describe("the face finder", () => {
  const finder = new FaceFinder(model);

  it("finds a face where it is", () => {
    const found = finder.find(picture(false))!;
    expect(found.score).toBeGreaterThan(0.8);
    expect(found.x).toBeCloseTo(0.625, 1);
    const other = finder.find(picture(true))!;
    expect(other.x).toBeCloseTo(1 - found.x, 1);
    expect(other.y).toBeCloseTo(found.y, 1);
  });

  it("finds none where there is none", () => {
    expect(finder.find(new Uint8ClampedArray(4 * PICTURE * PICTURE).fill(128))).toBeNull();
  });

  it("computes what TensorFlow Lite does", () => {
    const rgba = picture(false);
    const input = Float32Array.from({ length: PICTURE * PICTURE * 3 }, (_, i) => {
      return rgba[4 * Math.floor(i / 3) + (i % 3)]! / 127.5 - 1;
    });
    const [places, scores] = new Network(model).run(input);
    // By LiteRT 2 on the same picture: the sums of what both outputs hold, and the surest face's first numbers.
    expect(places!.reduce((sum, value) => sum + Math.abs(value), 0)).toBeCloseTo(222616.9, 0);
    expect(scores!.reduce((sum, value) => sum + value, 0)).toBeCloseTo(-15957.3, 0);
    expect(scores!.indexOf(Math.max(...scores!))).toBe(776);
    expect([...places!.subarray(776 * 16, 776 * 16 + 3)].map((x) => x.toFixed(2))).toEqual(["8.38", "3.81", "45.08"]);
  });

  it("refuses what is no network", () => {
    expect(() => new FaceFinder(new ArrayBuffer(64))).toThrow();
  });
});
