// Runs another lip engine over recordings, each as it is meant to be used:
//   node lips_rivals.mjs headaudio|rhubarb FOLDER_OF_PACKAGES < jobs > results
// A job is a line of JSON, {"path": 32-bit floats, "rate", "text"}; so is a result. HeadAudio gives its 15 weights and its
// viseme (-1: none) for every 60th of a second, Rhubarb its cues.
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

const [which, folder] = process.argv.slice(2);
const load = (...parts) => import(pathToFileURL(path.join(folder, "node_modules", ...parts)).href);
const FPS = 60;

async function headaudio() {
  const home = ["@met4citizen", "headaudio"];
  // In a browser the node and its processor stand in two threads and send each other messages; here they are joined.
  globalThis.AudioWorkletNode = class {
    port = { postMessage: () => {} };
  };
  const { HeadAudio } = await load(...home, "modules", "headaudio.mjs");
  const { Processor } = await load(...home, "modules", "processor.mjs");
  const { Training } = await load(...home, "modules", "training.mjs");
  const file = fs.readFileSync(path.join(folder, "node_modules", ...home, "dist", "model-en-mixed.bin"));
  globalThis.fetch = async () => ({ ok: true, arrayBuffer: async () => new Uint8Array(file).buffer });
  const { model } = await new Training().loadModel("");
  return (pcm, rate) => {
    const node = new HeadAudio({});
    const processor = new Processor(
      { sampleRate: rate },
      {
        port: {
          postMessage: (data) => {
            node.port.onmessage?.({ data });
            node._onmessage({ data });
            // Version 0.1.0 takes its first viseme, "aa", whose number is 0, for none: mended here.
            if (data.event === "viseme" && data.viseme === 0) node.visemeActive = 0;
          },
        },
      },
    );
    processor._onmessage({ data: { event: "model", model } });
    const weights = [];
    const visemes = [];
    let heard = 0;
    for (let frame = 0; (frame * rate) / FPS < pcm.length; frame++) {
      for (; heard + 128 <= (frame * rate) / FPS; heard += 128) processor.process(pcm.subarray(heard, heard + 128));
      node.update(1000 / FPS);
      weights.push(node.visemeAlphas.map((alpha) => node.easing(alpha)));
      visemes.push(node.visemeActive);
    }
    return { weights, visemes, names: node.visemeNames };
  };
}

async function rhubarb() {
  const { Rhubarb } = await load("rhubarb-lip-sync-wasm", "dist", "index.js");
  return async (pcm, _rate, text) => {
    const samples = Int16Array.from(pcm, (value) => Math.max(-32767, Math.min(32767, Math.round(value * 32767))));
    const found = await Rhubarb.getLipSync(Buffer.from(samples.buffer), { dialogText: text });
    return { cues: found.mouthCues };
  };
}

const watch = await { headaudio, rhubarb }[which]();
console.log = console.error; // what the packages say
for await (const line of readline.createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const bytes = fs.readFileSync(job.path);
  const pcm = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  process.stdout.write(JSON.stringify(await watch(pcm, job.rate, job.text)) + "\n");
}
