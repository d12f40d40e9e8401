import type { ClientEvent } from "./events";
import { RATE } from "./shapes";

interface SoundPacket {
  audio: string;
  samples: number;
}

/** Older sound is of no use to a conversation. */
const MOST_WAITING = RATE;

/** The microphone's sound that waits for the socket: bounded, and the oldest of it is dropped first. */
export class Backlog {
  /** Packets that were dropped. */
  dropped = 0;
  private packets: SoundPacket[] = [];
  private waiting = 0;
  /** Samples dropped just before the oldest that waits. */
  private gap = 0;

  push(packet: SoundPacket): void {
    this.packets.push(packet);
    this.waiting += packet.samples;
    while (this.waiting > MOST_WAITING) {
      const { samples } = this.packets.shift()!;
      this.waiting -= samples;
      this.gap += samples;
      this.dropped++;
    }
  }

  /** What to send next: the gap before the sound that follows it. */
  shift(): ClientEvent | null {
    if (this.gap) {
      const samples = this.gap;
      this.gap = 0;
      return { type: "visavis.input_gap", samples };
    }
    const packet = this.packets.shift();
    if (!packet) return null;
    this.waiting -= packet.samples;
    return { type: "input_audio_buffer.append", audio: packet.audio };
  }

  clear(): void {
    this.packets = [];
    this.waiting = this.gap = 0;
  }
}
