import { PlayerCore, type PlayerCommand } from "./player-core";

class PlayerProcessor extends AudioWorkletProcessor {
  private readonly core = new PlayerCore(sampleRate, (event) => this.port.postMessage(event));

  constructor() {
    super();
    this.port.onmessage = (message: MessageEvent<PlayerCommand>) => this.core.command(message.data);
  }

  override process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0];
    if (!channels?.[0]) return true;
    this.core.process(channels[0], currentFrame);
    for (let i = 1; i < channels.length; i++) channels[i]!.set(channels[0]);
    return true;
  }
}

registerProcessor("visavis-player", PlayerProcessor);
