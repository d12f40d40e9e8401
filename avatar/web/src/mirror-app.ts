import type { Options } from "./app";
import { byId } from "./dom";
import { showLevel, Ticker } from "./loop";
import type { MicrophoneState } from "./microphone";
import { PROMPT_PACKET_SAMPLES } from "./microphone-core";
import { Mirror } from "./mirror";
import { publish } from "./probe";
import { RATE } from "./shapes";
import { Shell } from "./shell";
import { Sound } from "./sound";
import { TalkBar } from "./talk-bar";
import type { Connection } from "./wire";

const INVITATION = "It moves its face as your voice does. Nothing you say is kept.";
const MOST_DRAWN = 20_000;
const MOST_ARRIVED = 500;
const JAW_OPEN = 17;

/** One frame drawn of the microphone's: `now` in ms of performance.now(), samples of the microphone's clock. */
interface DrawnEntry {
  now: number;
  /** The sample that is spoken when the frame is seen, and the one whose mouth it shows. */
  spoken: number;
  drawn: number;
  jawOpen: number;
}

/** The page on which the avatar mimics whoever speaks. */
export class MirrorApp {
  private readonly shell: Shell;
  private readonly mirror: Mirror;
  private readonly sound: Sound;
  private readonly bar: TalkBar;
  private readonly ticker: Ticker;
  private readonly drawn: DrawnEntry[] = [];
  /** By how many ms the frames that arrived were behind what was spoken then. */
  private arrivedMs: number[] = [];
  private packets = 0;

  constructor(options: Options) {
    document.body.classList.add("mirror");
    byId("start").textContent = "Start the mirror";
    byId("welcome-text").textContent = INVITATION;
    this.shell = new Shell(options.level, { face: "", microphone: "" });
    const { face, settings, notices, viewport } = this.shell;
    const url = new URL("/v1/mirror", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.mirror = new Mirror(url.href, face, {
      connection: (state) => this.connectionChanged(state),
      trouble: (message) => notices.show(message),
    });
    this.mirror.onFrames = (behind) => {
      this.arrivedMs = [...this.arrivedMs.slice(-MOST_ARRIVED + 1), (behind / RATE) * 1000];
    };
    const hears = {
      player: () => undefined,
      packet: (samples: Float32Array) => this.heard(samples),
      microphone: (state: MicrophoneState) => this.microphoneChanged(state),
      suspended: (suspended: boolean) => this.bar.showPaused(suspended),
      trouble: (message: string) => notices.show(message),
    };
    this.sound = new Sound(settings, options.rawMicrophone, hears, PROMPT_PACKET_SAMPLES);
    const toggleMicrophone = () => this.toggleMicrophone();
    const came = () => this.came();
    this.bar = new TalkBar({ toggleMicrophone, came, say: () => false, interrupt: () => undefined });
    this.ticker = new Ticker(viewport);
    settings.listen((key) => key === "head" && void this.shell.showHead());
    window.addEventListener("online", () => this.mirror.wire.retryNow());
    document.addEventListener("keydown", (event) => this.keyPressed(event));
  }

  async start(): Promise<void> {
    this.publish();
    this.ticker.start((elapsed) => this.draw(elapsed));
    const { title } = await this.shell.loadInfo();
    document.title = `Mirror · ${title}`;
    const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
    this.mirror.moveLess(lessMotion.matches);
    lessMotion.addEventListener("change", () => this.mirror.moveLess(lessMotion.matches));
    this.mirror.wire.connect();
    await this.shell.showHead();
  }

  private came(): void {
    this.bar.hideWelcome();
    void this.sound.begin();
  }

  private toggleMicrophone(): void {
    const { microphone } = this.sound;
    this.came();
    const state = microphone?.state ?? "off";
    if (state === "on" || state === "muted") microphone?.setMuted(state === "on");
    else if (state !== "asking") void this.sound.listen();
  }

  private keyPressed(event: KeyboardEvent): void {
    if (event.key.toLowerCase() !== "m" || !event.ctrlKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    this.toggleMicrophone();
  }

  private heard(samples: Float32Array): void {
    this.packets++;
    this.mirror.hear(samples, performance.now());
  }

  private draw(elapsed: number): void {
    const { face } = this.shell;
    const now = performance.now();
    const shown = now + this.ticker.delayMs;
    const frame = this.mirror.update(shown, elapsed);
    const spoken = this.mirror.soundClock.sampleAt(shown);
    if (frame && frame.drawn >= 0 && spoken !== null) {
      this.drawn.push({ now, spoken, drawn: frame.drawn, jawOpen: face.pose.weights[JAW_OPEN]! });
      if (this.drawn.length > MOST_DRAWN) this.drawn.splice(0, MOST_DRAWN / 4);
    }
    this.shell.viewport?.draw(face.pose, elapsed, now);
    if (this.sound.microphone) showLevel(this.sound.microphone.level);
  }

  private connectionChanged(state: Connection): void {
    document.body.dataset["connection"] = state;
    this.showState();
  }

  private microphoneChanged(state: MicrophoneState): void {
    this.bar.showMicrophone(state);
    this.shell.showMicrophoneTrouble(state);
    this.showState();
  }

  private showState(): void {
    const { connection } = this.mirror.wire;
    const listening = this.sound.microphone?.state === "on";
    let word = listening ? "Mimicking you" : "Mirror";
    if (connection !== "open") word = connection === "lost" ? "Reconnecting…" : "Connecting…";
    byId("state").ariaLive = "polite";
    if (byId("state").textContent !== word) byId("state").textContent = word;
  }

  /** See Probe: what tests and measurements may read of this page. */
  private publish(): void {
    const { shell, mirror, sound, ticker } = this;
    const { pose } = shell.face;
    publish({
      connection: () => mirror.wire.connection,
      role: () => (mirror.joined ? "mirror" : null),
      ready: () => shell.viewport?.ready ?? false,
      software: () => shell.viewport?.software ?? true,
      weights: () => pose.weights,
      head: () => pose.head,
      gaze: () => pose.gaze,
      fps: () => 1000 / ticker.interval.ms,
      frameIntervalMs: () => ticker.interval.ms,
      presentationMs: () => ticker.delayMs,
      microphone: () => ({
        state: sound.microphone?.state ?? "off",
        level: sound.microphone?.level ?? 0,
        packets: this.packets,
        dropped: mirror.wire.dropped,
      }),
      drawn: () => this.drawn,
      arrivedMs: () => this.arrivedMs,
      canvas: () => shell.canvas,
    });
  }
}
