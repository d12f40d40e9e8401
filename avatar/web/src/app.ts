import { Captions } from "./captions";
import { Conversation } from "./conversation";
import { showDebug } from "./debug";
import { byId } from "./dom";
import type { VisavisState } from "./events";
import { Face } from "./face";
import { Inspector } from "./inspector";
import { chosenHead, fetchInfo, hears, InfoError, languageName, RefusedError, suitableVoice, type Info } from "./info";
import { Loop } from "./loop";
import type { MicrophoneState } from "./microphone";
import { Notices } from "./notices";
import { installProbe, type Counters } from "./probe";
import { browserStore, Settings } from "./settings";
import { SettingsSheet } from "./settings-sheet";
import { Sound } from "./sound";
import { TranscriptDrawer } from "./transcript-drawer";
import { TalkBar } from "./talk-bar";
import { NOT_VALID } from "./thread";
import { Viewport } from "./viewport";
import type { Connection } from "./wire";

/** How the page was asked for. */
export interface Options {
  /** Follow another page's conversation, with the token that the link has. */
  follower: boolean;
  viewer: string;
  transparent: boolean;
  /** Draw at this level of quality, whatever the machine can do; null: as well as it can. */
  level: number | null;
  rawMicrophone: boolean;
  debug: boolean;
}

const STATE_WORDS: Record<VisavisState, string> = {
  idle: "Ready",
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
};
const MICROPHONE_TROUBLE: Partial<Record<MicrophoneState, string>> = {
  refused: "The microphone is blocked. Allow it in the browser's address bar, or just type.",
  absent: "No microphone was found. You can type instead.",
  insecure: "Browsers allow the microphone only over HTTPS or on this machine itself. You can type instead.",
};
const LINK_MISSING =
  "This page shows a conversation that goes on elsewhere, and needs a link to it: on the page with the conversation, open the settings and press “Copy a link”.";
const LINK_DEAD =
  "This link has expired, or its conversation is over. For a new one: on the page with the conversation, open the settings and press “Copy a link”.";
const INFO_RETRY_MS = 3000;
const MOST_TIMINGS = 1000;

/** Puts the parts together. */
export class App {
  private readonly settings = new Settings(browserStore());
  private readonly notices = new Notices();
  private readonly face = new Face();
  private readonly counters: Counters = { packets: 0, heard: {}, timings: [] };
  private readonly conversation: Conversation;
  private readonly sound: Sound | null;
  private readonly captions: Captions;
  private readonly bar: TalkBar;
  private readonly sheet: SettingsSheet;
  private readonly loop: Loop;
  private readonly drawer: TranscriptDrawer;
  private readonly inspector: Inspector | null;
  private info: Info | null = null;
  private wasLost = false;
  private hasJoined = false;

  constructor(private readonly options: Options) {
    const { settings } = this;
    this.inspector = options.debug ? new Inspector() : null;
    this.conversation = this.makeConversation();
    this.sound = options.follower ? null : this.makeSound();
    this.captions = new Captions(this.conversation.transcript);
    this.sheet = new SettingsSheet(settings, Sound.canChooseSpeaker);
    this.drawer = new TranscriptDrawer(this.conversation.transcript, {
      sayInstead: (id, text) => this.say(() => this.conversation.sayInstead(id, text)),
      startAnew: () => this.conversation.startAnew(),
      copied: (done) => this.notices.show(done ? "Copied." : "The browser did not allow copying."),
    });
    this.bar = new TalkBar({
      toggleMicrophone: () => this.toggleMicrophone(),
      came: () => this.visitorCame(),
      say: (text) => this.say(() => this.conversation.say(text)),
      interrupt: () => this.conversation.interrupt(),
    });
    byId("invite").addEventListener("click", () => this.conversation.invite());
    this.captions.visible = settings.values.captions;
    settings.listen((key) => this.settingChanged(key));
    this.loop = new Loop(this.conversation, this.face, this.sound, this.captions, this.makeViewport());
    this.bindPage();
  }

  async start(): Promise<void> {
    if (this.options.follower && !this.options.viewer) return this.showLinkTrouble(LINK_MISSING);
    const canvas = byId<HTMLCanvasElement>("face");
    const probe = installProbe(this.loop, this.conversation, this.face, this.sound, canvas, this.counters);
    if (this.inspector) showDebug(probe, this.inspector);
    this.loop.start();
    await this.loadInfo();
    if (!this.info) return;
    this.chooseVoice();
    const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
    this.conversation.moveLess(lessMotion.matches);
    lessMotion.addEventListener("change", () => this.conversation.moveLess(lessMotion.matches));
    this.conversation.wire.connect();
    await this.showHead();
  }

