import { chunkAt, chunksOf, litChars, type Chunk } from "./caption-text";
import { byId, make } from "./dom";
import type { Entry, Transcript } from "./transcript";

const LINGER_MS = 2500;

/** What is said, at the foot of the picture: each word lights up as it is heard. */
export class Captions {
  visible = true;
  private readonly hearing = byId("hearing");
  private readonly words = byId("words");
  private readonly said = byId("said");
  private shown: Entry | null = null;
  private shownText = "";
  /** The visitor's entry that is shown. */
  private heard = "";
  private chunks: Chunk[] = [];
  private chunk: Chunk | undefined;
  private lastSound = 0;

  constructor(private readonly transcript: Transcript) {
    transcript.listen((entry) => this.changed(entry));
  }

  /** Show the words of `item`, whose sample `sample` sounds at `now` ms; "" when nothing sounds. */
  update(item: string, sample: number, now: number): void {
    const entry = item ? this.transcript.find(item) : undefined;
    if (entry) {
      this.lastSound = now;
      this.show(entry, sample);
    } else if (this.shown && now - this.lastSound > LINGER_MS) this.clear();
  }

  private show(entry: Entry, sample: number): void {
    if (entry !== this.shown || entry.text !== this.shownText) {
      this.shown = entry;
      this.shownText = entry.text;
      this.chunks = chunksOf(entry.text);
    }
    const lit = litChars(entry.words, sample);
    const chunk = this.visible ? chunkAt(this.chunks, entry.text, lit) : undefined;
    if (chunk?.start !== this.chunk?.start || chunk?.end !== this.chunk?.end) this.build(entry, chunk);
    for (const span of this.words.children as HTMLCollectionOf<HTMLElement>) {
      span.classList.toggle("heard", Number(span.dataset["start"]) < lit);
    }
  }

  private build(entry: Entry, chunk: Chunk | undefined): void {
    this.chunk = chunk;
    const text = chunk ? entry.text.slice(chunk.start, chunk.end).trimEnd() : "";
    const spans = [...text.matchAll(/\p{Script=Han}|[^\s\p{Script=Han}]+\s*|\s+/gu)].map((match) => {
      const span = make("span", "", match[0]);
      span.dataset["start"] = String(chunk!.start + match.index);
      return span;
    });
    this.words.replaceChildren(...spans);
  }

  private clear(): void {
    this.shown = null;
    this.shownText = "";
    this.chunk = undefined;
    this.words.replaceChildren();
  }

  private changed(entry: Entry | null): void {
    if (!entry) {
      if (this.shown && !this.transcript.find(this.shown.id)) this.clear();
      if (!this.transcript.find(this.heard)) this.hearing.textContent = "";
      return;
    }
    if (entry === this.shown && entry.cut && entry.text !== this.shownText) this.show(entry, Infinity);
    if (entry.role === "user") {
      this.heard = entry.id;
      this.hearing.textContent = this.visible ? entry.text : "";
    } else if (entry.role === "assistant" && entry.open) this.hearing.textContent = "";
    if (!entry.open) this.announce(entry);
  }

  /** For screen readers: whole things said, not every word as it lights up. */
  private announce(entry: Entry): void {
    const line = entry.role === "user" ? `You said: ${entry.text}` : entry.text;
    if (this.said.lastElementChild?.textContent === line) return;
    this.said.append(make("p", "", line));
    while (this.said.childElementCount > 5) this.said.firstElementChild!.remove();
  }
}
