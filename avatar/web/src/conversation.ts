import { bytesFromBase64, floatsFromPcm16, base64FromBytes, pcm16FromFloats } from "./base64";
import { ItemTimeline, StageClock, type Anchor } from "./clock";
import type { ClientEvent, DebugItem, Interruption, Role, ServerEvent, SessionUpdate, VisavisState, WireItem } from "./events";
import type { Face } from "./face";
import type { PlayoutReport } from "./player";
import { addItem, takeSaid } from "./said";
import { RATE } from "./shapes";
import { retold, Thread, userItem } from "./thread";
import { Transcript } from "./transcript";
import type { Direction } from "./visitor";
import { Wire, type Connection, type Socket } from "./wire";

/** The part of the player that a conversation drives. */
export interface Speaker {
  append(item: string, samples: Float32Array<ArrayBuffer>): void;
  command(command: { kind: "end" | "stop"; item: string } | { kind: "hold" | "resume" | "clear" }): void;
  heard(item: string): number;
}

export interface ConversationHandlers {
  /** `code`: what the connection was closed with, 0 when it was not closed. */
  connection(state: Connection, code: number): void;
  state(state: VisavisState): void;
  session(session: Extract<ServerEvent, { type: "visavis.session" }>): void;
  /** `code` names what the notice is about; "" where it is an error's message. */
  notice(message: string, code: string): void;
  invitation(path: string, seconds: number): void;
  timings(ms: Record<string, number>): void;
  /** Where somebody looks inside: the server is asked to be told of its ledger. */
  inspected?(item: DebugItem | null, interruption: Interruption | null): void;
}

/** One conversation over one wire: events in, transcript, sound and face out, and the visitor's wishes back. */
export class Conversation {
  readonly transcript = new Transcript();
  readonly stageClock = new StageClock();
  /** A viewer's idea of playback, on the stage clock in seconds. */
  readonly followed = new ItemTimeline();
  readonly wire: Wire;
  state: VisavisState = "idle";
  role: Role | null = null;
  speaker: Speaker | null = null;
  voice = "";
  language = "";
  /** The reply that sounds, or is about to. */
  private item = "";
  /** Replies that were heard to their end or cut off: more of their sound may still be on its way. */
  private over: string[] = [];
  private itemResponse = "";
  /** The items of the last responses. */
  private replies: { item: string; response: string }[] = [];
  /** A response was asked for, or is being made. */
  private responding: "no" | "asked" | "yes" = "no";
  /** Whether the visitor wants less motion; null where that was never said. */
  private reducedMotion: boolean | null = null;
  private greeted = false;
  private present = false;
  private made = 0;
  private readonly thread: Thread;

  constructor(
    url: string,
    private readonly face: Face,
    private readonly handlers: ConversationHandlers,
    open?: (url: string) => Socket,
  ) {
    const events = {
      event: (event: ServerEvent, arrival: number) => this.receive(event, arrival),
      connection: (state: Connection, code: number) => this.connectionChanged(state, code),
    };
    this.thread = new Thread(url);
    const address = () => this.thread.address;
    this.wire = open ? new Wire(address, events, open) : new Wire(address, events);
  }

  /** Whether a reply is being made or heard: there is something to interrupt. */
  get busy(): boolean {
    return this.responding !== "no" || this.item !== "";
  }

  /** What sounds at `now` ms for one who follows a player elsewhere. */
  followedAt(now: number): Anchor | null {
    const stage = this.stageClock.sampleAt(now);
    return stage === null ? null : this.followed.at(stage / RATE);
  }

  // ------------------------------------------------------------------ what the visitor does
  /** The visitor made a first gesture: from now on there may be sound, so the greeting may be spoken. */
  visitorCame(): void {
    this.present = true;
    this.greet();
  }

  say(text: string): boolean {
    const id = `item_${Date.now().toString(36)}_${++this.made}`;
    if (this.wire.connection !== "open") return false;
    this.greeted = true;
    this.interrupt();
    this.ask([userItem(id, text)]);
    this.transcript.setText(id, "user", text, false);
    return true;
  }

  private ask(items: WireItem[]): void {
    for (const item of items) {
      this.thread.sent(item);
      this.send({ type: "conversation.item.create", item });
    }
    this.responding = "asked";
    this.send({ type: "response.create" });
  }

  /** Say `text` instead of what was said in `id`; the answers to that are taken back. */
  sayInstead(id: string, text: string): boolean {
    if (this.wire.connection !== "open") return false;
    this.interrupt();
    for (const entry of [...this.transcript.answersTo(id), this.transcript.find(id)]) {
      if (!entry) continue;
      this.send({ type: "conversation.item.delete", item_id: entry.id });
      this.transcript.remove(entry.id);
    }
    return this.say(text);
  }

