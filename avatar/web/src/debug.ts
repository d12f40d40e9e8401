import { byId } from "./dom";
import type { Inspector } from "./inspector";
import type { Probe } from "./probe";
import { RATE } from "./shapes";

/** Why it was slow: counters over the picture twice a second, the last turns, and the ledger as it plays. */
export function showDebug(probe: Probe, inspector: Inspector): void {
  byId("debug").hidden = false;
  setInterval(() => {
    byId("counters").textContent = counters(probe).join("\n");
    inspector.showTurns(probe.timings);
  }, 500);
  setInterval(() => {
    const { audible } = probe;
    inspector.drawLedger(audible?.playing ? audible.sample : null);
  }, 100);
}

function counters(probe: Probe): string[] {
  const late = probe.skew.slice(-120).map((entry) => ((entry.drawn - entry.expected) / RATE) * 1000);
  const mean = late.reduce((sum, x) => sum + x, 0) / (late.length || 1);
  const worst = Math.max(0, ...late.map(Math.abs));
  return [
    `${probe.connection} · ${probe.role ?? "-"} · ${probe.state}`,
    `${probe.fps.toFixed(0)} fps · ${probe.frameIntervalMs.toFixed(1)} ms · seen after ${probe.presentationMs.toFixed(0)} ms`,
    `level ${probe.level}${probe.software ? " · no GPU" : ""}`,
    `face − sound ${mean.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`,
    `latency ${probe.outputLatencyMs.toFixed(0)} ms · stalls ${probe.underruns.length}`,
    `microphone ${probe.microphone.state} · ${probe.microphone.packets} packets · ${probe.microphone.dropped} dropped`,
  ];
}
