import { byId, iconButton, make } from "./dom";

const SHOWN_MS = 9000;
const MOST = 3;

/** Short messages at the top of the page; they go by themselves unless they are to be kept. */
export class Notices {
  private readonly place = byId("notices");
  private readonly shown = new Map<string, HTMLElement>();

  show(message: string, options: { keep?: boolean; onDismiss?: () => void } = {}): void {
    if (this.shown.has(message)) return;
    const dismiss = () => this.hide(message);
    const close = iconButton("close", "Dismiss", () => {
      dismiss();
      options.onDismiss?.();
    });
    const notice = make("div", "notice", withCode(message), close);
    this.shown.set(message, notice);
    this.place.append(notice);
    if (this.shown.size > MOST) this.hide(this.shown.keys().next().value!);
    if (!options.keep) setTimeout(dismiss, SHOWN_MS);
  }

  hide(message: string): void {
    this.shown.get(message)?.remove();
    this.shown.delete(message);
  }
}

/** Text in which `commands` stand out. */
function withCode(message: string): HTMLElement {
  const parts = message.split("`").map((part, i) => (i % 2 ? make("code", "", part) : part));
  return make("span", "", ...parts);
}
