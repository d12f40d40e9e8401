import { byId, iconButton, make } from "./dom";
import type { Entry, Transcript } from "./transcript";

export interface DrawerHandlers {
  /** Returns whether it was sent. */
  sayInstead(id: string, text: string): boolean;
  startAnew(): void;
  copied(done: boolean): void;
}

/** The list of what was said, beside the face. */
export class TranscriptDrawer {
  private readonly dialog = byId<HTMLDialogElement>("transcript");
  private readonly list = byId("entries");
  private readonly rows = new Map<string, HTMLElement>();
  private editing = "";

  constructor(
    private readonly transcript: Transcript,
    private readonly handlers: DrawerHandlers,
  ) {
    transcript.listen((entry) => (entry && this.rows.has(entry.id) ? this.redraw(entry) : this.rebuild()));
    byId("open-transcript").addEventListener("click", () => this.toggle());
    byId("copy").addEventListener("click", () => void this.copy());
    byId("anew").addEventListener("click", () => handlers.startAnew());
  }

  get hasFocus(): boolean {
    return this.dialog.open && this.dialog.contains(document.activeElement);
  }

  close(): void {
    if (!this.dialog.open) return;
    this.dialog.close();
    byId("open-transcript").focus();
  }

  private toggle(): void {
    if (this.dialog.open) return this.close();
    this.dialog.show();
    this.list.scrollTop = this.list.scrollHeight;
  }

  private rebuild(): void {
    const known = new Set(this.transcript.entries.map((entry) => entry.id));
    for (const [id, row] of this.rows) {
      if (known.has(id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    this.transcript.entries.forEach((entry, i) => {
      const known = this.rows.get(entry.id);
      const row = known ?? make("li", "");
      this.rows.set(entry.id, row);
      if (this.list.children[i] !== row) this.list.insertBefore(row, this.list.children[i] ?? null);
      if (!known) this.redraw(entry);
    });
    byId("transcript-empty").hidden = this.transcript.entries.length > 0;
  }

  private redraw(entry: Entry): void {
    if (entry.id === this.editing) return;
    const row = this.rows.get(entry.id)!;
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
    row.className = `entry ${entry.role}${entry.open ? " open" : ""}`;
    if (entry.role === "note") row.replaceChildren(make("p", "", entry.text));
    else row.replaceChildren(this.header(entry), textOf(entry), ...sourcesOf(entry));
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  private header(entry: Entry): HTMLElement {
    if (entry.role !== "user") return make("p", "who", byId("name").textContent ?? "");
    const who = make("p", "who", "You");
    if (!entry.open) who.append(iconButton("edit", "Edit and send again", () => this.edit(entry)));
    return who;
  }

  private edit(entry: Entry): void {
    this.editing = entry.id;
    const area = make("textarea", "");
    area.value = entry.text;
    area.setAttribute("aria-label", "What you meant");
    const send = make("button", "plain", "Send again");
    const cancel = make("button", "plain", "Cancel");
    cancel.type = "button";
    const form = make("form", "", area, make("div", "", cancel, send));
    const done = () => {
      this.editing = "";
      this.redraw(entry);
    };
    cancel.addEventListener("click", done);
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        done();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = area.value.trim();
      if (!text) done();
      // What cannot be sent stays where it was written; once sent, the entry is gone.
      else if (this.handlers.sayInstead(entry.id, text)) this.editing = "";
    });
    this.rows.get(entry.id)!.replaceChildren(form);
    area.focus();
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.transcript.toText());
      this.handlers.copied(true);
    } catch {
      this.handlers.copied(false);
    }
  }
}

function textOf(entry: Entry): HTMLElement {
  const text = make("p", "text", entry.text || "…");
  if (entry.cut) text.append(make("span", "cut", " — (interrupted)"));
  return text;
}

function sourcesOf(entry: Entry): HTMLElement[] {
  return entry.sources.map(({ title, source, passage }) => {
    const quote = make("blockquote", "", passage);
    quote.cite = source;
    return make("details", "", make("summary", "", `From: ${title || source}`), quote);
  });
}
