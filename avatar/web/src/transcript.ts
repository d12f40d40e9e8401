import type { WireWord } from "./events";

export interface Source {
  title: string;
  source: string;
  passage: string;
}

/** One thing said. */
export interface Entry {
  readonly id: string;
  readonly role: "user" | "assistant" | "note";
  text: string;
  /** Still being heard, or still being spoken. */
  open: boolean;
  /** Where the reply's words stand on its timeline. */
  words: WireWord[];
  /** The reply was cut off: `text` is what was heard of it. */
  cut: boolean;
  sources: Source[];
}

const MOST_ENTRIES = 500;
const MOST_ORDERED = 2 * MOST_ENTRIES;

/** What was said, in the server's order. Listeners hear of the entry that changed, or of null when several did. */
export class Transcript {
  readonly entries: Entry[] = [];
  /** The conversation's items as the server orders them; entries that it never told of are not among them. */
  private order: string[] = [];
  /** Replies of which nothing was heard: what still comes of them is nothing. */
  private readonly unheard = new Set<string>();
  private readonly listeners: ((entry: Entry | null) => void)[] = [];
  private notes = 0;

  listen(listener: (entry: Entry | null) => void): void {
    this.listeners.push(listener);
  }

  find(id: string): Entry | undefined {
    return this.entries.findLast((entry) => entry.id === id);
  }

  /** The entry of this id, made where there is none. */
  ensure(id: string, role: Entry["role"]): Entry {
    const known = this.find(id);
    if (known) return known;
    const entry: Entry = { id, role, text: "", open: true, words: [], cut: false, sources: [] };
    this.entries.push(entry);
    if (this.entries.length > MOST_ENTRIES) this.entries.shift();
    this.arrange(entry);
    return entry;
  }

  /** The server put an item behind another; null: before all. */
  place(id: string, previous: string | null): void {
    this.order = this.order.filter((known) => known !== id);
    const before = previous === null ? -1 : this.order.indexOf(previous);
    const unknown = previous !== null && before < 0;
    this.order.splice(unknown ? this.order.length : before + 1, 0, id);
    if (this.order.length > MOST_ORDERED) this.order.shift();
    const entry = this.find(id);
    if (entry && this.arrange(entry)) this.changed(null);
  }

  /** All of the server's items, in their order. */
  placeAll(ids: readonly string[]): void {
    this.order = [...ids];
    const entries = ids.map((id) => this.find(id)).filter((entry) => entry !== undefined);
    if (entries.map((entry) => this.arrange(entry)).includes(true)) this.changed(null);
  }

  /** Move an entry that stands on the wrong side of another. Returns whether it did. */
  private arrange(entry: Entry): boolean {
    const at = this.order.indexOf(entry.id);
    if (at < 0) return false;
    const placeOf = (id: string) => this.entries.findIndex((other) => other.id === id);
    const here = placeOf(entry.id);
    const after = Math.max(-1, ...this.order.slice(0, at).map(placeOf));
    const later = this.order.slice(at + 1).map(placeOf);
    const before = Math.min(this.entries.length, ...later.filter((place) => place >= 0));
    if (after < here && here < before) return false;
    this.entries.splice(here, 1);
    // Beside the one it was on the wrong side of; those before `here` have not moved.
    this.entries.splice(here > before ? before : after, 0, entry);
    return true;
  }

  setText(id: string, role: "user" | "assistant", text: string, open: boolean): void {
    if (!text && !this.find(id)) return;
    const entry = this.ensure(id, role);
    entry.text = text;
    entry.open = open;
    if (!text && !open) this.remove(id);
    else this.changed(entry);
  }

  append(id: string, delta: string): void {
    if (this.unheard.has(id)) return;
    const entry = this.ensure(id, "assistant");
    if (entry.cut) return;
    entry.text += delta;
    this.changed(entry);
  }

  addWords(id: string, words: WireWord[]): void {
    if (this.unheard.has(id)) return;
    this.ensure(id, "assistant").words.push(...words);
  }

  addSource(id: string, source: Source): void {
    if (this.unheard.has(id)) return;
    const entry = this.ensure(id, "assistant");
    if (entry.sources.some((known) => known.source === source.source && known.title === source.title)) return;
    entry.sources.push(source);
    this.changed(entry);
  }

  /** A reply was cut off after `heard` samples: keep the words that were heard. */
  cut(id: string, heard: number): void {
    const entry = this.find(id);
    if (!entry || entry.cut) return;
    entry.open = false;
    if (heard <= 0 || entry.words.some((word) => !wasHeard(word, heard))) {
      entry.cut = true;
      entry.text = entry.text.slice(0, heardChars(entry.words, heard)).trimEnd();
    }
    if (entry.text) this.changed(entry);
    else this.forget(id);
  }

  /** Nothing of a reply was heard, and nothing will be. */
  forget(id: string): void {
    this.unheard.add(id);
    this.remove(id);
  }

  close(id: string): void {
    const entry = this.find(id);
    if (!entry) return;
    entry.open = false;
    this.changed(entry);
  }

  note(text: string): void {
    const entry = this.ensure(`note-${++this.notes}`, "note");
    entry.text = text;
    entry.open = false;
    this.changed(entry);
  }

  remove(id: string): void {
    const index = this.entries.findIndex((entry) => entry.id === id);
    if (index < 0) return;
    this.entries.splice(index, 1);
    this.changed(null);
  }

  clear(): void {
    this.entries.length = 0;
    this.order = [];
    this.unheard.clear();
    this.changed(null);
  }

  /** The replies between this entry and the visitor's next one: what an edit makes void. */
  answersTo(id: string): Entry[] {
    const start = this.entries.findIndex((entry) => entry.id === id) + 1;
    if (start === 0) return [];
    const next = this.entries.findIndex((entry, i) => i >= start && entry.role === "user");
    return this.entries.slice(start, next < 0 ? undefined : next).filter((entry) => entry.role === "assistant");
  }

  /** The whole as plain text, to be copied. */
  toText(): string {
    const names = { user: "You", assistant: "Visavis", note: "—" };
    const lines = this.entries.filter((entry) => entry.text);
    return lines.map((entry) => `${names[entry.role]}: ${entry.text}${entry.cut ? " —" : ""}`).join("\n\n");
  }

  private changed(entry: Entry | null): void {
    for (const listener of this.listeners) listener(entry);
  }
}

/** Where the heard part of the text ends. */
export function heardChars(words: readonly WireWord[], heard: number): number {
  return words.reduce((end, word) => (wasHeard(word, heard) ? Math.max(end, word.end_char) : end), 0);
}

/** A word was heard when its midpoint was. */
function wasHeard(word: WireWord, heard: number): boolean {
  return (word.start_sample + word.end_sample) / 2 <= heard;
}
