// Put into the page before its own scripts: once a frame was given, every frame of the stage is that one.
(() => {
  const { WebSocket } = window;
  let shown = null;
  const held = (text) => {
    const event = JSON.parse(text);
    if (event.type !== "visavis.stage_face.delta" || shown === null) return text;
    return JSON.stringify({ ...event, data: btoa(shown.repeat(event.count)) });
  };
  window.WebSocket = class extends WebSocket {
    set onmessage(listener) {
      super.onmessage = listener && ((message) => listener({ data: held(message.data) }));
    }
  };
  // record: one frame's 62 bytes, base64.
  window.faces = { show: (record) => void (shown = atob(record)) };
})();
