import { beforeEach, describe, expect, it } from "vitest";
import { base64FromBytes } from "../src/base64";
import { EASE_MS, Face } from "../src/face";
import { RECORD_BYTES } from "../src/face-track";
import { Mirror } from "../src/mirror";
import type { Socket } from "../src/wire";

const JAW_OPEN = 17;
const PACKET = new Float32Array(480);

/** `count` frames whose jaw is open by `jaw`. */
function frames(count: number, jaw: number): string {
  const data = new Uint8Array(count * RECORD_BYTES);
  for (let i = 0; i < count; i++) data[i * RECORD_BYTES + JAW_OPEN] = jaw * 255;
  return base64FromBytes(data);
}

describe("the mirror", () => {
  let sent: { type: string }[];
  let socket: Socket;
  let mirror: Mirror;
  const face = new Face();
  const receive = (event: object) => socket.onmessage!({ data: JSON.stringify(event) });
  const shows = (start: number, count: number, jaw: number) =>
    receive({ type: "visavis.mirror_face.delta", start_sample: start, count, data: frames(count, jaw), heard_samples: 0 });
  const jaw = () => face.pose.weights[JAW_OPEN]!;

  beforeEach(() => {
    sent = [];
    face.clear();
    const open = (): Socket => {
      const send = (text: string) => void sent.push(JSON.parse(text) as { type: string });
      socket = { bufferedAmount: 0, onopen: null, onmessage: null, onclose: null, send, close: () => undefined };
      return socket;
    };
    mirror = new Mirror("ws://here", face, { connection: () => undefined, trouble: () => undefined }, open);
    mirror.wire.connect();
    socket.onopen!();
    receive({ type: "visavis.mirror", stage_now: 0, lookahead_ms: 75 });
    sent = [];
  });

  it("draws the newest frame there is, and says which sample it belongs to", () => {
    for (let now = 1000; now <= 1100; now += 20) mirror.hear(PACKET, now);
    expect(sent.map(({ type }) => type)).toEqual(Array(6).fill("input_audio_buffer.append"));
    shows(0, 2, 0.2);
    shows(800, 2, 0.8);
    const drawn = mirror.update(1110, EASE_MS);
    expect(drawn).toMatchObject({ drawn: 1200, expected: 1200 });
    expect(jaw()).toBeCloseTo(0.8, 2);
    expect(mirror.soundClock.sampleAt(1110)).toBeCloseTo(2880 + 240);
  });

  it("comes to rest when no frames come any more", () => {
    mirror.hear(PACKET, 1000);
    shows(0, 1, 0.8);
    mirror.update(1010, EASE_MS);
    mirror.update(1900, EASE_MS);
    expect(jaw()).toBe(0);
  });

  it("begins anew after a lost connection", () => {
    mirror.hear(PACKET, 1000);
    shows(40_000, 1, 0.8);
    socket.onclose!({ code: 1006, reason: "" });
    mirror.hear(PACKET, 1020);
    mirror.wire.retryNow();
    socket.onopen!();
    receive({ type: "visavis.mirror", stage_now: 0, lookahead_ms: 75 });
    expect(mirror.newest).toBe(-1);
    mirror.hear(PACKET, 3000);
    expect(mirror.soundClock.sampleAt(3000)).toBeCloseTo(480);
  });

  it("asks for less motion as the visitor's system does", () => {
    mirror.moveLess(true);
    expect(sent).toMatchObject([{ type: "session.update", session: { avatar: { reduced_motion: true } } }]);
  });
});
