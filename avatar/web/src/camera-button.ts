import type { Camera, CameraState } from "./camera";
import { byId } from "./dom";
import type { Notices } from "./notices";
import type { Direction } from "./visitor";

const LABELS: Record<CameraState, string> = {
  off: "Let it look at you: turn the camera on",
  asking: "The browser asks for the camera",
  on: "Turn the camera off",
  refused: "The camera is blocked. Try again",
  absent: "There is no camera. Try again",
  insecure: "The camera needs HTTPS",
};
const TROUBLE: Partial<Record<CameraState, string>> = {
  refused: "The camera is blocked. Allow it in the browser's address bar, or go on without it.",
  absent: "No camera was found. The conversation goes on without it.",
  insecure: "Browsers allow the camera only over HTTPS or on this machine itself.",
};
const ON = "It looks at you now. The camera's picture stays in this browser; only where your face is goes to the server.";

/** Turns the camera on and off; what is needed for it is loaded when it is first pressed. */
export class CameraButton {
  private readonly button = byId<HTMLButtonElement>("camera");
  private camera: Camera | null = null;

  constructor(
    private readonly notices: Notices,
    private readonly visitor: (direction: Direction | null) => void,
  ) {
    this.button.addEventListener("click", () => void this.toggle());
    this.show("off");
  }

  get state(): CameraState {
    return this.camera?.state ?? "off";
  }

  private async toggle(): Promise<void> {
    if (this.state === "on") return this.camera?.stop();
    if (this.state === "asking") return;
    try {
      const { Camera } = await import("./camera");
      this.camera ??= new Camera({ state: (state) => this.changed(state), visitor: this.visitor });
    } catch {
      return this.notices.show("What finds your face could not be loaded: reload the page to try again.");
    }
    await this.camera.start();
  }

  private changed(state: CameraState): void {
    this.show(state);
    for (const message of [ON, ...Object.values(TROUBLE)]) this.notices.hide(message);
    const message = state === "on" ? ON : TROUBLE[state];
    if (message) this.notices.show(message);
  }

  private show(state: CameraState): void {
    byId("cam").hidden = state !== "on";
    this.button.dataset["state"] = state;
    this.button.setAttribute("aria-pressed", String(state === "on"));
    this.button.title = LABELS[state];
    this.button.setAttribute("aria-label", LABELS[state]);
  }
}
