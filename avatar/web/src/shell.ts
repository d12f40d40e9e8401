import { byId } from "./dom";
import { Face } from "./face";
import { chosenHead, fetchInfo, InfoError, RefusedError, type Info } from "./info";
import type { MicrophoneState } from "./microphone";
import { Notices } from "./notices";
import { browserStore, Settings } from "./settings";
import { SettingsSheet } from "./settings-sheet";
import { Sound } from "./sound";
import { Viewport } from "./viewport";

const MICROPHONE_TROUBLE: Partial<Record<MicrophoneState, string>> = {
  refused: "The microphone is blocked. Allow it in the browser's address bar",
  absent: "No microphone was found",
  insecure: "Browsers allow the microphone only over HTTPS or on this machine itself",
};
const INFO_RETRY_MS = 3000;

/** What every page of ours has: a face, the visitor's settings, notices, and what the server says of itself. */
export class Shell {
  readonly settings = new Settings(browserStore());
  readonly notices = new Notices();
  readonly face = new Face();
  readonly canvas = byId<HTMLCanvasElement>("face");
  readonly sheet: SettingsSheet;
  readonly viewport: Viewport | null;
  info: Info | null = null;

  /** `level`: of quality; null: as well as the machine can. `otherwise`: what is left to do without the device that
   *  failed, as a sentence, or "". */
  constructor(
    level: number | null,
    private readonly otherwise: { face: string; microphone: string },
  ) {
    this.viewport = this.makeViewport(level);
    this.sheet = new SettingsSheet(this.settings, Sound.canChooseSpeaker);
    for (const button of document.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => button.closest("dialog")?.close());
    }
  }

  /** Ask the server until it answers. `viewer`: a follower's token, or "". Throws RefusedError where a viewer's token
   *  is not good. */
  async loadInfo(viewer = ""): Promise<Info> {
    let told = "";
    while (!this.info) {
      try {
        this.info = await fetchInfo(viewer);
      } catch (error) {
        if (viewer && error instanceof RefusedError) throw error;
        const message = error instanceof InfoError ? error.message : "The server's answer could not be read.";
        if (message !== told) this.notices.show(message, { keep: true });
        told = message;
        await new Promise((resolve) => setTimeout(resolve, INFO_RETRY_MS));
      }
    }
    this.notices.hide(told);
    this.sheet.setInfo(this.info);
    return this.info;
  }

  /** Show the head that the visitor chose, or the one that suits. */
  async showHead(): Promise<void> {
    const head = this.info && chosenHead(this.info, this.settings.values.head);
    byId("name").textContent = head?.title ?? this.info?.title ?? "Visavis";
    if (!head) this.notices.show(sentences("This server has no head to show.", this.otherwise.face));
    if (!head || !this.viewport) return;
    try {
      await this.viewport.show(head);
      document.body.classList.add("ready");
    } catch {
      this.notices.show(sentences("The face could not be loaded: reload the page to try again.", this.otherwise.face));
    }
  }

  /** Say plainly why nothing is heard, for as long as that is so. */
  showMicrophoneTrouble(state: MicrophoneState): void {
    const message = (trouble: string) => sentences(`${trouble}.`, this.otherwise.microphone);
    const trouble = MICROPHONE_TROUBLE[state];
    if (trouble) this.notices.show(message(trouble), { keep: true });
    else for (const each of Object.values(MICROPHONE_TROUBLE)) this.notices.hide(message(each));
  }

  private makeViewport(level: number | null): Viewport | null {
    try {
      const viewport = new Viewport(this.canvas, level);
      document.body.classList.toggle("frugal", viewport.software);
      return viewport;
    } catch {
      const message = "This browser cannot draw the face (it has no WebGL 2).";
      this.notices.show(sentences(message, this.otherwise.face), { keep: true });
      return null;
    }
  }
}

function sentences(...parts: string[]): string {
  return parts.filter(Boolean).join(" ");
}
