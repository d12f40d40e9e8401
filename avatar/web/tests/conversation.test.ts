import { beforeEach, describe, expect, it, vi } from "vitest";
import { base64FromBytes } from "../src/base64";
import { Conversation, type Speaker } from "../src/conversation";
import { Face } from "../src/face";
import { RECORD_BYTES } from "../src/face-track";
import type { Socket } from "../src/wire";

type Sent = { type: string } & Record<string, unknown>;

/** A conversation with its socket and its player in our hands. */
class Bench {
  readonly sent: Sent[] = [];
  readonly commands: string[] = [];
  readonly notices: string[] = [];
  readonly face = new Face();
  readonly conversation: Conversation;
  socket!: Socket;
  readonly urls: string[] = [];
  heard = 0;

  constructor() {
    const nothing = () => undefined;
    this.conversation = new Conversation(
      "ws://here",
      this.face,
      {
        connection: nothing,
        state: nothing,
        session: nothing,
        notice: (message) => this.notices.push(message),
        invitation: nothing,
        timings: nothing,
      },
      (url) => this.open(url),
    );
    const speaker: Speaker = {
      append: (item, samples) => this.commands.push(`append ${item} ${samples.length}`),
      command: (command) => this.commands.push("item" in command ? `${command.kind} ${command.item}` : command.kind),
      heard: () => this.heard,
    };
    this.conversation.speaker = speaker;
    this.conversation.wire.connect();
    this.welcome();
  }

  private open(url: string): Socket {
    this.urls.push(url);
    this.socket = {
      bufferedAmount: 0,
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (text) => this.sent.push(JSON.parse(text) as Sent),
      close: () => undefined,
    };
    return this.socket;
  }

  welcome(role = "player", session = "s1", token = "t1"): void {
    this.socket.onopen!();
    this.receive({ type: "session.created", session: {} });
    this.receive({ type: "session.updated", session: {} });
    const about = { session_id: session, resume_token: token, stage_now: 0, capabilities: {} };
    this.receive({ type: "visavis.session", role, ...about });
  }

  /** The connection breaks, or is refused with `code`, and a new one is tried. */
  lose(code = 1006): void {
    this.socket.onclose!({ code, reason: "" });
    this.conversation.wire.retryNow();
  }

  resumed(items: Record<string, unknown>[], heard: Record<string, unknown>[] = []): void {
    this.receive({ type: "visavis.resumed", items, heard });
  }

  receive(event: Record<string, unknown>): void {
    this.socket.onmessage!({ data: JSON.stringify(event) });
  }

  /** A reply of one second begins to sound. */
  reply(item = "a", text = "Hello there, you."): void {
    const of = { response_id: `r-${item}`, item_id: item };
    this.receive({ type: "response.created", response: { id: `r-${item}` } });
    this.receive({ type: "response.output_audio_transcript.delta", ...of, delta: text });
    const word = (start_char: number, end_char: number, start: number) => ({
      start_char,
      end_char,
      start_sample: start,
      end_sample: start + 8000,
    });
    this.receive({ type: "visavis.words", ...of, words: [word(0, 5, 0), word(6, 12, 8000), word(13, 17, 16_000)] });
    this.receive({ type: "response.output_audio.delta", ...of, delta: base64FromBytes(new Uint8Array(48_000)) });
  }

  types(): string[] {
    return this.sent.map((event) => event.type);
  }

  take(): Sent[] {
    return this.sent.splice(0);
  }
}

