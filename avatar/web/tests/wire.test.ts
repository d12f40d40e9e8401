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

  it("drops sound, never control, when the socket does not keep up", () => {
    const { wire, last } = bench();
    wire.connect();
    last().onopen!();
    last().bufferedAmount = 10_000_000;
    expect(wire.send({ type: "input_audio_buffer.append", audio: "AAAA" })).toBe(false);
    expect(wire.send({ type: "response.cancel" })).toBe(true);
    expect(wire.dropped).toBe(1);
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
