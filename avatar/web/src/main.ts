import { App, type Options } from "./app";
import { LEVELS, LIGHT_LEVEL } from "./quality";

const query = new URLSearchParams(location.search);

function wantedLevel(): number | null {
  if (query.has("light")) return LIGHT_LEVEL;
  const level = Number(query.get("level") ?? NaN);
  return Number.isInteger(level) && level in LEVELS ? level : null;
}

const viewer = query.get("viewer") ?? "";

const options: Options = {
  follower: viewer !== "" || location.pathname === "/stage",
  viewer,
  transparent: query.get("transparent") === "1",
  level: wantedLevel(),
  rawMicrophone: query.has("rawmic"),
  debug: query.has("debug"),
};

async function start(): Promise<void> {
  if (location.pathname !== "/mirror") return new App(options).start();
  const { MirrorApp } = await import("./mirror-app");
  return new MirrorApp(options).start();
}

void start();
