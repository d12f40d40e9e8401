import { App } from "./app";

const query = new URLSearchParams(location.search);

void new App({
  viewer: query.get("viewer") ?? "",
  transparent: query.get("transparent") === "1",
  light: query.has("light"),
  rawMicrophone: query.has("rawmic"),
  debug: query.has("debug"),
}).start();
