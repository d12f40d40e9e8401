import modelUrl from "@mediapipe/face_detection/face_detection_short_range.tflite?url";
import { PICTURE } from "./face-finder";
import type { FromFinder, ToFinder } from "./face-finder-worker";
import { directionOf, VisitorTracker, type Direction } from "./visitor";

export type CameraState = "off" | "asking" | "on" | "refused" | "absent" | "insecure";

export interface CameraHandlers {
  state(state: CameraState): void;
  /** Where the visitor is, or null when no face is seen any more. */
  visitor(direction: Direction | null): void;
}

const EVERY_MS = 200;
const WANTED: MediaTrackConstraints = { width: { ideal: 320 }, height: { ideal: 240 }, frameRate: { ideal: 10 } };

/**
 * Finds the visitor's face in the camera's picture a few times a second. The picture stays in this page: a small copy
 * goes to a worker of it, and all that leaves is a direction.
 */
export class Camera {
  state: CameraState = "off";
  private readonly video = document.createElement("video");
  private readonly pen = picture();
  private tracker = new VisitorTracker();
  private stream: MediaStream | null = null;
  private worker: Worker | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly handlers: CameraHandlers) {
    this.video.muted = this.video.playsInline = true;
  }

  /** Ask for the camera (the browser asks the visitor) and look. */
  async start(): Promise<void> {
    if (!navigator.mediaDevices?.getUserMedia) return this.setState("insecure");
    this.setState("asking");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: WANTED });
      const track = this.stream.getVideoTracks()[0];
      if (track) track.onended = () => this.end("absent");
      this.video.srcObject = this.stream;
      await Promise.all([this.video.play(), this.prepare()]);
      this.setState("on");
      this.look();
    } catch (error) {
      this.end(error instanceof DOMException && error.name === "NotAllowedError" ? "refused" : "absent");
    }
  }

  stop(): void {
    this.end("off");
  }

  private async prepare(): Promise<void> {
    const file = await fetch(modelUrl);
    if (!file.ok) throw new Error(`the face finder's network could not be loaded (${file.status})`);
    const model = await file.arrayBuffer();
    this.worker = new Worker(new URL("./face-finder-worker.ts", import.meta.url), { type: "module" });
    this.worker.onmessage = (message: MessageEvent<FromFinder>) => this.found(message.data);
    this.worker.postMessage({ model } satisfies ToFinder, [model]);
  }

  private look(): void {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width || !height || document.visibilityState === "hidden") return this.found({ face: null });
    const side = Math.min(width, height);
    this.pen.drawImage(this.video, (width - side) / 2, (height - side) / 2, side, side, 0, 0, PICTURE, PICTURE);
    const { data } = this.pen.getImageData(0, 0, PICTURE, PICTURE);
    this.worker?.postMessage({ picture: data } satisfies ToFinder, [data.buffer]);
  }

  private found({ face }: FromFinder): void {
    if (this.state !== "on") return;
    const direction = face && directionOf(face, this.video.videoWidth / this.video.videoHeight);
    const told = this.tracker.observe(direction, performance.now());
    if (told) this.handlers.visitor(told === "gone" ? null : told);
    this.timer = setTimeout(() => this.look(), EVERY_MS);
  }

  private end(state: CameraState): void {
    const wasOn = this.state === "on";
    clearTimeout(this.timer);
    this.worker?.terminate();
    this.worker = null;
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.stream = this.video.srcObject = null;
    this.tracker = new VisitorTracker();
    if (wasOn) this.handlers.visitor(null);
    this.setState(state);
  }

  private setState(state: CameraState): void {
    this.state = state;
    this.handlers.state(state);
  }
}

function picture(): CanvasRenderingContext2D {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = PICTURE;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("this browser has no canvas");
  return pen;
}
