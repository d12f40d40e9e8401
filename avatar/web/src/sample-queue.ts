/** Samples that wait their turn in one array, addressed by their number since the first one. */
export class SampleQueue {
  data: Float32Array;
  /** The number of the sample at data[0]. */
  private origin = 0;
  private used = 0;

  constructor(capacity: number) {
    this.data = new Float32Array(capacity);
  }

  /** The number that the next sample will have. */
  get end(): number {
    return this.origin + this.used;
  }

  /** How much of `data` counts. */
  get length(): number {
    return this.used;
  }

  /** Where sample `number` lies in `data`. */
  indexOf(number: number): number {
    return number - this.origin;
  }

  append(samples: Float32Array): void {
    if (this.used + samples.length > this.data.length) this.grow(this.used + samples.length);
    this.data.set(samples, this.used);
    this.used += samples.length;
  }

  /** Free what lies before sample `number`, when that is worth the move. */
  discardBefore(number: number): void {
    const count = number - this.origin;
    if (count < this.data.length / 2) return;
    this.data.copyWithin(0, count, this.used);
    this.origin += count;
    this.used -= count;
  }

  private grow(needed: number): void {
    const data = new Float32Array(2 * needed);
    data.set(this.data.subarray(0, this.used));
    this.data = data;
  }
}
