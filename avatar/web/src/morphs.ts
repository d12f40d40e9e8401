import { BufferAttribute, type BufferGeometry } from "three";

interface Target {
  vertices: Uint32Array;
  /** Three numbers a vertex. */
  positions: Float32Array;
  normals: Float32Array | null;
}

/** Smaller movements (metres) are not worth a vertex. */
const LEAST_MOVE = 2e-6;

/**
 * Morphs a geometry on the CPU, touching only the vertices that the shapes in use move.
 *
 * Without a GPU this is many times cheaper than the vertex shader, which reads every target for every vertex.
 */
export class CpuMorphs {
  private readonly targets: Target[];
  private readonly basePositions: Float32Array;
  private readonly baseNormals: Float32Array;
  private readonly positions: BufferAttribute;
  private readonly normals: BufferAttribute;

  /** Takes the geometry's morph attributes away. */
  constructor(geometry: BufferGeometry) {
    const morphs = geometry.morphAttributes;
    this.targets = (morphs["position"] ?? []).map((attribute, i) => sparse(attribute, morphs["normal"]?.[i]));
    this.basePositions = plain(geometry.getAttribute("position"));
    this.baseNormals = plain(geometry.getAttribute("normal"));
    this.positions = new BufferAttribute(this.basePositions.slice(), 3);
    this.normals = new BufferAttribute(this.baseNormals.slice(), 3);
    geometry.setAttribute("position", this.positions);
    geometry.setAttribute("normal", this.normals);
    geometry.morphAttributes = {};
  }

  /** `weights[i]` of target i. */
  apply(weights: ArrayLike<number>): void {
    const positions = this.positions.array as Float32Array;
    const normals = this.normals.array as Float32Array;
    positions.set(this.basePositions);
    normals.set(this.baseNormals);
    this.targets.forEach((target, i) => {
      const weight = weights[i] ?? 0;
      if (weight < 1e-3) return;
      addScaled(positions, target.vertices, target.positions, weight);
      if (target.normals) addScaled(normals, target.vertices, target.normals, weight);
    });
    this.positions.needsUpdate = true;
    this.normals.needsUpdate = true;
  }
}

function addScaled(out: Float32Array, vertices: Uint32Array, deltas: Float32Array, weight: number): void {
  for (let k = 0, d = 0; k < vertices.length; k++, d += 3) {
    const o = 3 * vertices[k]!;
    out[o]! += weight * deltas[d]!;
    out[o + 1]! += weight * deltas[d + 1]!;
    out[o + 2]! += weight * deltas[d + 2]!;
  }
}

interface Vectors {
  count: number;
  getX(i: number): number;
  getY(i: number): number;
  getZ(i: number): number;
}

/** Quantised, interleaved or not: as floats. */
function plain(attribute: Vectors): Float32Array {
  const out = new Float32Array(3 * attribute.count);
  for (let i = 0; i < attribute.count; i++) {
    out[3 * i] = attribute.getX(i);
    out[3 * i + 1] = attribute.getY(i);
    out[3 * i + 2] = attribute.getZ(i);
  }
  return out;
}

function sparse(position: Vectors, normal: Vectors | undefined): Target {
  const moves = plain(position);
  const turns = normal ? plain(normal) : null;
  const moved: number[] = [];
  for (let i = 0; i < position.count; i++) {
    const size = Math.max(Math.abs(moves[3 * i]!), Math.abs(moves[3 * i + 1]!), Math.abs(moves[3 * i + 2]!));
    if (size > LEAST_MOVE) moved.push(i);
  }
  const pick = (all: Float32Array) => Float32Array.from(moved.flatMap((i) => [...all.subarray(3 * i, 3 * i + 3)]));
  return { vertices: Uint32Array.from(moved), positions: pick(moves), normals: turns && pick(turns) };
}
