// Put into the page before its own scripts. It marks every frame drawn with its number, plays beeps through the page's
// own output, records both, and can move the face against the sound on its way in.
(() => {
  const RATE = 24000;
  const FRAME_SAMPLES = 400;
  const FRAME_BYTES = 62;
  const CELL = 16;
  const BITS = 10;
  const rig = {
    shift: 0, // samples that the replies' faces are moved later
    contexts: [],
    taps: [],
    wire: {}, // by item: what came, before it was moved
    frames: [], // by number: when it was drawn, ms
    beeps: [], // when each was at the loudspeaker, ms
  };

  const { AudioContext, WebSocket } = window;
  window.AudioContext = class extends AudioContext {
    constructor(...options) {
      super(...options);
      rig.contexts.push(this);
    }
    createMediaStreamDestination() {
      const tap = super.createMediaStreamDestination();
      rig.taps.push(tap);
      return tap;
    }
  };

  const moved = (text) => {
    const event = JSON.parse(text);
    const item = event.item_id && (rig.wire[event.item_id] ??= { faces: [], sound: [] });
    if (event.type === "response.output_audio.delta") item.sound.push(event.delta);
    if (event.type !== "response.output_face.delta") return text;
    item.faces.push({ start: event.start_sample, data: event.data });
    if (!rig.shift) return text;
    const start = event.start_sample + rig.shift;
    const cut = Math.min(event.count, Math.max(0, Math.ceil(-start / FRAME_SAMPLES)));
    const data = btoa(atob(event.data).slice(cut * FRAME_BYTES));
    return JSON.stringify({ ...event, start_sample: start + cut * FRAME_SAMPLES, count: event.count - cut, data });
  };
  window.WebSocket = class extends WebSocket {
    set onmessage(listener) {
      super.onmessage = listener && ((message) => listener({ data: moved(message.data) }));
    }
  };

  let drew = false;
  const { drawElements } = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.drawElements = function (...geometry) {
    drew = true;
    return drawElements.apply(this, geometry);
  };

  // A row of cells at the top of the picture: white for each set bit of the frame's number, and its last cell for all.
  const mark = (gl, number) => {
    const cell = (column, on) => {
      gl.scissor(column * CELL, gl.drawingBufferHeight - CELL, CELL, CELL);
      gl.clearColor(on, on, on, 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
    };
    gl.enable(gl.SCISSOR_TEST);
    for (let bit = 0; bit < BITS; bit++) cell(bit, (number >> bit) & 1);
    cell(BITS, 1);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
  };

  const beep = (context, time) => {
    const length = Math.round(0.03 * context.sampleRate);
    const buffer = new AudioBuffer({ length, sampleRate: context.sampleRate });
    const samples = buffer.getChannelData(0);
    for (let i = 0; i < length; i++) samples[i] = 0.5 * Math.sin((2 * Math.PI * 3000 * i) / context.sampleRate);
    const source = new AudioBufferSourceNode(context, { buffer });
    for (const node of [context.destination, ...rig.taps.slice(-1)]) source.connect(node);
    source.start(time);
  };

  // When the context's `time` is at the loudspeaker, in ms of the page's clock.
  const audible = (context, time) => {
    const stamp = context.getOutputTimestamp();
    return stamp.performanceTime + (time - stamp.contextTime) * 1000;
  };

  rig.beep = async (count, everyMs) => {
    const context = rig.contexts.at(-1);
    for (let i = 0; i < count; i++) {
      const time = context.currentTime + 0.1;
      beep(context, time);
      await new Promise((done) => setTimeout(done, everyMs));
      rig.beeps.push(audible(context, time));
    }
  };

  rig.start = () => {
    const { canvas, outputStream } = window.visavis;
    const gl = canvas.getContext("webgl2");
    rig.frames.length = rig.beeps.length = 0;
    // Comes after the page's own callback, in the same animation frame.
    const draw = () => {
      if (!rig.recorder) return;
      requestAnimationFrame(draw);
      if (drew) mark(gl, rig.frames.push(performance.now()) - 1);
      drew = false;
    };
    const stream = new MediaStream([...canvas.captureStream().getTracks(), ...outputStream.getAudioTracks()]);
    rig.recorder = new MediaRecorder(stream, {
      mimeType: "video/webm;codecs=vp8,opus",
      videoBitsPerSecond: 4e6,
      audioBitsPerSecond: 128e3,
    });
    rig.parts = [];
    rig.recorder.ondataavailable = (event) => rig.parts.push(event.data);
    rig.recorder.start();
    requestAnimationFrame(draw);
  };

  rig.stop = async () => {
    const { recorder } = rig;
    await new Promise((stopped) => {
      recorder.onstop = stopped;
      recorder.stop();
    });
    rig.recorder = null;
    const bytes = new Uint8Array(await new Blob(rig.parts).arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return { webm: btoa(text), frames: rig.frames, beeps: rig.beeps, wire: rig.wire, rate: RATE };
  };

  window.rig = rig;
})();
