/** What `/api/info` says about this server. */
export interface Info {
  title: string;
  heads: { name: string; label: string; url: string; light_url: string }[];
  voices: { id: string; name: string; language: string; gender: string }[];
  default_voice: string;
  languages: string[];
  hints: string[];
}

/** What went wrong in asking, in a sentence for the visitor. */
export class InfoError extends Error {}

/** Throws InfoError. What a server leaves out is empty. */
export async function fetchInfo(): Promise<Info> {
  let response: Response;
  try {
    response = await fetch("/api/info", { credentials: "same-origin" });
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
    voices: info.voices ?? [],
    default_voice: info.default_voice ?? "",
    languages: info.languages ?? [],
    hints: info.hints ?? [],
  };
}
