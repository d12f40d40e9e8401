import { Resampler, type Position } from "./resampler";
import { SampleQueue } from "./sample-queue";
import { RATE } from "./shapes";

/** 30 ms: few messages, and little waiting. */
export const PACKET_SAMPLES = 720;
/** 20 ms: where every bit of waiting is seen. */
export const PROMPT_PACKET_SAMPLES = 480;

/** One packet at 24 kHz, and its loudness as a root mean square 0…1. */
export interface Packet {
  samples: Float32Array;
  level: number;
}

/**
 * Turns what the device gives into packets at 24 kHz. Muted, it gives silence: the server counts time in input
 * samples, and its clock must go on.
 */
export class MicrophoneCore {
  muted = false;
  private readonly resampler: Resampler;
  private readonly queue = new SampleQueue(16_384);
  private readonly position: Position = { index: 0, part: 0 };
  private packet: Float32Array;
  private filled = 0;

  constructor(
    deviceRate: number,
    private readonly emit: (packet: Packet) => void,
    private readonly packetSamples = PACKET_SAMPLES,
  ) {
    this.packet = new Float32Array(packetSamples);
    this.resampler = new Resampler(deviceRate, RATE);
  }

  /** Take a block at the device's rate. */
  process(block: Float32Array): void {
    this.queue.append(this.muted ? new Float32Array(block.length) : block);
    while (this.position.index + this.resampler.reach < this.queue.end) {
      const { queue, position } = this;
      const index = queue.indexOf(position.index);
      this.packet[this.filled++] = this.resampler.at(queue.data, queue.length, index, position.part);
      this.resampler.step(position);
      if (this.filled === this.packetSamples) this.flush();
    }
    this.queue.discardBefore(this.position.index - this.resampler.reach);
  }

  private flush(): void {
    let sum = 0;
    for (const x of this.packet) sum += x * x;
    this.emit({ samples: this.packet, level: Math.sqrt(sum / this.packetSamples) });
    this.packet = new Float32Array(this.packetSamples);
    this.filled = 0;
  }
}