  /** Stop the reply that is being made or heard. Returns whether there was one. */
  interrupt(): boolean {
    const item = this.item;
    if (!this.busy || this.role === "viewer") return false;
    if (item) {
      this.speaker?.command({ kind: "clear" });
      if (this.responding === "no") this.truncate(item, this.speaker?.heard(item) ?? 0);
    }
    if (this.responding !== "no") this.send({ type: "response.cancel" });
    return true;
  }

  private truncate(item: string, heard: number): void {
    const heardMs = Math.floor(heard / (RATE / 1000));
    this.send({ type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: heardMs });
  }

  startAnew(): void {
    this.wire.close();
    this.transcript.clear();
    this.reset();
    this.thread.cut();
    this.greeted = false;
    this.wire.connect();
  }

  /** Speak with this voice from now on, and in this language; "" leaves it to the server. */
  speakWith(voice: string, language: string): void {
    if (voice === this.voice && language === this.language) return;
    this.voice = voice;
    this.language = language;
    if (this.wire.connection === "open") this.configure();
  }

  /** The visitor asked the browser for less motion, or does not any more. */
  moveLess(reduced: boolean): void {
    if (reduced === (this.reducedMotion ?? false)) return;
    this.reducedMotion = reduced;
    if (this.wire.connection === "open") this.configure();
  }

  /** A camera sees the visitor there, or does not see them any more. */
  seen(direction: Direction | null): void {
    if (this.role !== "player") return;
    const rounded = (angle: number) => Math.round(angle * 1000) / 1000;
    const { yaw, pitch } = direction ?? { yaw: 0, pitch: 0 };
    this.send({ type: "visavis.visitor", seen: direction !== null, yaw: rounded(yaw), pitch: rounded(pitch) });
  }

  invite(): void {
    this.send({ type: "visavis.invite" });
  }

  // ------------------------------------------------------------------ what the devices do
  hear(samples: Float32Array): void {
    if (this.role !== "player") return;
    this.wire.sendSound(base64FromBytes(pcm16FromFloats(samples)), samples.length);
  }

  reportPlayout(report: PlayoutReport): void {
    this.send({
      type: "visavis.playout",
      item_id: report.item,
      content_index: 0,
      heard_samples: report.heard,
      buffered_samples: report.buffered,
      output_latency_ms: Math.round(report.latencyMs * 10) / 10,
      playing: report.playing,
    });
  }

  /** The player is done with an item: all of it was heard, or it was cut off at `sample`. */
  playbackEnded(item: string, sample: number): void {
    this.face.cut(item, sample);
    this.transcript.cut(item, sample);
    if (this.wire.connection === "lost") this.thread.brokenOff = { item, sample };
    this.over = [...this.over.slice(-15), item];
    if (this.item === item) this.item = "";
  }

  // ------------------------------------------------------------------ what the server says
  private receive(event: ServerEvent, arrival: number): void {
    switch (event.type) {
      case "visavis.session":
        this.stageClock.observe(event.stage_now, arrival);
        return this.join(event);
      case "visavis.resume_token":
        return this.thread.renewed(event.resume_token);
      case "visavis.resumed":
        return this.resume(event);
      case "visavis.state":
        this.state = event.state;
        return this.handlers.state(event.state);
      case "visavis.stage_face.delta":
        this.stageClock.observe(event.stage_now, arrival);
        return this.takeFrames(() => this.face.pushStage(event.start_sample, event.count, bytesFromBase64(event.data)));
      case "error":
        if (this.responding === "asked") this.responding = "no";
        if (event.error.code === "response_cancel_not_active") return; // it ended by itself just then
        return this.handlers.notice(event.error.message, "");
      case "visavis.notice":
        return this.handlers.notice(event.message, event.code);
      case "visavis.invite":
        return this.handlers.invitation(event.path, event.expires_in_s);
      case "visavis.timings":
        return this.handlers.timings(event.ms);
      case "visavis.debug":
        return this.handlers.inspected?.(event.item, event.interruption);
      case "response.created":
        this.responding = "yes";
        return;
      case "response.output_item.added":
        this.replies = [...this.replies.slice(-15), { item: event.item.id, response: event.response_id }];
        return;
      case "response.done":
        this.responding = "no";
        if (event.response.status !== "completed") this.forgetUnheard(event.response.id);
        this.handlers.state(this.state); // the sound may have ended before: now there is nothing left to interrupt
        // However it ended: what has come of its sound is all that will.
        if (this.item && event.response.id === this.itemResponse) {
          this.speaker?.command({ kind: "end", item: this.item });
        }
        return;
      case "conversation.item.added":
        this.thread.arrived(event.item.id);
        break;
      default:
        this.receiveOfReply(event);
    }
    takeSaid(this.transcript, event);
  }

  /** A response broke off: what it had not begun to say was never said. */
  private forgetUnheard(response: string): void {
    for (const { item } of this.replies.filter((reply) => reply.response === response)) {
      if (item !== this.item && !this.over.includes(item)) this.transcript.forget(item);
    }
  }

