import { byId } from "./dom";
import type { MicrophoneState } from "./microphone";

export interface BarHandlers {
  toggleMicrophone(): void;
  /** The visitor is there: a first gesture that may bring sound. */
  came(): void;
  /** Returns whether it was sent. */
  say(text: string): boolean;
  interrupt(): void;
}

const MICROPHONE_LABELS: Record<MicrophoneState, string> = {
  off: "Turn the microphone on",
  asking: "The browser asks for the microphone",
  on: "Mute the microphone",
  muted: "Unmute the microphone",
  refused: "The microphone is blocked. Try again",
  absent: "There is no microphone. Try again",
  insecure: "The microphone needs HTTPS",
};

/** What the visitor presses: the microphone, the text box, the interruption, and the invitation to begin. */
export class TalkBar {
  private readonly microphone = byId<HTMLButtonElement>("microphone");
  private readonly text = byId<HTMLInputElement>("text");
  private readonly stop = byId<HTMLButtonElement>("stop");
  private readonly welcome = byId("welcome");
  private readonly start = byId<HTMLButtonElement>("start");

  constructor(private readonly handlers: BarHandlers) {
    this.microphone.addEventListener("click", () => handlers.toggleMicrophone());
    this.start.addEventListener("click", () => this.begin());
    this.stop.addEventListener("click", () => handlers.interrupt());
    this.text.addEventListener("input", () => handlers.came(), { once: true });
    byId<HTMLFormElement>("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.showMicrophone("off");
  }

  hideWelcome(): void {
    // The keyboard's place must not vanish with the button.
    if (document.activeElement === this.start) this.microphone.focus();
    this.welcome.hidden = true;
  }

  /** The browser silenced the page: a gesture wakes it. */
  showPaused(paused: boolean): void {
    this.welcome.hidden = !paused;
    this.start.textContent = "Continue";
    byId("welcome-text").textContent = "The browser paused the sound.";
    byId("to-mirror").hidden = true;
  }

  showStop(visible: boolean): void {
    if (!visible && document.activeElement === this.stop) this.text.focus();
    this.stop.hidden = !visible;
  }

  showMicrophone(state: MicrophoneState): void {
    const working = state === "on" || state === "off" || state === "asking";
    this.microphone.dataset["state"] = state;
    this.microphone.setAttribute("aria-pressed", String(state === "on"));
    this.microphone.setAttribute("aria-label", MICROPHONE_LABELS[state]);
    this.microphone.title = `${MICROPHONE_LABELS[state]} (Ctrl+M)`;
    byId("microphone-icon").setAttribute("href", working ? "#icon-microphone" : "#icon-microphone-off");
  }

  private begin(): void {
    if (this.start.textContent === "Continue") this.handlers.came();
    else this.handlers.toggleMicrophone();
  }

  private send(): void {
    const text = this.text.value.trim();
    if (text && this.handlers.say(text)) this.text.value = "";
  }
}
