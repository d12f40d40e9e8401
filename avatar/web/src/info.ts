export interface HeadInfo {
  name: string;
  title: string;
  url: string;
  light?: { url: string };
  gender?: string;
}

export interface VoiceInfo {
  id: string;
  name: string;
  language: string;
  gender: string;
}

/** What `/api/info` says about this server. */
export interface Info {
  title: string;
  heads: HeadInfo[];
  /** The head that the owner chose, or "auto". */
  head: string;
  /** The voice that the owner chose, or "auto". */
  voice: string;
  voices: VoiceInfo[];
  default_voice: string;
  /** Without a choice it speaks this one. */
  language: string;
  languages: string[];
  /** What it understands when spoken to. */
  hears: string[];
  hints: string[];
}

/** What went wrong in asking, in a sentence for the visitor. */
export class InfoError extends Error {}

/** The server lets nobody in without a login, or a link that is good. */
export class RefusedError extends InfoError {}

/** `viewer` is a follower's token or "". Throws InfoError. What a server leaves out is empty. */
export async function fetchInfo(viewer: string): Promise<Info> {
  const query = viewer ? `?${new URLSearchParams({ viewer }).toString()}` : "";
  let response: Response;
  try {
    response = await fetch(`/api/info${query}`, { credentials: "same-origin" });
  } catch {
    throw new InfoError("The server does not answer.");
  }
  if (response.status === 401 || response.status === 403) {
    throw new RefusedError("This server wants a login: open the link that it printed when it started.");
  }
  if (!response.ok) throw new InfoError(`The server answered with an error (${response.status}).`);
  const info = (await response.json()) as Partial<Info>;
  return {
    title: info.title || "Visavis",
    heads: info.heads ?? [],
    head: info.head ?? "auto",
    voice: info.voice ?? "auto",
    voices: info.voices ?? [],
    default_voice: info.default_voice ?? "",
    language: info.language ?? "",
    languages: info.languages ?? [],
    hears: info.hears ?? [],
    hints: info.hints ?? [],
  };
}

/** The head to show: the visitor's choice, else the owner's, else the first that suits the owner's voice. */
export function chosenHead(info: Info, chosen: string): HeadInfo | undefined {
  const named = (name: string) => info.heads.find((head) => head.name === name);
  const gender = info.voices.find((voice) => voice.id === info.voice)?.gender;
  const suiting = info.heads.find((head) => head.gender && head.gender === gender);
  return named(chosen) ?? named(info.head) ?? suiting ?? info.heads[0];
}

/** The voice for `language` where the visitor chose none: the owner's, else the best that suits the head. */
export function suitableVoice(info: Info, head: HeadInfo | undefined, language: string): string {
  const able = info.voices.filter((voice) => speaks(voice.language, language));
  const own = able.find((voice) => voice.id === info.voice);
  const suiting = able.find((voice) => voice.gender === head?.gender);
  const usual = able.find((voice) => voice.id === info.default_voice);
  return (own ?? suiting ?? usual ?? able[0])?.id ?? "";
}

/** Whether tag "en-GB" is of language "en". */
export function speaks(tag: string, language: string): boolean {
  return tag.split("-")[0] === language.split("-")[0];
}

export function hears(info: Info, language: string): boolean {
  return info.hears.some((tag) => speaks(tag, language));
}

const LANGUAGE_NAMES = new Intl.DisplayNames(["en"], { type: "language" });

export function languageName(tag: string): string {
  try {
    return LANGUAGE_NAMES.of(tag) ?? tag;
  } catch {
    return tag;
  }
}
