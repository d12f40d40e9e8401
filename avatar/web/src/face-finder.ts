import { Network } from "./tflite";

/** The detector looks at a square of so many pixels. */
export const PICTURE = 128;

/** Between the eyes, in parts of the square from its left and its top, and how sure that is: 0…1. */
export interface FoundFace {
  x: number;
  y: number;
  score: number;
}

const SURE = 0.6;
/** Numbers that tell one face: its middle, its size, and six places in it of which the first two are the eyes. */
const NUMBERS = 16;
/** Cells of each grid along one side, and faces looked for in each of them. */
const GRIDS = [[16, 2], [8, 6]] as const;

/**
 * Finds the nearest face in a picture by MediaPipe's short-range BlazeFace (Bazarevsky et al. 2019): a network that
 * tells, for each cell of two grids, whether a face is there and where exactly.
 */
export class FaceFinder {
  private readonly network: Network;
  private readonly input = new Float32Array(PICTURE * PICTURE * 3);
  private readonly centres: number[] = [];

  /** `model`: the .tflite file. Throws RangeError when it cannot be read. */
  constructor(model: ArrayBuffer) {
    this.network = new Network(model);
    for (const [side, each] of GRIDS) {
      for (let cell = 0; cell < side * side; cell++) {
        const [x, y] = [((cell % side) + 0.5) / side, (Math.floor(cell / side) + 0.5) / side];
        for (let i = 0; i < each; i++) this.centres.push(x, y);
      }
    }
  }

  /** `rgba`: PICTURE × PICTURE pixels. Returns null where there is no face. */
  find(rgba: Uint8ClampedArray): FoundFace | null {
    for (let from = 0, to = 0; to < this.input.length; from++) {
      if (from % 4 < 3) this.input[to++] = rgba[from]! / 127.5 - 1;
    }
    const outputs = this.network.run(this.input);
    const scores = outputs.find((output) => output.length === this.centres.length / 2)!;
    const places = outputs.find((output) => output.length === (this.centres.length / 2) * NUMBERS)!;
    let best: FoundFace | null = null;
    let largest = 0;
    for (let i = 0; i < scores.length; i++) {
      const score = 1 / (1 + Math.exp(-scores[i]!));
      if (score < SURE) continue;
      const at = (number: number) => places[i * NUMBERS + number]! / PICTURE;
      const size = at(2) * score;
      if (size <= largest) continue;
      largest = size;
      const [x, y] = [this.centres[2 * i]!, this.centres[2 * i + 1]!];
      best = { x: x + (at(4) + at(6)) / 2, y: y + (at(5) + at(7)) / 2, score };
    }
    return best;
  }
}