  // ------------------------------------------------------------------ the parts
  private makeConversation(): Conversation {
    const { options, inspector } = this;
    const url = new URL("/v1/realtime?model=visavis", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (options.viewer) url.searchParams.set("viewer", options.viewer);
    const looksInside = inspector !== null && !options.follower; // a follower may not
    if (looksInside) url.searchParams.set("debug", "");
    const conversation = new Conversation(url.href, this.face, {
      connection: (state, code) => this.connectionChanged(state, code),
      state: (state) => this.stateChanged(state),
      session: (session) => {
        if (this.wasLost && session.role === "player" && conversation.transcript.entries.length) {
          conversation.transcript.note("The connection was lost and is back. What was said before is still known.");
        }
        this.wasLost = false;
        this.hasJoined = true;
        byId("rec").hidden = true; // a notice follows where it is recorded
      },
      notice: (message, code) => {
        if (code === "recorded") byId("rec").hidden = false;
        this.notices.show(message);
      },
      invitation: (path, seconds) => void this.copyLink(path, seconds),
      timings: (ms) => {
        this.counters.timings = [...this.counters.timings.slice(-MOST_TIMINGS + 1), ms];
      },
      ...(looksInside && { inspected: (item, interruption) => inspector.take(item, interruption) }),
    });
    return conversation;
  }

  private makeSound(): Sound {
    return new Sound(this.settings, this.options.rawMicrophone, {
      player: (player) => {
        this.conversation.speaker = player;
        player.onReport = (report) => {
          this.counters.heard[report.item] = report.heard;
          this.conversation.reportPlayout(report);
        };
        player.onFinished = (item, sample) => {
          this.conversation.playbackEnded(item, sample);
          this.showBusy();
        };
      },
      packet: (samples) => {
        this.counters.packets++;
        this.conversation.hear(samples);
      },
      microphone: (state) => this.microphoneChanged(state),
      suspended: (suspended) => this.bar.showPaused(suspended),
      trouble: (message) => this.notices.show(message),
    });
  }

  private makeViewport(): Viewport | null {
    try {
      const viewport = new Viewport(byId("face"), this.options.level);
      document.body.classList.toggle("frugal", viewport.software);
      return viewport;
    } catch {
      this.notices.show("This browser cannot draw the face (it has no WebGL 2). You can still talk.", { keep: true });
      return null;
    }
  }

  private bindPage(): void {
    document.body.classList.toggle("follower", this.options.follower);
    document.documentElement.classList.toggle("transparent", this.options.transparent);
    document.body.classList.toggle("transparent", this.options.transparent);
    for (const button of document.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => button.closest("dialog")?.close());
    }
    window.addEventListener("online", () => this.conversation.wire.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.conversation.wire.retryNow();
    });
    document.addEventListener("keydown", (event) => this.keyPressed(event));
  }

  // ------------------------------------------------------------------ what the visitor does
  private visitorCame(): void {
    this.bar.hideWelcome();
    void this.sound?.begin().then(() => this.conversation.visitorCame());
  }

  private toggleMicrophone(): void {
    const { sound } = this;
    if (!sound) return;
    this.visitorCame();
    const state = sound.microphone?.state ?? "off";
    if (state === "on") sound.microphone?.setMuted(true);
    else if (state === "muted") sound.microphone?.setMuted(false);
    else if (state !== "asking") void sound.listen();
  }

  private say(send: () => boolean): boolean {
    this.bar.hideWelcome();
    void this.sound?.begin();
    const sent = send();
    if (!sent) this.notices.show("There is no connection just now. Your words are kept; send them again in a moment.");
    return sent;
  }

  private keyPressed(event: KeyboardEvent): void {
    if (this.options.follower) return;
    if (event.key === "Escape" && !byId<HTMLDialogElement>("settings").open) {
      // Where the keyboard is says what is meant.
      if (this.drawer.hasFocus || !this.conversation.interrupt()) this.drawer.close();
    } else if (event.key.toLowerCase() === "m" && event.ctrlKey && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      this.toggleMicrophone();
    }
  }

  private settingChanged(key: string): void {
    const { values } = this.settings;
    if (["voice", "language", "head"].includes(key)) this.chooseVoice();
    if (key === "captions") this.captions.visible = values.captions;
    if (key === "head") void this.showHead();
  }

  /** The visitor's, else one that suits the head. */
  private chooseVoice(): void {
    const { info } = this;
    const { voice, language, head } = this.settings.values;
    if (!info) return;
    const suitable = () => suitableVoice(info, chosenHead(info, head), language || info.language);
    this.conversation.speakWith(voice || suitable(), language);
  }

  private async copyLink(path: string, seconds: number): Promise<void> {
    const link = new URL(path, location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      this.notices.show(`The link is copied. Open it on the second screen within ${Math.round(seconds / 60)} minutes.`);
    } catch {
      this.notices.show(`The link for the second screen: ${link}`, { keep: true });
    }
  }

  // ------------------------------------------------------------------ what happens
  private async loadInfo(): Promise<void> {
    let told = "";
    while (!this.info) {
      try {
        this.info = await fetchInfo(this.options.viewer);
      } catch (error) {
        if (this.options.follower && error instanceof RefusedError) return this.showLinkTrouble(LINK_DEAD);
        const message = error instanceof InfoError ? error.message : "The server's answer could not be read.";
        if (message !== told) this.notices.show(message, { keep: true });
        told = message;
        await new Promise((resolve) => setTimeout(resolve, INFO_RETRY_MS));
      }
    }
    this.notices.hide(told);
    document.title = this.info.title;
    this.sheet.setInfo(this.info);
    if (!this.options.follower) this.showHints(this.info.hints);
  }

  private showHints(hints: string[]): void {
    const { dismissed } = this.settings.values;
    const hint = hints.find((each) => !dismissed.includes(each));
    if (!hint) return;
    const onDismiss = () => this.settings.set("dismissed", [...this.settings.values.dismissed.slice(-20), hint]);
    this.notices.show(hint, { keep: true, onDismiss });
  }

  private async showHead(): Promise<void> {
    const head = this.info && chosenHead(this.info, this.settings.values.head);
    byId("name").textContent = head?.title ?? this.info?.title ?? "Visavis";
    if (!head) this.notices.show("This server has no head to show. You can still talk.");
    if (!head || !this.loop.viewport) return;
    try {
      await this.loop.viewport.show(head);
      document.body.classList.add("ready");
    } catch {
      this.notices.show("The face could not be loaded. You can still talk; reload the page to try again.");
    }
  }

  private connectionChanged(state: Connection, code: number): void {
    document.body.dataset["connection"] = state;
    if (this.options.follower && code === NOT_VALID) return this.linkDied();
    if (state === "lost") this.wasLost = true;
    this.showState();
  }

  private linkDied(): void {
    this.conversation.wire.close(); // a link that is not good any more never will be
    // Once it showed a conversation it may be part of a picture that others see.
    if (!this.hasJoined) this.showLinkTrouble(LINK_DEAD);
  }

  private showLinkTrouble(message: string): void {
    byId("link-trouble").textContent = message;
  }

  private stateChanged(state: VisavisState): void {
    document.body.dataset["state"] = state;
    this.showState();
  }

  private showState(): void {
    const { connection } = this.conversation.wire;
    const { state } = this.conversation;
    const hears = this.options.follower || this.sound?.microphone?.state === "on";
    let word = STATE_WORDS[state];
    if (connection !== "open") word = connection === "lost" ? "Reconnecting…" : "Connecting…";
    else if (state === "listening" && !hears) word = STATE_WORDS.idle; // nobody listens while the microphone is off
    // A screen reader hears of the connection; the rest it hears as conversation.
    byId("state").ariaLive = connection === "open" ? "off" : "polite";
    if (byId("state").textContent !== word) byId("state").textContent = word;
    this.showBusy();
  }

  private showBusy(): void {
    this.bar.showStop(this.conversation.busy);
  }

  /** Whoever speaks a language that is not heard should not wait for an answer. */
  private warnOfDeafness(info: Info): void {
    const language = this.settings.values.language || info.language;
    if (hears(info, language)) return;
    this.notices.show(`${languageName(language)} is not understood when you speak it: please type.`);
  }

  private microphoneChanged(state: MicrophoneState): void {
    this.bar.showMicrophone(state);
    this.showState();
    if (state === "on" && this.info) this.warnOfDeafness(this.info);
    const trouble = MICROPHONE_TROUBLE[state];
    if (trouble) this.notices.show(trouble, { keep: true });
    else for (const message of Object.values(MICROPHONE_TROUBLE)) this.notices.hide(message);
  }
}
