import { describe, expect, it } from "vitest";
import { chosenHead, suitableVoice, type Info } from "../src/info";

const info: Info = {
  title: "Visavis",
  heads: [
    { name: "ada", title: "Ada", url: "", gender: "female" },
    { name: "bob", title: "Bob", url: "", gender: "male" },
    { name: "own", title: "Own", url: "" },
  ],
  head: "auto",
  voice: "auto",
  voices: [
    { id: "f", name: "F", language: "en-US", gender: "female" },
    { id: "m", name: "M", language: "en-GB", gender: "male" },
    { id: "zh", name: "文", language: "zh", gender: "male" },
  ],
  default_voice: "f",
  language: "en",
  languages: ["en", "zh"],
  hears: ["en"],
  hints: [],
};

describe("the head to show", () => {
  it("is the visitor's, else the owner's, else the first", () => {
    expect(chosenHead(info, "bob")?.name).toBe("bob");
    expect(chosenHead({ ...info, head: "own" }, "")?.name).toBe("own");
    expect(chosenHead({ ...info, head: "own" }, "gone")?.name).toBe("own");
    expect(chosenHead(info, "")?.name).toBe("ada");
    expect(chosenHead({ ...info, heads: [] }, "")).toBeUndefined();
  });

  it("suits the owner's voice where only that was chosen", () => {
    expect(chosenHead({ ...info, voice: "m" }, "")?.name).toBe("bob");
    expect(chosenHead({ ...info, voice: "m", head: "ada" }, "")?.name).toBe("ada");
  });
});

describe("the voice that suits", () => {
  it("is the owner's, else of the head's gender, else the server's", () => {
    expect(suitableVoice({ ...info, voice: "m" }, info.heads[0], "en")).toBe("m");
    expect(suitableVoice({ ...info, default_voice: "m" }, info.heads[0], "en")).toBe("f");
    expect(suitableVoice({ ...info, default_voice: "m" }, info.heads[2], "en")).toBe("m");
  });

  it("is of the language before it is of the gender", () => {
    expect(suitableVoice(info, info.heads[1], "en")).toBe("m");
    expect(suitableVoice(info, info.heads[0], "zh")).toBe("zh");
    expect(suitableVoice(info, info.heads[0], "fr")).toBe("");
  });
});
