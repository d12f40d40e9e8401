import { CameraButton } from "./camera-button";
import { Captions } from "./captions";
import { Conversation } from "./conversation";
import { showDebug } from "./debug";
import { byId } from "./dom";
import type { VisavisState } from "./events";
import { Inspector } from "./inspector";
import { chosenHead, hears, languageName, suitableVoice, type Info } from "./info";
import { Loop } from "./loop";
import type { MicrophoneState } from "./microphone";
import type { Notices } from "./notices";
import { installProbe, type Counters } from "./probe";
import type { Settings } from "./settings";
import { Shell } from "./shell";
import { Sound } from "./sound";
import { TranscriptDrawer } from "./transcript-drawer";
import { TalkBar } from "./talk-bar";
import { NOT_VALID } from "./thread";
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
const LINK_MISSING =
  "This page shows a conversation that goes on elsewhere, and needs a link to it: on the page with the conversation, open the settings and press “Copy a link”.";
const LINK_DEAD =
  "This link has expired, or its conversation is over. For a new one: on the page with the conversation, open the settings and press “Copy a link”.";
const MOST_TIMINGS = 1000;

/** Puts the parts together. */
export class App {
  private readonly shell: Shell;
  private readonly settings: Settings;
  private readonly notices: Notices;
  private readonly counters: Counters = { packets: 0, heard: {}, timings: [] };
  private readonly conversation: Conversation;
  private readonly sound: Sound | null;
  private readonly captions: Captions;
  private readonly bar: TalkBar;
  private readonly loop: Loop;
  private readonly drawer: TranscriptDrawer;
  private readonly inspector: Inspector | null;
  private wasLost = false;
  private hasJoined = false;

  constructor(private readonly options: Options) {
    this.shell = new Shell(options.level, { face: "You can still talk.", microphone: "You can type instead." });
    const { settings } = this.shell;
    this.settings = settings;
    this.notices = this.shell.notices;
    this.inspector = options.debug ? new Inspector() : null;
    this.conversation = this.makeConversation();
    this.sound = options.follower ? null : this.makeSound();
    this.captions = new Captions(this.conversation.transcript);
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
    new CameraButton(this.notices, (direction) => this.conversation.seen(direction));
    byId("invite").addEventListener("click", () => this.conversation.invite());
    this.captions.visible = settings.values.captions;
    settings.listen((key) => this.settingChanged(key));
    this.loop = new Loop(this.conversation, this.shell.face, this.sound, this.captions, this.shell.viewport);
    this.bindPage();
  }

  async start(): Promise<void> {
    if (this.options.follower && !this.options.viewer) return this.showLinkTrouble(LINK_MISSING);
    const { face, canvas } = this.shell;
    const probe = installProbe(this.loop, this.conversation, face, this.sound, canvas, this.counters);
    if (this.inspector) showDebug(probe, this.inspector);
    this.loop.run();
    if (!(await this.loadInfo())) return;
    this.chooseVoice();
    const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
    this.conversation.moveLess(lessMotion.matches);
    lessMotion.addEventListener("change", () => this.conversation.moveLess(lessMotion.matches));
    this.conversation.wire.connect();
    await this.shell.showHead();
  }

  // ------------------------------------------------------------------ the parts
  private makeConversation(): Conversation {
    const { options, inspector } = this;
    const url = new URL("/v1/realtime?model=visavis", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (options.viewer) url.searchParams.set("viewer", options.viewer);
    const looksInside = inspector !== null && !options.follower; // a follower may not
    if (looksInside) url.searchParams.set("debug", "");
    const conversation = new Conversation(url.href, this.shell.face, {
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

  private bindPage(): void {
    document.body.classList.toggle("follower", this.options.follower);
    document.documentElement.classList.toggle("transparent", this.options.transparent);
    document.body.classList.toggle("transparent", this.options.transparent);
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
    if (key === "head") void this.shell.showHead();
  }

  /** The visitor's, else one that suits the head. */
  private chooseVoice(): void {
    const { info } = this.shell;
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
  /** Returns whether the server told of itself: a follower's link may not be good. */
  private async loadInfo(): Promise<boolean> {
    try {
      const info = await this.shell.loadInfo(this.options.viewer);
      document.title = info.title;
      if (!this.options.follower) this.showHints(info.hints);
      return true;
    } catch {
      this.showLinkTrouble(LINK_DEAD);
      return false;
    }
  }

  private showHints(hints: string[]): void {
    const { dismissed } = this.settings.values;
    const hint = hints.find((each) => !dismissed.includes(each));
    if (!hint) return;
    const onDismiss = () => this.settings.set("dismissed", [...this.settings.values.dismissed.slice(-20), hint]);
    this.notices.show(hint, { keep: true, onDismiss });
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
    if (state === "on" && this.shell.info) this.warnOfDeafness(this.shell.info);
    this.shell.showMicrophoneTrouble(state);
  }
}
