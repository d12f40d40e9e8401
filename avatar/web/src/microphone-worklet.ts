import { MicrophoneCore } from "./microphone-core";

const QUANTUM = 128;

class MicrophoneProcessor extends AudioWorkletProcessor {
  private readonly core = new MicrophoneCore(sampleRate, (packet) =>
    this.port.postMessage(packet, [packet.samples.buffer]),
  );
  private readonly silence = new Float32Array(QUANTUM);

  constructor() {
    super();
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