  private receiveOfReply(event: ServerEvent): void {
    switch (event.type) {
      case "response.output_audio.delta":
        if (!this.speaker || this.over.includes(event.item_id)) return;
        this.item = event.item_id;
        this.itemResponse = event.response_id;
        return this.takeFrames(() =>
          this.speaker?.append(event.item_id, floatsFromPcm16(bytesFromBase64(event.delta))),
        );
      case "response.output_audio.done":
        return this.speaker?.command({ kind: "end", item: event.item_id });
      case "response.output_face.delta":
        return this.takeFrames(() =>
          this.face.pushReply(event.item_id, event.start_sample, event.count, bytesFromBase64(event.data)),
        );
      case "visavis.hold":
        return this.speaker?.command({ kind: "hold" });
      case "visavis.resume":
        return this.speaker?.command({ kind: "resume" });
      case "visavis.stop":
        return this.stopped(event.item_id);
      case "visavis.anchor":
        return this.follow(event);
      default:
        return; // not for us
    }
  }

  private stopped(item: string): void {
    if (this.speaker) this.speaker.command({ kind: "stop", item });
    else if (this.role === "viewer") this.playbackEnded(item, this.followed.reached(item, Infinity));
    if (this.speaker && this.item !== item) this.transcript.cut(item, this.speaker.heard(item));
  }

  private follow(event: Extract<ServerEvent, { type: "visavis.anchor" }>): void {
    if (this.role !== "viewer") return; // a player's own clock is the better one
    const { item_id: item, item_sample: sample, playing } = event;
    this.followed.add({ time: event.stage_sample / RATE, item, sample, playing });
    if (playing) this.item = item;
  }

  /** Torn data costs a frame or a piece of sound, not the conversation. */
  private takeFrames(take: () => void): void {
    try {
      take();
    } catch (error) {
      console.warn("visavis: a piece of sound or face could not be read:", error);
    }
  }

  // ------------------------------------------------------------------ sessions
  private configure(): void {
    const session: SessionUpdate = { type: "realtime", avatar: { format: "arkit52", fps: 60 } };
    if (this.handlers.inspected) session.avatar!.debug = true;
    if (this.reducedMotion !== null) session.avatar!.reduced_motion = this.reducedMotion;
    if (this.role !== "viewer" && (this.voice || this.language)) {
      session.audio = {};
      if (this.language) session.audio.input = { transcription: { language: this.language } };
      if (this.voice) session.audio.output = { voice: this.voice };
    }
    this.send({ type: "session.update", session });
  }

  private join(event: Extract<ServerEvent, { type: "visavis.session" }>): void {
    const first = this.role === null;
    this.role = event.role;
    this.handlers.session(event);
    const joining = this.thread.joined(event);
    if (event.role === "viewer" || !first) return;
    if (joining === "other") {
      this.transcript.placeAll([]);
      this.retell();
    }
    this.greet();
  }

  /** The server kept the conversation: it is told what was really heard of the reply that broke off, and what was lost
   *  on its way to it; and it tells what it understood in between. */
  private resume(event: Extract<ServerEvent, { type: "visavis.resumed" }>): void {
    const known = new Set(event.items.map((item) => item.id));
    const broken = this.thread.takeBrokenOff();
    if (broken && known.has(broken.item)) this.truncate(broken.item, broken.sample);
    for (const { item_id: item, heard_samples: heard } of event.heard) {
      if (item !== broken?.item) this.transcript.cut(item, heard);
    }
    this.transcript.placeAll(event.items.map((item) => item.id));
    for (const item of event.items) addItem(this.transcript, item);
    const lost = this.thread.takeLost(known);
    if (!lost.length) return;
    this.send({ type: "response.cancel" }); // it may be answering what came before
    this.ask(lost);
  }

  private greet(): void {
    if (!this.present || this.greeted || this.role !== "player" || this.wire.connection !== "open") return;
    this.greeted = true;
    // So that words typed at once interrupt a greeting that has not answered yet.
    this.responding = "asked";
    this.send({ type: "visavis.greet" });
  }

  /** A new session knows nothing: tell it what was said before the connection was lost. */
  private retell(): void {
    for (const item of retold(this.transcript.entries)) this.send({ type: "conversation.item.create", item });
  }

  private connectionChanged(state: Connection, code: number): void {
    if (state === "lost") this.reset();
    if (state === "lost" && this.thread.refused(code)) return this.wire.retryNow();
    // At once, so that nothing the visitor does comes before it.
    if (state === "open") this.configure();
    this.handlers.connection(state, code);
  }

  private reset(): void {
    for (const entry of this.transcript.entries) if (entry.open) this.transcript.close(entry.id);
    if (this.role === "viewer") this.transcript.clear(); // it is told again what goes on
    this.role = null;
    this.item = "";
    this.responding = "no";
    this.state = "idle";
    this.speaker?.command({ kind: "clear" });
    this.followed.clear();
    this.stageClock.reset();
    this.face.clear();
  }

  private send(event: ClientEvent): boolean {
    return this.wire.send(event);
  }
}
