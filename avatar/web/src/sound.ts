import { Microphone, type MicrophoneState } from "./microphone";
import { PACKET_SAMPLES } from "./microphone-core";
import { Player } from "./player";
import type { Settings } from "./settings";

/** setSinkId is newer than TypeScript's own list. */
interface SinkContext extends AudioContext {
  setSinkId?(id: string): Promise<void>;
}

export interface SoundHandlers {
  player(player: Player): void;
  packet(samples: Float32Array): void;
  microphone(state: MicrophoneState): void;
  /** The browser stopped the sound by itself (a call, a policy), or let it go on. */
  suspended(suspended: boolean): void;
  trouble(message: string): void;
}

const WAKE_MS = 1000;

/** One audio context for playing and hearing, made at the visitor's first gesture because browsers want one. */
export class Sound {
  player: Player | null = null;
  microphone: Microphone | null = null;
  private context: SinkContext | null = null;
  private beginning: Promise<void> | null = null;

  constructor(
    private readonly settings: Settings,
    private readonly rawMicrophone: boolean,
    private readonly handlers: SoundHandlers,
    private readonly packetSamples = PACKET_SAMPLES,
  ) {
    settings.listen((key) => {
      if (key === "volume" || key === "muted") this.applyVolume();
      if (key === "speaker") void this.applySpeaker();
      if (key === "microphone" && this.microphone?.state === "on") void this.listen();
    });
  }

  static get canChooseSpeaker(): boolean {
    return "AudioContext" in window && "setSinkId" in AudioContext.prototype;
  }

  /** Call it in every gesture: it begins once, and wakes a context that the browser put to sleep. */
  begin(): Promise<void> {
    this.beginning ??= this.create().catch((error: unknown) => {
      this.beginning = null;
      this.handlers.trouble(`This browser could not begin to play sound: ${String(error)}`);
    });
    if (this.context && this.context.state !== "running") void this.context.resume().catch(() => undefined);
    return this.beginning;
  }

  /** Ask for the microphone and listen. */
  async listen(): Promise<void> {
    await this.begin();
    await this.microphone?.start(this.settings.values.microphone);
  }

  private async create(): Promise<void> {
    const context: SinkContext = new AudioContext({ latencyHint: "interactive" });
    this.context = context;
    context.addEventListener("statechange", () => this.handlers.suspended(context.state !== "running"));
    void context.resume().catch(() => undefined);
    // What the browser does not take for a gesture leaves the context asleep without an event.
    setTimeout(() => this.handlers.suspended(context.state !== "running"), WAKE_MS);
    this.microphone = new Microphone(context, this.rawMicrophone, this.packetSamples);
    this.microphone.onPacket = (samples) => this.handlers.packet(samples);
    this.microphone.onState = (state) => this.handlers.microphone(state);
    this.player = await Player.create(context);
    this.applyVolume();
    await this.applySpeaker();
    this.handlers.player(this.player);
  }

  private applyVolume(): void {
    const { muted, volume } = this.settings.values;
    if (this.player) this.player.volume = muted ? 0 : volume;
  }

  private async applySpeaker(): Promise<void> {
    const id = this.settings.values.speaker;
    if (!this.context?.setSinkId) return;
    try {
      await this.context.setSinkId(id);
    } catch {
      if (id) this.handlers.trouble("That speaker is not there any more; the system's own is used.");
      await this.context.setSinkId("").catch(() => undefined);
    }
  }
}
