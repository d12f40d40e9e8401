import { Backlog } from "./backlog";
import type { ClientEvent, ServerEvent } from "./events";

export type Connection = "connecting" | "open" | "lost" | "closed";

/** The part of a WebSocket that is used: tests give their own. */
export interface Socket {
  readonly bufferedAmount: number;
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface WireHandlers {
  event(event: ServerEvent, arrival: number): void;
  /** `code`: the one that the connection was closed with, 0 when it was not closed. */
  connection(state: Connection, code: number): void;
}

/** What the socket has taken cannot be had back, so sound waits here while the socket holds more: half a second. */
const MOST_BUFFERED_SOUND = 32 * 1024;
/** Said to the server so that it does not wait for this page to come back. */
const GOODBYE = 1000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

/** A socket of events that comes back by itself. What is sent while it is away is refused, never queued. */
export class Wire {
  private socket: Socket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;
  private wanted = false;
  private state: Connection = "closed";
  private readonly backlog = new Backlog();

  constructor(
    private readonly address: () => string,
    private readonly handlers: WireHandlers,
    private readonly open: (url: string) => Socket = openWebSocket,
  ) {}

  get connection(): Connection {
    return this.state;
  }

  /** Packets of sound dropped because the socket did not keep up. */
  get dropped(): number {
    return this.backlog.dropped;
  }

  connect(): void {
    this.wanted = true;
    clearTimeout(this.timer);
    this.detach();
    this.setState(this.attempts ? "lost" : "connecting", 0);
    const socket = this.open(this.address());
    this.socket = socket;
    socket.onopen = () => {
      this.attempts = 0;
      this.setState("open", 0);
    };
    socket.onmessage = (message) => this.receive(message.data);
    socket.onclose = (event) => {
      this.detach();
      this.retry(event.code);
    };
  }

  close(): void {
    this.wanted = false;
    clearTimeout(this.timer);
    this.detach(GOODBYE);
    this.attempts = 0;
    this.setState("closed", 0);
  }

  /** Connect now instead of at the end of the wait: the network came back, or the visitor asks. */
  retryNow(): void {
    if (this.wanted && this.state === "lost") this.connect();
  }

  /** Returns whether the event was taken. */
  send(event: ClientEvent): boolean {
    if (!this.socket || this.state !== "open") return false;
    this.socket.send(JSON.stringify(event));
    return true;
  }

  /** Send a packet of the microphone, `samples` long. Where the socket does not keep up, the oldest sound is dropped and
   *  the server told how much it was; nothing else ever waits or is dropped. */
  sendSound(audio: string, samples: number): void {
    const { socket } = this;
    if (!socket || this.state !== "open") return;
    this.backlog.push({ audio, samples });
    while (socket.bufferedAmount <= MOST_BUFFERED_SOUND) {
      const event = this.backlog.shift();
      if (!event) return;
      this.send(event);
    }
  }

  private receive(data: unknown): void {
    const arrival = performance.now();
    let event: ServerEvent;
    try {
      event = JSON.parse(String(data)) as ServerEvent;
    } catch {
      return; // not ours to mend, and not worth the conversation
    }
    if (typeof event?.type === "string") this.handlers.event(event, arrival);
  }

  private retry(code: number): void {
    if (!this.wanted) return;
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.attempts) * (0.75 + Math.random() / 2);
    this.attempts++;
    this.timer = setTimeout(() => this.connect(), delay);
    this.setState("lost", code);
  }

  private detach(code?: number): void {
    const socket = this.socket;
    this.socket = null;
    this.backlog.clear(); // whoever answers next never heard what came before it
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  private setState(state: Connection, code: number): void {
    if (state === this.state) return;
    this.state = state;
    this.handlers.connection(state, code);
  }
}

function openWebSocket(url: string): Socket {
  return new WebSocket(url, ["realtime"]) as unknown as Socket;
}
