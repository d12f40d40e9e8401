import { byId } from "./dom";
import type { Probe } from "./probe";
import { RATE } from "./shapes";

/** Counters over the picture, twice a second. */
export function showDebug(probe: Probe): void {
  const place = byId("debug");
  place.hidden = false;
  setInterval(() => {
    const late = probe.skew.slice(-120).map((entry) => ((entry.drawn - entry.expected) / RATE) * 1000);
    const mean = late.reduce((sum, x) => sum + x, 0) / (late.length || 1);
    const worst = Math.max(0, ...late.map(Math.abs));
    place.textContent = [
      `${probe.connection} · ${probe.role ?? "-"} · ${probe.state}`,
      `${probe.fps.toFixed(0)} fps · ${probe.frameIntervalMs.toFixed(1)} ms · seen after ${probe.presentationMs.toFixed(0)} ms`,
      `level ${probe.level}${probe.software ? " · no GPU" : ""}`,
      `face − sound ${mean.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`,
      `latency ${probe.outputLatencyMs.toFixed(0)} ms · stalls ${probe.underruns.length}`,
      `microphone ${probe.microphone.state} · ${probe.microphone.packets} packets · ${probe.microphone.dropped} dropped`,
      ...Object.entries(probe.timings.at(-1) ?? {}).map(([stage, ms]) => `${stage} ${ms.toFixed(0)} ms`),
    ].join("\n");
  }, 500);
}
