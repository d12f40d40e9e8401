import type { ServerEvent, WireItem } from "./events";
import type { Entry } from "./transcript";

/** How many things said are told again to a server that lost them with the connection. */
const MOST_RETOLD = 20;
/** The server closes with this when a token is not good any more. */
export const NOT_VALID = 4401;

/** How a session stands to the one before: the page's first, the same, or another that knows nothing of it. */
export type Joining = "first" | "same" | "other";

/** A reply that stopped sounding because the connection was lost, and the source sample it came to. */
export interface BrokenOff {
  item: string;
  sample: number;
}

/** What is kept through a lost connection, so that the conversation goes on where it broke off. */
export class Thread {
  brokenOff: BrokenOff | null = null;
  private session = "";
  private token = "";
  /** Typed, sent, and not yet known to have arrived. */
  private underway: WireItem[] = [];

  constructor(private readonly url: string) {}

  /** Where to connect: back to the same conversation where that may still be there. */
  get address(): string {
    if (!this.token) return this.url;
    const url = new URL(this.url);
    url.searchParams.set("resume", this.token);
    return url.href;
  }

  joined(event: Extract<ServerEvent, { type: "visavis.session" }>): Joining {
    const before = this.session;
    this.session = event.session_id;
    this.token = event.resume_token ?? "";
    if (!before) return "first";
    return before === this.session ? "same" : "other";
  }

  /** The server replaces the token by which this page may come back. */
  renewed(token: string): void {
    this.token = token;
  }

  sent(item: WireItem): void {
    this.underway.push(item);
  }

  arrived(id: string): void {
    this.underway = this.underway.filter((item) => item.id !== id);
  }

  /** What was typed and is not among the `known` items: it was lost on its way. */
  takeLost(known: ReadonlySet<string>): WireItem[] {
    const lost = this.underway.filter((item) => !known.has(item.id));
    this.underway = [];
    return lost;
  }

  takeBrokenOff(): BrokenOff | null {
    const { brokenOff } = this;
    this.brokenOff = null;
    return brokenOff;
  }

  /** A connection was closed with `code`. Returns whether the way back that was tried is closed for good. */
  refused(code: number): boolean {
    if (code !== NOT_VALID || !this.token) return false;
    this.token = "";
    return true;
  }

  /** The next session is the first of a new conversation. */
  cut(): void {
    this.session = this.token = "";
    this.underway = [];
    this.brokenOff = null;
  }
}

/** What was said, as items for a session that knows nothing of it. */
export function retold(entries: readonly Entry[]): WireItem[] {
  const said = entries.filter((entry) => entry.role !== "note" && entry.text && !entry.open);
  return said.slice(-MOST_RETOLD).map(({ id, role, text }) => {
    return role === "user" ? userItem(id, text) : assistantItem(id, text);
  });
}

export function userItem(id: string, text: string): WireItem {
  return { id, type: "message", role: "user", content: [{ type: "input_text", text }] };
}

function assistantItem(id: string, text: string): WireItem {
  return { id, type: "message", role: "assistant", content: [{ type: "output_text", text }] };
}

/** The text of a message. */
export function textOf(item: WireItem): string {
  return (item.content ?? []).map((part) => part.text ?? part.transcript ?? "").join(" ").trim();
}
