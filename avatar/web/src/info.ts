/** What `/api/info` says about this server. */
export interface Info {
  title: string;
  heads: { name: string; title: string; url: string; light?: { url: string } }[];
  /** The head that the owner chose, or "auto". */
  head: string;
  voices: { id: string; name: string; language: string; gender: string }[];
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
    throw new InfoError("This server wants a login: open the link that it printed when it started.");
  }
  if (!response.ok) throw new InfoError(`The server answered with an error (${response.status}).`);
  const info = (await response.json()) as Partial<Info>;
  return {
    title: info.title || "Visavis",
    heads: info.heads ?? [],
    head: info.head ?? "auto",
    voices: info.voices ?? [],
    default_voice: info.default_voice ?? "",
    language: info.language ?? "",
    languages: info.languages ?? [],
    hears: info.hears ?? [],
    hints: info.hints ?? [],
  };
}
