import { SAMPLES_PER_FRAME, SHAPES, type Pose } from "./shapes";

/** One frame on the wire: 52 × uint8 (value × 255), then 5 × little-endian int16 in 1e-4 rad. */
export const RECORD_BYTES = 62;
const ANGLES = 5;

/**
 * The latest frames of one timeline, found by their sample.
 *
 * A ring: what lies more than `capacity` frames behind the newest is overwritten, so a long reply costs no more
 * than a short one. Records stay as they came and are decoded when drawn, which happens to few of them.
 */
export class FaceTrack {
  private readonly records: Uint8Array;
  private readonly numbers: Float64Array;
  private readonly view: DataView;
  private last = -1;

  constructor(private readonly capacity: number) {
    this.records = new Uint8Array(capacity * RECORD_BYTES);
    this.numbers = new Float64Array(capacity).fill(-1);
    this.view = new DataView(this.records.buffer);
  }

  /** Where the next frame would stand, in samples; 0 while there is none. */
  get endSample(): number {
    return (this.last + 1) * SAMPLES_PER_FRAME;
  }

  /** Add frames that begin at `startSample`. Throws RangeError when the data is not whole frames. */
  push(startSample: number, count: number, data: Uint8Array): void {
    if (data.length !== count * RECORD_BYTES) {
      throw new RangeError(`${data.length} bytes of face data are not ${count} frames of ${RECORD_BYTES}`);
    }
    const first = Math.round(startSample / SAMPLES_PER_FRAME);
    if (!Number.isSafeInteger(first) || first < 0) throw new RangeError(`start_sample ${startSample} is no sample`);
    for (let i = Math.max(0, count - this.capacity); i < count; i++) {
      const slot = (first + i) % this.capacity;
      this.records.set(data.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES), slot * RECORD_BYTES);
      this.numbers[slot] = first + i;
    }
    this.last = Math.max(this.last, first + count - 1);
  }

  /** Forget the frames that stand at `sample` or later: the reply was cut off there. */
  dropFrom(sample: number): void {
    const end = Math.ceil(sample / SAMPLES_PER_FRAME);
    for (let slot = 0; slot < this.capacity; slot++) if (this.numbers[slot]! >= end) this.numbers[slot] = -1;
    this.last = Math.min(this.last, end - 1);
  }

  /**
   * Read the frame nearest to `sample` into `pose`; past a gap or the end the latest one before it is held.
   * Returns the sample at which the frame read stands, or −1 when there is none (then `pose` is untouched).
   */
  read(sample: number, pose: Pose): number {
    let number = Math.min(Math.round(sample / SAMPLES_PER_FRAME), this.last);
    const oldest = Math.max(0, this.last - this.capacity + 1);
    if (number < oldest) number = oldest;
    while (number >= oldest && this.numbers[number % this.capacity] !== number) number--;
    if (number < oldest) return -1;
    this.decode(number % this.capacity, pose);
    return number * SAMPLES_PER_FRAME;
  }

  private decode(slot: number, pose: Pose): void {
    const offset = slot * RECORD_BYTES;
    for (let i = 0; i < SHAPES.length; i++) pose.weights[i] = this.records[offset + i]! / 255;
    for (let i = 0; i < ANGLES; i++) {
      const angle = this.view.getInt16(offset + SHAPES.length + 2 * i, true) * 1e-4;
      if (i < 3) pose.head[i] = angle;
      else pose.gaze[i - 3] = angle;
    }
  }
}
