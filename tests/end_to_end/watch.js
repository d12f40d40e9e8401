// Put into the page before its own scripts: keeps what the wire said and what the face showed, as a witness.
(() => {
  const { WebSocket } = window;
  const witness = { events: [], sound: {}, spoken: [], visitor: [], sockets: [], faces: [], recorder: null };

  const keep = (text) => {
    const event = JSON.parse(text);
    if (event.type === "response.output_audio.delta") (witness.sound[event.item_id] ??= []).push(event.delta);
    else if (!event.type.endsWith("_face.delta")) witness.events.push({ ...event, at: performance.now() });
  };
  window.WebSocket = class extends WebSocket {
    constructor(...where) {
      super(...where);
      witness.sockets.push(this);
      this.addEventListener("message", (message) => keep(message.data));
    }
    send(text) {
      const event = JSON.parse(text);
      const { type, audio } = event;
      if (type === "visavis.visitor") witness.visitor.push(event);
      if (type === "input_audio_buffer.append") witness.spoken.push({ audio, at: performance.now() });
      if (witness.spoken.length > 5000) witness.spoken.splice(0, 1000);
      super.send(text);
    }
  };

  // The face as drawn: what the page draws in one animation frame still stands there at the beginning of the next.
  let drawnAt = 0;
  const { drawElements } = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.drawElements = function (...geometry) {
    drawnAt ||= performance.now();
    return drawElements.apply(this, geometry);
  };
  let frameAt = 0;
  const look = (timestamp) => {
    requestAnimationFrame(look);
    const { visavis } = window;
    const frame = frameAt;
    frameAt = timestamp;
    if (!visavis?.ready || !drawnAt) return;
    const { item = "", sample = 0, playing = false } = visavis.audible ?? {};
    const [jaw, closed] = [visavis.weights[17], visavis.weights[18]];
    const wall = performance.timeOrigin + drawnAt;
    witness.faces.push({ now: drawnAt, frame, wall, jaw, closed, item, sample, playing });
    drawnAt = 0;
    if (witness.faces.length > 20000) witness.faces.splice(0, 5000);
  };
  requestAnimationFrame(look);

  // A browser without a screen hides no tab. So this does what hiding does to a page: no animation frames, and the news.
  const animate = window.requestAnimationFrame.bind(window);
  let asleep = null;
  window.requestAnimationFrame = (draw) => animate((time) => (asleep ? asleep.push(draw) : draw(time)));
  const becomeVisible = (visible) => {
    const value = visible ? "visible" : "hidden";
    Object.defineProperty(document, "visibilityState", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  witness.hide = () => {
    asleep = [];
    becomeVisible(false);
  };
  witness.show = () => {
    const waiting = asleep;
    asleep = null;
    for (const draw of waiting) window.requestAnimationFrame(draw);
    becomeVisible(true);
  };

  witness.record = () => {
    const parts = [];
    const recorder = new MediaRecorder(window.visavis.outputStream, { audioBitsPerSecond: 128e3 });
    recorder.ondataavailable = (event) => parts.push(event.data);
    witness.recorder = { recorder, parts };
    recorder.start(200);
  };
  witness.recorded = async () => {
    const { recorder, parts } = witness.recorder;
    await new Promise((stopped) => {
      recorder.onstop = stopped;
      recorder.stop();
    });
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  };
  witness.send = (event) => witness.sockets.at(-1).send(JSON.stringify(event));

  window.witness = witness;
})();
