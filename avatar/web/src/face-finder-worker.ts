import { FaceFinder, type FoundFace } from "./face-finder";

/** First the network's file, then pictures; each picture is answered by the face in it, or null. */
export type ToFinder = { model: ArrayBuffer } | { picture: Uint8ClampedArray };
export type FromFinder = { face: FoundFace | null };

let finder: FaceFinder | null = null;

self.onmessage = (message: MessageEvent<ToFinder>) => {
  const { data } = message;
  if ("model" in data) finder = new FaceFinder(data.model);
  else self.postMessage({ face: finder?.find(data.picture) ?? null } satisfies FromFinder);
};
