import type { ServerEvent, WireItem } from "./events";
import { textOf } from "./thread";
import type { Transcript } from "./transcript";

/** Take into the transcript what an event tells of things said. */
export function takeSaid(transcript: Transcript, event: ServerEvent): void {
  switch (event.type) {
    case "conversation.item.added":
      if (event.previous_item_id !== undefined) transcript.place(event.item.id, event.previous_item_id);
      return addItem(transcript, event.item);
    case "conversation.item.done":
      return addItem(transcript, event.item);
    case "conversation.item.deleted":
      return transcript.remove(event.item_id);
    case "visavis.partial":
      return transcript.setText(event.item_id, "user", event.text, true);
    case "conversation.item.input_audio_transcription.completed":
      return transcript.setText(event.item_id, "user", event.transcript, false);
    case "conversation.item.input_audio_transcription.failed":
      return transcript.setText(event.item_id, "user", "", false);
    case "visavis.words":
      return transcript.addWords(event.item_id, event.words);
    case "visavis.citation":
      return transcript.addSource(event.item_id, event);
    case "response.output_text.delta":
    case "response.output_audio_transcript.delta":
      return transcript.append(event.item_id, event.delta);
    default: // it is of something else
  }
}

/** What the visitor said. What the person says comes as it is said. */
export function addItem(transcript: Transcript, item: WireItem): void {
  if (item.type !== "message" || item.role !== "user") return;
  const text = textOf(item);
  if (text) transcript.setText(item.id, "user", text, false);
}
