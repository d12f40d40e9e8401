import { App } from "./app";
import { LEVELS, LIGHT_LEVEL } from "./quality";

const query = new URLSearchParams(location.search);

function wantedLevel(): number | null {
  if (query.has("light")) return LIGHT_LEVEL;
  const level = Number(query.get("level") ?? NaN);
  return Number.isInteger(level) && level in LEVELS ? level : null;
}

const viewer = query.get("viewer") ?? "";

void new App({
  follower: viewer !== "" || location.pathname === "/stage",
  viewer,
  transparent: query.get("transparent") === "1",
  level: wantedLevel(),
  rawMicrophone: query.has("rawmic"),
  debug: query.has("debug"),
}).start();
