import { describe, expect, it } from "vitest";
import { chunkAt, chunksOf, litChars } from "../src/caption-text";
import { Settings } from "../src/settings";
import { heardChars, Transcript } from "../src/transcript";

const word = (start_char: number, end_char: number, start_sample: number, end_sample: number) => ({
  start_char,
  end_char,
  start_sample,
  end_sample,
});
const HELLO = [word(0, 5, 0, 1000), word(6, 11, 1000, 2000), word(12, 16, 2000, 3000)];

describe("the transcript", () => {
  it("grows a partial into a final text and drops what came to nothing", () => {
    const transcript = new Transcript();
    transcript.setText("u1", "user", "what are", true);
    transcript.setText("u1", "user", "What are your hours?", false);
    transcript.setText("u2", "user", "h", true);
    transcript.setText("u2", "user", "", false);
    transcript.setText("u3", "user", "", false);
    expect(transcript.entries).toMatchObject([{ id: "u1", text: "What are your hours?", open: false }]);
  });

  it("keeps of a cut reply what was heard: a word by its midpoint", () => {
    expect(heardChars(HELLO, 499)).toBe(0);
    expect(heardChars(HELLO, 1500)).toBe(11);
    const transcript = new Transcript();
    transcript.append("a", "Hello there, you.");
    transcript.addWords("a", HELLO);
    transcript.cut("a", 1600);
    transcript.append("a", " More.");
    expect(transcript.find("a")).toMatchObject({ text: "Hello there", cut: true, open: false });
  });

  it("does not call a reply cut that was heard to its end", () => {
    const transcript = new Transcript();
    transcript.append("a", "Hello there, you.");
    transcript.addWords("a", HELLO);
    transcript.cut("a", 2900);
    expect(transcript.find("a")).toMatchObject({ text: "Hello there, you.", cut: false, open: false });
  });

  it("forgets a reply of which nothing was heard, and what still comes of it", () => {
    const transcript = new Transcript();
    transcript.append("a", "Hello there, you.");
    transcript.cut("a", 0);
    transcript.append("a", " More.");
    transcript.addWords("a", HELLO);
    transcript.addSource("a", { title: "Hours", source: "hours.md", passage: "At ten." });
    expect(transcript.entries).toEqual([]);
  });

  it("stands in the server's order, whatever was known first", () => {
    const transcript = new Transcript();
    const ids = () => transcript.entries.map((entry) => entry.id);
    transcript.append("greeting", "Hello.");
    transcript.place("greeting", null);
    transcript.place("spoken", "greeting"); // its words are not known yet
    transcript.setText("typed", "user", "And two?", false);
    transcript.place("typed", "spoken");
    transcript.setText("spoken", "user", "One?", false);
    expect(ids()).toEqual(["greeting", "spoken", "typed"]);
    transcript.note("The connection was lost and is back.");
    transcript.setText("later", "user", "still spo", true);
    transcript.setText("typed2", "user", "Three?", false);
    transcript.place("typed2", "typed");
    transcript.place("later", "typed2"); // it ended after that one was sent
    expect(ids()).toEqual(["greeting", "spoken", "typed", "note-1", "typed2", "later"]);
    transcript.placeAll(["greeting", "typed", "spoken"]);
    expect(ids().slice(0, 3)).toEqual(["greeting", "typed", "spoken"]);
  });

  it("knows the answers that an edit makes void", () => {
    const transcript = new Transcript();
    transcript.append("greeting", "Hello.");
    transcript.setText("u1", "user", "One?", false);
    transcript.append("a1", "1.");
    transcript.append("a2", "Really.");
    transcript.setText("u2", "user", "Two?", false);
    transcript.append("a3", "2.");
    expect(transcript.answersTo("u1").map((entry) => entry.id)).toEqual(["a1", "a2"]);
    expect(transcript.answersTo("u2").map((entry) => entry.id)).toEqual(["a3"]);
    expect(transcript.answersTo("nobody")).toEqual([]);
  });

  it("tells its listeners what changed", () => {
    const transcript = new Transcript();
    const seen: (string | null)[] = [];
    transcript.listen((entry) => seen.push(entry?.id ?? null));
    transcript.append("a", "Hi");
    transcript.remove("a");
    transcript.remove("a");
    expect(seen).toEqual(["a", null]);
  });

  it("copies as text", () => {
    const transcript = new Transcript();
    transcript.setText("u1", "user", "Hi?", false);
    transcript.append("a", "Hello.");
    expect(transcript.toText()).toBe("You: Hi?\n\nVisavis: Hello.");
  });
});

describe("captions", () => {
  const texts = (text: string) => chunksOf(text).map(({ start, end }) => text.slice(start, end));

  it("cut at sentences, and leave numbers and prices whole", () => {
    expect(texts("Hello. A ticket costs €12.50, till 17.30! Right? Yes")).toEqual([
      "Hello. ",
      "A ticket costs €12.50, till 17.30! ",
      "Right? ",
      "Yes",
    ]);
    expect(texts("你好！我是米拉。你想知道什么？")).toEqual(["你好！", "我是米拉。", "你想知道什么？"]);
  });

  it("lose no character, and no chunk is too long for the screen", () => {
    const long = `${"Every word of this is spoken, and none of it may be lost; ".repeat(8)}… "Done."`;
    for (const text of [long, "字".repeat(300), "x".repeat(500), "", "   ", "A.B. and c.d! (So.) "]) {
      expect(texts(text).join("").trim()).toBe(text.trim());
      for (const chunk of texts(text)) expect(chunk.length).toBeLessThanOrEqual(96);
    }
  });

  it("light each word when it begins, and show the chunk being said until the next begins", () => {
    const text = "Hello there. You too.";
    const words = [word(0, 5, 0, 900), word(6, 12, 1000, 1900), word(13, 16, 3000, 3900), word(17, 21, 4000, 4900)];
    const chunks = chunksOf(text);
    const shown = (sample: number) => {
      const lit = litChars(words, sample);
      const chunk = chunkAt(chunks, text, lit)!;
      return [text.slice(chunk.start, chunk.end), text.slice(chunk.start, lit)];
    };
    expect(shown(500)).toEqual(["Hello there. ", "Hello"]);
    expect(shown(2500)).toEqual(["Hello there. ", "Hello there."]);
    expect(shown(3000)).toEqual(["You too.", "You"]);
    expect(shown(90_000)).toEqual(["You too.", "You too."]);
  });
});

describe("the settings", () => {
  function store(text: string | null) {
    return { getItem: () => text, setItem: (_: string, value: string) => void (text = value) };
  }

  it("survive what another version, or anybody, left in the browser", () => {
    for (const text of [null, "", "null", "[]", "7", '{"volume":"loud","captions":false,"dismissed":[1]}']) {
      const { values } = new Settings(store(text));
      expect(values.volume).toBe(1);
      expect(values.dismissed).toEqual([]);
    }
    expect(new Settings(store('{"captions":false}')).values.captions).toBe(false);
  });

  it("are kept, and told to who listens", () => {
    const kept = store(null);
    const settings = new Settings(kept);
    const seen: string[] = [];
    settings.listen((key) => seen.push(key));
    settings.set("volume", 0.4);
    expect(new Settings(kept).values.volume).toBe(0.4);
    expect(seen).toEqual(["volume"]);
  });

  it("hold for the page's life where the browser keeps nothing", () => {
    const settings = new Settings({
      getItem: () => null,
      setItem: () => {
        throw new Error("quota");
      },
    });
    settings.set("voice", "x");
    expect(settings.values.voice).toBe("x");
  });
});
