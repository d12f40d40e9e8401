import type { WireWord } from "./events";

/** A piece of text that is shown at once: characters [start, end). */
export interface Chunk {
  start: number;
  end: number;
}

/** About two lines on a wide screen, and three on a phone. */
const LONGEST = 96;

/** A sentence with its mark and quotes; a point inside a number or an address ends none. */
const SENTENCE = /[^.!?。！？\n]*(?:[.!?]+(?!\S)|[.!?](?=\S)[^.!?。！？\n]*|[。！？\n]|$)+["'”’)]*\s*/gu;
const PAUSES = [", ", "; ", ": ", "，", "；", "、"];

/** Cut a text at its sentences, and sentences too long for the screen at commas or spaces. */
export function chunksOf(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  for (const sentence of text.matchAll(SENTENCE)) {
    if (sentence[0].trim()) split(text, sentence.index, sentence.index + sentence[0].length, chunks);
  }
  return chunks;
}

function split(text: string, start: number, end: number, chunks: Chunk[]): void {
  while (end - start > LONGEST) {
    // Halves of like length read better than a full line and a rest.
    const pieces = Math.ceil((end - start) / LONGEST);
    const aim = start + Math.ceil((end - start) / pieces);
    const cut = breakBefore(text, start, Math.min(start + LONGEST, aim + 12));
    chunks.push({ start, end: cut });
    start = cut;
  }
  chunks.push({ start, end });
}

/** The best place to break in (start, limit]: after a comma in the second half, else after a space, else anywhere. */
function breakBefore(text: string, start: number, limit: number): number {
  const piece = text.slice(start, limit);
  const comma = Math.max(...PAUSES.map((mark) => piece.lastIndexOf(mark) + mark.length));
  if (comma > piece.length / 2) return start + comma;
  const space = piece.lastIndexOf(" ");
  return start + (space > 0 ? space + 1 : piece.length);
}

/** How far the text is lit: to the end of the last word that has begun by `sample`. */
export function litChars(words: readonly WireWord[], sample: number): number {
  let lit = 0;
  for (const word of words) if (word.start_sample <= sample) lit = Math.max(lit, word.end_char);
  return lit;
}

/** The chunk to show when the text is lit up to `lit`: the one that is being said, or is next. */
export function chunkAt(chunks: readonly Chunk[], text: string, lit: number): Chunk | undefined {
  // A chunk whose last word is lit stays until the next one's first word is.
  const shownEnd = ({ start, end }: Chunk) => start + text.slice(start, end).trimEnd().length;
  return chunks.find((chunk) => lit <= shownEnd(chunk)) ?? chunks.at(-1);
}
