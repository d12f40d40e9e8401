/** The wire's events that this app knows, with the fields it reads. Others are let pass. */

export interface WireItem {
  id: string;
  type: string;
  role?: "user" | "assistant" | "system";
  status?: string;
  content?: { type: string; text?: string; transcript?: string | null }[];
}

export interface WireWord {
  start_char: number;
  end_char: number;
  start_sample: number;
  end_sample: number;
}

export type VisavisState = "idle" | "listening" | "thinking" | "speaking";
export type Role = "player" | "viewer";

/** The ledger of the item that plays; words, phones and mouth are those that came since the last event. */
export interface DebugItem {
  item_id: string;
  produced: number;
  sent: number;
  heard: number;
  complete: boolean;
  playing: boolean;
  held: boolean;
  reported: boolean;
  stalls: { item_sample: number; seconds: number }[];
  first_word: number;
  words: { text: string; start_sample: number; end_sample: number }[];
  first_phone: number;
  phones: { symbol: string; start_sample: number; end_sample: number }[];
  first_frame: number;
  mouth: number[];
}

/** How long the last voice over a reply took to be noticed, and then to be judged. */
export interface Interruption {
  hold_ms?: number;
  decide_ms?: number;
}

interface OfItem {
  item_id: string;
}
interface Frames {
  start_sample: number;
  count: number;
  data: string;
}

export type ServerEvent =
  | { type: "session.created" | "session.updated"; session: Record<string, unknown> }
  | { type: "error"; error: { type: string; code?: string; message: string } }
  | { type: "conversation.item.added" | "conversation.item.done"; item: WireItem; previous_item_id?: string | null }
  | ({ type: "conversation.item.deleted" } & OfItem)
  | ({ type: "conversation.item.input_audio_transcription.completed"; transcript: string } & OfItem)
  | ({ type: "conversation.item.input_audio_transcription.failed" } & OfItem)
  | ({ type: "input_audio_buffer.speech_started" | "input_audio_buffer.speech_stopped" } & OfItem)
  | { type: "response.created" | "response.done"; response: { id: string; status?: string } }
  | { type: "response.output_item.added" | "response.output_item.done"; response_id: string; item: WireItem }
  | ({ type: "response.output_text.delta" | "response.output_audio_transcript.delta"; delta: string } & OfItem)
  | ({ type: "response.output_audio.delta"; response_id: string; delta: string } & OfItem)
  | ({ type: "response.output_audio.done" } & OfItem)
  | ({ type: "response.output_face.delta" } & OfItem & Frames)
  | ({ type: "response.output_face.done"; end_sample: number } & OfItem)
  | {
      type: "visavis.session";
      session_id: string;
      role: Role;
      stage_now: number;
      voice: string;
      language: string;
      capabilities: { hears?: string[] };
      resume_token?: string;
    }
  | { type: "visavis.resume_token"; resume_token: string }
  | { type: "visavis.resumed"; items: WireItem[]; heard: ({ heard_samples: number } & OfItem)[] }
  | { type: "visavis.state"; state: VisavisState }
  | ({ type: "visavis.stage_face.delta"; stage_now: number } & Frames)
  | ({ type: "visavis.words"; words: WireWord[] } & OfItem)
  | ({ type: "visavis.anchor"; stage_sample: number; item_sample: number; playing: boolean } & OfItem)
  | ({ type: "visavis.hold" | "visavis.resume" | "visavis.stop" } & OfItem)
  | ({ type: "visavis.partial"; text: string } & OfItem)
  | ({ type: "visavis.citation"; title: string; source: string; passage: string } & OfItem)
  | { type: "visavis.timings"; ms: Record<string, number> }
  | { type: "visavis.debug"; item: DebugItem | null; interruption: Interruption | null }
  | { type: "visavis.invite"; path: string; expires_in_s: number }
  | { type: "visavis.authority"; authority: string }
  | { type: "visavis.notice"; code: string; message: string }
  | { type: "visavis.mirror"; stage_now: number; lookahead_ms: number }
  | ({ type: "visavis.mirror_face.delta"; heard_samples: number } & Frames);

export interface SessionUpdate {
  type: "realtime";
  avatar?: { format: "arkit52"; fps: 60; debug?: true; reduced_motion?: boolean };
  audio?: {
    input?: { transcription?: { language: string } };
    output?: { voice: string };
  };
}

export type ClientEvent =
  | { type: "session.update"; session: SessionUpdate }
  | { type: "input_audio_buffer.append"; audio: string }
  | { type: "visavis.input_gap"; samples: number }
  | { type: "conversation.item.create"; item: WireItem }
  | { type: "conversation.item.delete"; item_id: string }
  | { type: "conversation.item.truncate"; item_id: string; content_index: 0; audio_end_ms: number }
  | { type: "response.create" }
  | { type: "response.cancel" }
  | {
      type: "visavis.playout";
      item_id: string;
      content_index: 0;
      heard_samples: number;
      buffered_samples: number;
      output_latency_ms: number;
      playing: boolean;
    }
  | { type: "visavis.visitor"; seen: boolean; yaw: number; pitch: number }
  | { type: "visavis.greet" }
  | { type: "visavis.invite" };
