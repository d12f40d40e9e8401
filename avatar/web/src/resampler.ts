/**
 * A band-limited change of rate: a Kaiser-windowed sinc, one row of coefficients for each place between two source
 * samples that the ratio can reach. Symmetric, so it adds no delay of its own: output sample n stands at source
 * position n·from/to exactly.
 */
export class Resampler {
  /** How many source samples the kernel reaches to either side. */
  readonly reach: number;
  private readonly rows: number;
  private readonly taps: number;
  private readonly table: Float32Array;
  private readonly whole: number;
  private readonly part: number;
  private readonly parts: number;

  constructor(from: number, to: number) {
    const divisor = gcd(from, to);
    this.parts = to / divisor;
    this.whole = Math.floor(from / to);
    this.part = (from / divisor) % this.parts;
    this.rows = Math.min(this.parts, 1024);
    // Down: everything above the target's half rate must go. Up: the source's own half rate is the edge.
    const cutoff = Math.min(1, to / from) * 0.94;
    this.reach = Math.ceil(24 / Math.min(1, to / from));
    this.taps = 2 * this.reach;
    this.table = sincTable(this.rows, this.reach, cutoff);
  }

  /** The value at place index + part/parts of `data`, of which [0, length) counts and the rest is 0. */
  at(data: Float32Array, length: number, index: number, part: number): number {
    let row = Math.round((part / this.parts) * this.rows);
    let base = index - this.reach + 1;
    if (row === this.rows) {
      row = 0;
      base++;
    }
    const offset = row * this.taps - base;
    let sum = 0;
    const last = Math.min(length, base + this.taps);
    for (let i = Math.max(0, base); i < last; i++) sum += data[i]! * this.table[offset + i]!;
    return sum;
  }

  /** Move on by one output sample. */
  step(position: Position): void {
    position.index += this.whole;
    position.part += this.part;
    if (position.part >= this.parts) {
      position.part -= this.parts;
      position.index++;
    }
  }

  /** A position as a number of source samples. */
  value(position: Position): number {
    return position.index + position.part / this.parts;
  }
}

/** A place between source samples, kept as whole numbers so that hours of steps add up exactly. */
export interface Position {
  index: number;
  part: number;
}

function sincTable(rows: number, reach: number, cutoff: number): Float32Array {
  const table = new Float32Array(rows * 2 * reach);
  for (let row = 0; row < rows; row++) {
    const offset = row * 2 * reach;
    let sum = 0;
    for (let tap = 0; tap < 2 * reach; tap++) {
      const t = tap - reach + 1 - row / rows;
      const x = Math.PI * cutoff * t;
      const value = (x === 0 ? 1 : Math.sin(x) / x) * kaiser(t / reach);
      table[offset + tap] = value;
      sum += value;
    }
    // Every row passes a constant unchanged, so no tone appears at the rate of the rows.
    for (let tap = 0; tap < 2 * reach; tap++) table[offset + tap]! /= sum;
  }
  return table;
}

const BETA = 7.5; // about 75 dB of stop band

function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel0(BETA * Math.sqrt(1 - x * x)) / bessel0(BETA);
}

/** The modified Bessel function of the first kind, order 0, by its series. */
function bessel0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-10 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b ? gcd(b, a % b) : a;
}
