import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Wire, type Connection, type Socket } from "../src/wire";

class FakeSocket implements Socket {
  bufferedAmount = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: string[] = [];
  closed = false;
  code: number | undefined;

  send(text: string): void {
    this.sent.push(text);
  }

  close(code?: number): void {
    this.closed = true;
    this.code = code;
  }
}

function bench() {
  const sockets: FakeSocket[] = [];
  const states: Connection[] = [];
  const events: string[] = [];
  const wire = new Wire(
    () => "ws://here",
    { event: (event) => events.push(event.type), connection: (state) => states.push(state) },
    () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
  );
  return { wire, sockets, states, events, last: () => sockets.at(-1)! };
}

describe("the wire", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("delivers events and survives what is none", () => {
    const { wire, last, events } = bench();
    wire.connect();
    last().onopen!();
    for (const data of ["{}", "[", "null", '{"type":"visavis.state","state":"idle"}']) last().onmessage!({ data });
    expect(events).toEqual(["visavis.state"]);
  });

  it("refuses what is sent while it is away", () => {
    const { wire, last } = bench();
    expect(wire.send({ type: "response.create" })).toBe(false);
    wire.connect();
    expect(wire.send({ type: "response.create" })).toBe(false);
    last().onopen!();
    expect(wire.send({ type: "response.create" })).toBe(true);
    expect(last().sent).toEqual(['{"type":"response.create"}']);
  });

  it("drops the oldest sound, never control, when the socket does not keep up, and says how much", () => {
    const { wire, last } = bench();
    wire.connect();
    last().onopen!();
    wire.sendSound("before", 720);
    last().bufferedAmount = 10_000_000;
    for (let i = 0; i < 100; i++) wire.sendSound(`late ${i}`, 720);
    expect(wire.send({ type: "response.cancel" })).toBe(true);
    expect(last().sent).toHaveLength(2);
    last().bufferedAmount = 0;
    wire.sendSound("now", 720);
    const sent = last().sent.map((text) => JSON.parse(text) as { type: string; audio?: string; samples?: number });
    expect(sent[2]).toEqual({ type: "visavis.input_gap", samples: 720 * wire.dropped });
    const heard = sent.flatMap((event) => event.audio ?? []);
    expect(heard.at(-1)).toBe("now");
    expect(heard.slice(1, -1)).toEqual(Array.from({ length: heard.length - 2 }, (_, i) => `late ${i + wire.dropped}`));
    expect(wire.dropped + heard.length).toBe(102); // the server's clock misses none
    expect(sent.filter((event) => event.type === "visavis.input_gap")).toHaveLength(1);
  });

  it("does not send a new connection the sound that the old one could not take", () => {
    const { wire, last } = bench();
    wire.connect();
    last().onopen!();
    last().bufferedAmount = 10_000_000;
    for (let i = 0; i < 100; i++) wire.sendSound("old", 720);
    last().onclose!({ code: 1006, reason: "" });
    wire.retryNow();
    last().onopen!();
    wire.sendSound("new", 720);
    expect(last().sent).toEqual(['{"type":"input_audio_buffer.append","audio":"new"}']);
  });

  it("comes back, waiting longer each time, and forgets the waits once it is open", () => {
    const { wire, sockets, states, last } = bench();
    wire.connect();
    last().onopen!();
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      const count = sockets.length;
      last().onclose!({ code: 1006, reason: "" });
      let waited = 0;
      while (sockets.length === count) {
        vi.advanceTimersByTime(50);
        waited += 50;
      }
      waits.push(waited);
    }
    expect(waits[0]).toBeLessThanOrEqual(700);
    expect(waits[3]).toBeGreaterThan(waits[0]!);
    expect(Math.max(...waits)).toBeLessThanOrEqual(12_550);
    last().onopen!();
    expect(states).toEqual(["connecting", "open", "lost", "open"]);
    last().onclose!({ code: 1006, reason: "" });
    vi.advanceTimersByTime(700);
    expect(sockets.length).toBe(9);
  });

  it("stays closed when it was closed here", () => {
    const { wire, sockets, states, last } = bench();
    wire.connect();
    last().onopen!();
    wire.close();
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
    expect(sockets[0]!.closed).toBe(true);
    expect(sockets[0]!.code).toBe(1000); // a goodbye: nobody need wait for it to come back
    expect(states.at(-1)).toBe("closed");
  });

  it("tries at once when asked to", () => {
    const { wire, sockets, last } = bench();
    wire.connect();
    last().onclose!({ code: 1006, reason: "" });
    wire.retryNow();
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(5000);
    expect(sockets).toHaveLength(2);
  });
});
