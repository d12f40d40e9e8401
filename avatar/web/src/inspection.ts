import type { DebugItem, Interruption } from "./events";

export interface Span {
  label: string;
  start: number;
  end: number;
}

/** What is known of the item that plays, put together from what each event told anew. Offsets are its samples. */
export class Inspection {
  item: DebugItem | null = null;
  words: Span[] = [];
  phones: Span[] = [];
  /** How far the lips are open in each frame, in percent. */
  mouth: number[] = [];

  take(item: DebugItem): void {
    if (item.item_id !== this.item?.item_id) this.words = this.phones = this.mouth = [];
    this.item = item;
    const words = item.words.map(({ text, start_sample, end_sample }) => span(text, start_sample, end_sample));
    const phones = item.phones.map(({ symbol, start_sample, end_sample }) => span(symbol, start_sample, end_sample));
    this.words = [...this.words.slice(0, item.first_word), ...words];
    this.phones = [...this.phones.slice(0, item.first_phone), ...phones];
    this.mouth = [...this.mouth.slice(0, item.first_frame), ...item.mouth];
  }
}

function span(label: string, start: number, end: number): Span {
  return { label, start, end };
}

export interface Stage {
  name: string;
  ms: number;
}

/**
 * One turn's wait, piece by piece, from the visitor's last sound to the first of the answer. On the wire `endpoint` and
 * `asr` are durations, and what follows is counted from when the words were known.
 */
export function stagesOf(timings: Record<string, number>): Stage[] {
  const stages: Stage[] = [];
  for (const [key, name] of [["endpoint", "endpoint"], ["asr", "asr"]] as const) {
    if (timings[key] !== undefined) stages.push({ name, ms: timings[key] });
  }
  let last = 0;
  for (const [key, name] of AFTER_WORDS) {
    const at = timings[key];
    if (at === undefined) continue;
    stages.push({ name, ms: Math.max(0, at - last) });
    last = Math.max(last, at);
  }
  return stages;
}

const AFTER_WORDS = [
  ["llm_first_text", "llm text"],
  ["tts_first_audio", "tts audio"],
  ["first_sent", "sent"],
  ["first_heard", "heard"],
] as const;

/** One turn's stages in words: "endpoint 160 · asr 20 · …". */
export function stagesLine(stages: readonly Stage[]): string {
  return stages.map(({ name, ms }) => `${name} ${ms.toFixed(0)}`).join(" · ");
}

/** The last interruption in words; "" where there was none. */
export function interruptionLine(interruption: Interruption | null): string {
  if (!interruption) return "";
  const { hold_ms, decide_ms } = interruption;
  const parts = [hold_ms !== undefined && `held after ${hold_ms.toFixed(0)} ms`, decide_ms !== undefined && `decided ${decide_ms.toFixed(0)} ms later`];
  return `last interruption: ${parts.filter(Boolean).join(", ")}`;
}

/** What the stages are called, in their order. */
export const STAGE_NAMES: readonly string[] = ["endpoint", "asr", ...AFTER_WORDS.map(([, name]) => name)];
