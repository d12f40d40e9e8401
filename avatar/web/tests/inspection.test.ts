import { describe, expect, it } from "vitest";
import type { DebugItem } from "../src/events";
import { Inspection, interruptionLine, stagesLine, stagesOf } from "../src/inspection";

function told(item_id: string, parts: Partial<DebugItem>): DebugItem {
  return {
    item_id, produced: 0, sent: 0, heard: 0, complete: false, playing: true, held: false, reported: true, stalls: [],
    first_word: 0, words: [], first_phone: 0, phones: [], first_frame: 0, mouth: [], ...parts,
  };
}
const word = (text: string) => ({ text, start_sample: 0, end_sample: 1 });

describe("the inspection", () => {
  it("puts together what was told in pieces, and begins anew with another item", () => {
    const inspection = new Inspection();
    inspection.take(told("a", { words: [word("We")], mouth: [1, 2, 3] }));
    inspection.take(told("a", { first_word: 1, words: [word("open")], first_frame: 2, mouth: [9] }));
    expect(inspection.words.map(({ label }) => label)).toEqual(["We", "open"]);
    expect(inspection.mouth).toEqual([1, 2, 9]);
    inspection.take(told("a", { words: [word("We")], first_frame: 3 }));
    expect(inspection.words).toHaveLength(1); // told again from the first
    inspection.take(told("b", { first_frame: 0 }));
    expect([inspection.words, inspection.mouth]).toEqual([[], []]);
  });
});

describe("a turn's stages", () => {
  it("are pieces that add up to the wait", () => {
    const stages = stagesOf({
      endpoint: 400, asr: 50, llm_first_text: 5, tts_first_audio: 60, first_sent: 61, first_heard: 100,
    });
    expect(stages.map(({ ms }) => ms)).toEqual([400, 50, 5, 55, 1, 39]);
  });

  it("leave out what is absent, and take no time that ran backwards", () => {
    const stages = stagesOf({ llm_first_text: 80, tts_first_audio: 0, first_heard: 120 });
    expect(stages).toEqual([
      { name: "llm text", ms: 80 },
      { name: "tts audio", ms: 0 },
      { name: "heard", ms: 40 },
    ]);
  });
});

describe("in words", () => {
  it("a turn has a figure for each stage", () => {
    const line = stagesLine(stagesOf({ endpoint: 160, asr: 20.4, llm_first_text: 3, tts_first_audio: 60 }));
    expect(line).toBe("endpoint 160 · asr 20 · llm text 3 · tts audio 57");
  });

  it("an interruption says when it was held and when decided", () => {
    expect(interruptionLine(null)).toBe("");
    expect(interruptionLine({ hold_ms: 64 })).toBe("last interruption: held after 64 ms");
    expect(interruptionLine({ hold_ms: 64, decide_ms: 320 })).toBe(
      "last interruption: held after 64 ms, decided 320 ms later",
    );
  });
});
