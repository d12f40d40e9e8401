import type { Packet } from "./microphone-core";
import type { MicrophoneOptions } from "./microphone-worklet";
import workletUrl from "./microphone-worklet.ts?worker&url";

export type MicrophoneState = "off" | "asking" | "on" | "muted" | "refused" | "absent" | "insecure";

/** Hears the visitor: the device's sound as packets at 24 kHz. Once begun it never falls silent but in content. */
export class Microphone {
  state: MicrophoneState = "off";
  /** 0…1, of the last packet. */
  level = 0;
  onPacket: (samples: Float32Array) => void = () => undefined;
  onState: (state: MicrophoneState) => void = () => undefined;
  private node: AudioWorkletNode | null = null;
  private source: MediaStreamAudioSourceNode | null = null;
  private stream: MediaStream | null = null;

  constructor(
    private readonly context: AudioContext,
    /** Without the browser's echo cancellation: for measurements. */
    private readonly raw: boolean,
    private readonly packetSamples: number,
  ) {}

  /** Ask for the device (the browser asks the visitor) and listen. */
  async start(deviceId: string): Promise<void> {
    if (!navigator.mediaDevices?.getUserMedia) return this.setState("insecure");
    this.setState("asking");
    try {
      const stream = await this.open(deviceId);
      await this.prepare();
      this.use(stream);
      this.setMuted(false);
    } catch (error) {
      this.release();
      const refused = error instanceof DOMException && error.name === "NotAllowedError";
      this.setState(refused ? "refused" : "absent");
    }
  }

  setMuted(muted: boolean): void {
    if (!this.node) return;
    this.node.port.postMessage({ muted });
    for (const track of this.stream?.getTracks() ?? []) track.enabled = !muted;
    if (muted) this.level = 0;
    this.setState(muted ? "muted" : "on");
  }

  private open(deviceId: string): Promise<MediaStream> {
    const audio: MediaTrackConstraints = {
      echoCancellation: !this.raw,
      // Both change a voice while it is heard, which costs the recogniser more than noise and level do; a voice of -55 dB
      // is still found, and its level is normalised on the server. A gain that moves would also hide the echo's path.
      noiseSuppression: false,
      autoGainControl: false,
      channelCount: 1,
    };
    // "ideal", not "exact": a remembered device that is gone gives way to the default one.
    if (deviceId) audio.deviceId = { ideal: deviceId };
    return navigator.mediaDevices.getUserMedia({ audio });
  }

  private async prepare(): Promise<void> {
    if (this.node) return;
    await this.context.audioWorklet.addModule(workletUrl);
    this.node = new AudioWorkletNode(this.context, "visavis-microphone", {
      numberOfOutputs: 1,
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: { packetSamples: this.packetSamples } satisfies MicrophoneOptions,
    });
    // Connected, or some browsers never run it; it puts out nothing.
    this.node.connect(this.context.destination);
    this.node.port.onmessage = (message: MessageEvent<Packet>) => {
      this.level = message.data.level;
      this.onPacket(message.data.samples);
    };
  }

  private use(stream: MediaStream): void {
    this.release();
    this.stream = stream;
    this.source = new MediaStreamAudioSourceNode(this.context, { mediaStream: stream });
    this.source.connect(this.node!);
    const track = stream.getAudioTracks()[0];
    if (track) track.onended = () => this.lost();
  }

  /** The device was pulled out: silence goes on, and the visitor is told. */
  private lost(): void {
    this.release();
    this.level = 0;
    this.setState("absent");
  }

  private release(): void {
    this.source?.disconnect();
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.source = null;
    this.stream = null;
  }

  private setState(state: MicrophoneState): void {
    this.state = state;
    this.onState(state);
  }
}