describe("a conversation", () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });

  it("has nothing to interrupt when sound of a reply that was cut off comes late", () => {
    bench.reply("a");
    bench.conversation.interrupt();
    bench.receive({ type: "response.done", response: { id: "r-a" } });
    bench.conversation.playbackEnded("a", 12_000);
    expect(bench.conversation.busy).toBe(false);
    const delta = base64FromBytes(new Uint8Array(480));
    bench.receive({ type: "response.output_audio.delta", response_id: "r-a", item_id: "a", delta });
    expect(bench.conversation.busy).toBe(false);
  });

  it("asks for the face", () => {
    expect(bench.take()).toEqual([
      { type: "session.update", session: { type: "realtime", avatar: { format: "arkit52", fps: 60 } } },
    ]);
  });

  it("says that the visitor wants less motion, at first and when that changes", () => {
    bench.take();
    bench.conversation.moveLess(false);
    expect(bench.take()).toEqual([]);
    for (const reduced of [true, false]) {
      bench.conversation.moveLess(reduced);
      const avatar = { format: "arkit52", fps: 60, reduced_motion: reduced };
      expect(bench.take()).toEqual([{ type: "session.update", session: { type: "realtime", avatar } }]);
    }
  });

  it("asks for the greeting once, after the visitor came", () => {
    bench.take();
    bench.conversation.visitorCame();
    bench.conversation.visitorCame();
    expect(bench.types()).toEqual(["visavis.greet"]);
    bench.take();
    bench.conversation.startAnew();
    bench.welcome("player", "s2");
    expect(bench.types()).toEqual(["session.update", "visavis.greet"]);
  });

  it("sends what is typed, first cutting off what is said", () => {
    bench.reply();
    bench.take();
    bench.conversation.say("Stop, what is new?");
    expect(bench.types()).toEqual(["response.cancel", "conversation.item.create", "response.create"]);
    expect(bench.commands).toContain("clear");
    expect(bench.conversation.transcript.entries.at(-1)).toMatchObject({ role: "user", text: "Stop, what is new?" });
  });

  it("interrupts a greeting that has not answered yet", () => {
    bench.conversation.visitorCame();
    bench.take();
    bench.conversation.say("Hi");
    expect(bench.types()).toEqual(["response.cancel", "conversation.item.create", "response.create"]);
  });

  it("truncates what is only still being heard", () => {
    bench.reply();
    bench.receive({ type: "response.output_audio.done", item_id: "a" });
    bench.receive({ type: "response.done", response: { id: "r-a" } });
    bench.take();
    bench.heard = 12_000;
    expect(bench.conversation.interrupt()).toBe(true);
    expect(bench.take()).toMatchObject([{ type: "conversation.item.truncate", item_id: "a", audio_end_ms: 500 }]);
    bench.conversation.playbackEnded("a", 12_192);
    expect(bench.conversation.interrupt()).toBe(false);
    expect(bench.conversation.transcript.find("a")).toMatchObject({ text: "Hello there,", cut: true });
  });

  it("follows the server's hold, resume and stop", () => {
    bench.reply();
    for (const type of ["visavis.hold", "visavis.resume", "visavis.stop"]) bench.receive({ type, item_id: "a" });
    expect(bench.commands.slice(-3)).toEqual(["hold", "resume", "stop a"]);
  });

  it("keeps a typed question below the spoken one that came before it", () => {
    const added = (id: string, previous: string | null, content: unknown[]) =>
      bench.receive({
        type: "conversation.item.added",
        item: { id, type: "message", role: "user", content },
        previous_item_id: previous,
      });
    added("u1", null, [{ type: "input_audio", transcript: null }]);
    bench.conversation.say("And two?");
    const typed = bench.conversation.transcript.entries[0]!.id;
    added(typed, "u1", [{ type: "input_text", text: "And two?" }]);
    bench.receive({
      type: "conversation.item.input_audio_transcription.completed",
      item_id: "u1",
      transcript: "One?",
    });
    expect(bench.conversation.transcript.entries.map((entry) => entry.text)).toEqual(["One?", "And two?"]);
  });

  it("leaves nothing of a reply that was cancelled before its first sound, and all of one that was whole", () => {
    for (const [item, status] of [["a", "completed"], ["b", "cancelled"]] as const) {
      const of = { response_id: `r-${item}`, item_id: item };
      bench.receive({ type: "response.created", response: { id: `r-${item}` } });
      const added = { id: item, type: "message", role: "assistant", content: [] };
      bench.receive({ type: "response.output_item.added", response_id: `r-${item}`, item: added });
      bench.receive({ type: "visavis.citation", ...of, title: "Hours", source: "hours.md", passage: "At ten." });
      if (item === "a") bench.receive({ type: "response.output_audio_transcript.delta", ...of, delta: "At ten." });
      bench.receive({ type: "response.done", response: { id: `r-${item}`, status } });
    }
    expect(bench.conversation.transcript.entries.map((entry) => entry.id)).toEqual(["a"]);
  });

  it("lets a reply end that broke off", () => {
    bench.reply();
    bench.receive({ type: "response.done", response: { id: "r-a", status: "failed" } });
    expect(bench.commands.at(-1)).toBe("end a");
    expect(bench.conversation.busy).toBe(true);
    bench.conversation.playbackEnded("a", 24_000);
    expect(bench.conversation.busy).toBe(false);
  });

  it("takes back the answer when what was heard is edited", () => {
    bench.receive({
      type: "conversation.item.input_audio_transcription.completed",
      item_id: "u1",
      transcript: "Watt time?",
    });
    bench.reply();
    bench.receive({ type: "response.done", response: { id: "r-a" } });
    bench.conversation.playbackEnded("a", 24_000);
    bench.take();
    bench.conversation.sayInstead("u1", "What time?");
    const sent = bench.take();
    expect(sent.map((event) => [event.type, event["item_id"]])).toEqual([
      ["conversation.item.delete", "a"],
      ["conversation.item.delete", "u1"],
      ["conversation.item.create", undefined],
      ["response.create", undefined],
    ]);
    expect(bench.conversation.transcript.entries.map((entry) => entry.text)).toEqual(["What time?"]);
  });

  it("goes on with the same session, and says what was really heard", () => {
    bench.conversation.say("One?");
    const question = bench.conversation.transcript.entries[0]!.id;
    bench.reply();
    bench.take();
    bench.socket.onclose!({ code: 1006, reason: "" });
    bench.conversation.playbackEnded("a", 12_000);
    bench.conversation.wire.retryNow();
    expect(new URL(bench.urls.at(-1)!).searchParams.get("resume")).toBe("t1");
    bench.welcome("player", "s1", "t2");
    bench.resumed(
      [
        { id: question, type: "message", role: "user", content: [{ type: "input_text", text: "One?" }] },
        { id: "a", type: "message", role: "assistant", status: "incomplete", content: [] },
        { id: "u2", type: "message", role: "user", content: [{ type: "input_audio", transcript: "And two?" }] },
      ],
      [{ item_id: "a", content_index: 0, heard_samples: 8000 }],
    );
    expect(bench.take()).toMatchObject([
      { type: "session.update" },
      { type: "conversation.item.truncate", item_id: "a", audio_end_ms: 500 },
    ]);
    const { entries } = bench.conversation.transcript;
    expect(entries.map((entry) => entry.text)).toEqual(["One?", "Hello there,", "And two?"]);
    bench.lose();
    expect(new URL(bench.urls.at(-1)!).searchParams.get("resume")).toBe("t2");
  });

  it("believes the server on what was heard where nothing sounded here", () => {
    bench.reply();
    bench.lose();
    bench.welcome();
    bench.resumed([], [{ item_id: "a", content_index: 0, heard_samples: 12_000 }]);
    expect(bench.conversation.transcript.find("a")).toMatchObject({ text: "Hello there,", cut: true });
  });

  it("asks again what was lost on its way, and only that", () => {
    bench.conversation.say("One?");
    const [arrived] = bench.conversation.transcript.entries;
    const item = { id: arrived!.id, type: "message", role: "user", content: [{ type: "input_text", text: "One?" }] };
    bench.receive({ type: "conversation.item.added", item });
    bench.conversation.say("Two?");
    bench.take();
    bench.lose();
    bench.welcome();
    bench.resumed([item]);
    expect(bench.types()).toEqual([
      "session.update",
      "response.cancel",
      "conversation.item.create",
      "response.create",
    ]);
    expect(bench.sent[2]).toMatchObject({ item: { content: [{ text: "Two?" }] } });
    expect(bench.conversation.transcript.entries.map((entry) => entry.text)).toEqual(["One?", "Two?"]);
  });

  it("begins anew at once where the conversation is over", () => {
    bench.conversation.say("One?");
    bench.lose();
    bench.socket.onopen!();
    bench.take();
    bench.socket.onclose!({ code: 4401, reason: "" });
    expect(bench.urls.at(-1)).toBe("ws://here");
    bench.welcome("player", "s2");
    expect(bench.types()).toEqual(["session.update", "conversation.item.create"]);
    bench.lose(4401); // such as a door that is closed now: there is no way back to try, so it waits
    expect(bench.conversation.wire.connection).toBe("lost");
  });

  it("does not go back to a conversation that was ended here", () => {
    bench.conversation.startAnew();
    expect(bench.urls.at(-1)).toBe("ws://here");
    bench.welcome("player", "s2");
    expect(bench.types().filter((type) => type === "conversation.item.create")).toEqual([]);
  });

  it("keeps what was said when the connection is lost, and tells it to the new session", () => {
    vi.useFakeTimers();
    bench.conversation.say("One?");
    bench.reply();
    bench.conversation.playbackEnded("a", 24_000);
    bench.take();
    bench.socket.onclose!({ code: 1006, reason: "" });
    expect(bench.conversation.transcript.entries).toHaveLength(2);
    expect(bench.conversation.say("Lost?")).toBe(false);
    vi.advanceTimersByTime(1000);
    bench.welcome("player", "s2");
    vi.useRealTimers();
    const [update, ...told] = bench.take();
    expect(update!.type).toBe("session.update");
    expect(told.map((event) => (event["item"] as { role: string }).role)).toEqual(["user", "assistant"]);
    expect(bench.types()).not.toContain("visavis.greet");
    for (const event of told) bench.receive({ type: "conversation.item.added", item: event["item"] });
    expect(bench.conversation.transcript.entries).toHaveLength(2);
  });

  it("survives torn sound and frames", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    bench.receive({ type: "response.output_audio.delta", response_id: "r", item_id: "a", delta: "%%%" });
    bench.receive({ type: "visavis.stage_face.delta", start_sample: 0, count: 2, data: "AAAA", stage_now: 0 });
    expect(warn).toHaveBeenCalledTimes(2);
    warn.mockRestore();
  });

  it("says what went wrong, but not that there was nothing to cancel", () => {
    bench.receive({ type: "error", error: { code: "response_cancel_not_active", message: "no" } });
    bench.receive({ type: "error", error: { code: "x", message: "The engine is gone." } });
    expect(bench.notices).toEqual(["The engine is gone."]);
  });
});

