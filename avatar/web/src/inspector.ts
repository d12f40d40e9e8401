import { byId, make } from "./dom";
import { Inspection, STAGE_NAMES, interruptionLine, stagesLine, stagesOf, type Span } from "./inspection";
import { RATE, SAMPLES_PER_FRAME } from "./shapes";
import type { DebugItem, Interruption } from "./events";

const COLOURS = ["#8a94a0", "#5b8def", "#b07ce8", "#e08a4f", "#d9c04a", "#4fb39a"];
const MOST_TURNS = 8;
/** Samples shown on either side of what is heard now. */
const AROUND = 1.5 * RATE;
const ROW = 18;
/** Where the rows' names stand, left of the picture. */
const MARGIN = 48;
const ROWS = [[0, "sound"], [1, "words"], [2, "phones"], [3.5, "mouth"]] as const;

/** Where the time of the last turns went, and the ledger of the reply that sounds. */
export class Inspector {
  private readonly inspection = new Inspection();
  private interruption = "";
  private readonly canvas = byId<HTMLCanvasElement>("ledger");
  private readonly context = this.canvas.getContext("2d")!;

  constructor() {
    const names = STAGE_NAMES.map((name, i) => coloured(make("span", "piece-name", name), i));
    byId("turns-legend").append(...names);
  }

  take(item: DebugItem | null, interruption: Interruption | null): void {
    this.interruption = interruptionLine(interruption);
    if (!item) return;
    this.inspection.take(item);
    this.canvas.hidden = false;
  }

  /** The newest at the top, all to one scale. */
  showTurns(turns: readonly Record<string, number>[]): void {
    const rows = turns.slice(-MOST_TURNS).reverse().map(stagesOf);
    const totals = rows.map((stages) => stages.reduce((sum, { ms }) => sum + ms, 0));
    const scale = 100 / Math.max(1, ...totals);
    byId("turns").replaceChildren(
      ...rows.map((stages, i) => {
        const pieces = stages.map(({ name, ms }) => {
          const piece = coloured(make("i", "piece"), STAGE_NAMES.indexOf(name));
          piece.style.width = `${ms * scale}%`;
          piece.title = `${name} ${ms.toFixed(0)} ms`;
          return piece;
        });
        const figures = make("span", "figures", stagesLine(stages));
        return make("li", "", make("span", "pieces", ...pieces), `${totals[i]!.toFixed(0)} ms`, figures);
      }),
    );
    byId("turns-empty").hidden = rows.length > 0;
  }

  /** Draw the ledger around `heard`, the sample heard now. */
  drawLedger(heard: number | null): void {
    const { canvas, context, inspection } = this;
    const { item } = inspection;
    if (!item) return;
    const ratio = window.devicePixelRatio;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = "11px ui-monospace, monospace";
    const ink = getComputedStyle(canvas).color;
    const width = canvas.clientWidth - MARGIN;
    const now = heard ?? item.heard;
    const at = (sample: number) => MARGIN + ((sample - now) / (2 * AROUND) + 0.5) * width;
    context.fillStyle = ink;
    for (const [row, name] of ROWS) context.fillText(name, 0, row * ROW + 13);
    context.fillText(ledgerLine(item), 0, ROW * 6 - 4);
    context.fillText(this.interruption, 0, ROW * 7 - 4);
    context.beginPath();
    context.rect(MARGIN, 0, width, ROW * 5);
    context.clip();
    const bar = (row: number, from: number, to: number, colour: string) => {
      context.fillStyle = colour;
      context.fillRect(at(from), row * ROW + 2, at(to) - at(from), ROW - 4);
    };
    bar(0, 0, item.produced, "#8a94a055");
    bar(0, 0, item.sent, "#5b8def88");
    bar(0, 0, item.heard, "#4fb39a");
    for (const stall of item.stalls) bar(0, stall.item_sample - 300, stall.item_sample + 300, "#d2504a");
    this.spans(1, inspection.words, at, ink);
    this.spans(2, inspection.phones, at, ink);
    context.strokeStyle = "#e08a4f";
    context.beginPath();
    inspection.mouth.forEach((open, k) => context.lineTo(at(k * SAMPLES_PER_FRAME), ROW * 5 - (open / 100) * ROW * 1.8));
    context.stroke();
    context.fillStyle = ink;
    context.fillRect(MARGIN + width / 2, 0, 1, ROW * 5);
  }

  private spans(row: number, spans: readonly Span[], at: (sample: number) => number, ink: string): void {
    const { context } = this;
    for (const { label, start, end } of spans) {
      const [left, right] = [at(start), at(end)];
      if (right < 0 || left > this.canvas.clientWidth) continue;
      context.fillStyle = "#8a94a033";
      context.fillRect(left, row * ROW + 1, right - left - 1, ROW - 2);
      context.fillStyle = ink;
      context.fillText(label, left + 2, row * ROW + 13, Math.max(1, right - left - 3));
    }
  }
}

function ledgerLine({ produced, sent, heard, playing, held, complete, reported, stalls }: DebugItem): string {
  const seconds = (samples: number) => (samples / RATE).toFixed(2);
  const flags = [playing && "plays", held && "held", complete && "complete", !reported && "by the pacer's clock"];
  return [
    `made ${seconds(produced)} s · sent ${seconds(sent)} · heard ${seconds(heard)}`,
    ...flags.filter((flag) => flag !== false),
    ...(stalls.length ? [`${stalls.length} stalls`] : []),
  ].join(" · ");
}

function coloured<T extends HTMLElement>(element: T, stage: number): T {
  element.style.setProperty("--stage", COLOURS[stage] ?? "currentColor");
  return element;
}
