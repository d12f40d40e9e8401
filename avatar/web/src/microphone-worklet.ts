import { MicrophoneCore, type Packet } from "./microphone-core";

const QUANTUM = 128;

export interface MicrophoneOptions {
  packetSamples: number;
}

class MicrophoneProcessor extends AudioWorkletProcessor {
  private readonly core: MicrophoneCore;
  private readonly silence = new Float32Array(QUANTUM);

  constructor({ processorOptions }: { processorOptions: MicrophoneOptions }) {
    super();
    const emit = (packet: Packet) => this.port.postMessage(packet, [packet.samples.buffer]);
    this.core = new MicrophoneCore(sampleRate, emit, processorOptions.packetSamples);
    this.port.onmessage = (message: MessageEvent<{ muted: boolean }>) => {
      this.core.muted = message.data.muted;
    };
  }

  override process(inputs: Float32Array[][]): boolean {
    // No input: the device went away. Time goes on without it.
    this.core.process(inputs[0]?.[0] ?? this.silence);
    return true;
  }
}

registerProcessor("visavis-microphone", MicrophoneProcessor);