describe("a viewer", () => {
  it("is told again what goes on when it comes back, and has it once", () => {
    const bench = new Bench();
    bench.conversation.speaker = null;
    for (let time = 0; time < 2; time++) {
      bench.lose();
      bench.welcome("viewer", "s1", "");
      bench.reply();
    }
    expect(bench.conversation.transcript.entries.map((entry) => entry.text)).toEqual(["Hello there, you."]);
  });

  it("follows the player's anchors on the stage clock and says nothing", () => {
    const bench = new Bench();
    bench.conversation.speaker = null;
    bench.socket.onclose!({ code: 1006, reason: "" });
    bench.conversation.wire.retryNow();
    bench.take();
    const now = performance.now();
    vi.spyOn(performance, "now").mockReturnValue(now);
    bench.welcome("viewer");
    bench.receive({ type: "visavis.anchor", item_id: "a", stage_sample: 2400, item_sample: 0, playing: true });
    vi.restoreAllMocks();
    expect(bench.conversation.followedAt(now + 50)).toBeNull();
    expect(bench.conversation.followedAt(now + 600)).toMatchObject({ item: "a", playing: true });
    expect(bench.conversation.followedAt(now + 600)!.sample).toBeCloseTo(12_000, 3);
    bench.conversation.hear(new Float32Array(720));
    bench.conversation.visitorCame();
    expect(bench.conversation.interrupt()).toBe(false);
    expect(bench.types()).toEqual(["session.update"]);
  });

  it("draws the reply at the player's position", () => {
    const face = new Face();
    face.pushReply("a", 0, 60, new Uint8Array(60 * RECORD_BYTES).fill(255));
    expect(face.update(null, { time: 0, item: "a", sample: 8000, playing: true }, 16)!.drawn).toBe(8000);
  });
});
