import { NeutralToneMapping, PCFShadowMap, PerspectiveCamera, Scene, WebGLRenderer } from "three";
import { Head } from "./head";
import { Lights } from "./lights";
import { Presentation } from "./presentation";
import { Governor, LEVELS, SOFTWARE_LEVEL, type Quality } from "./quality";
import type { Pose } from "./shapes";

export interface HeadFiles {
  url: string;
  light?: { url: string };
}

const FIELD_OF_VIEW = 24;
/** Metres at the face that must fit: from above the hair to the chest, and from shoulder to shoulder. */
const NEEDED_HEIGHT = 0.46;
const NEEDED_WIDTH = 0.25;
/** Where the eyes are on the page, from its top. */
const EYES_AT = 0.36;
/** Frames that may wait for the GPU; a processor that draws by itself is no faster for a second one. */
const MOST_WAITING = 2;
const MOST_WAITING_SOFTWARE = 1;
/** The bust ends this far below the eyes (metres): no more of it may show. */
const BUST = 0.295;

/** The canvas: a head, its lights, and a camera that frames it in any shape of window. */
export class Viewport {
  readonly software: boolean;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.05, 10);
  private readonly lights: Lights;
  private readonly governor: Governor;
  private readonly presentation: Presentation;
  private files: HeadFiles | null = null;
  private head: Head | null = null;
  private headUrl = "";
  private loading = false;

  /** Throws when there is no WebGL. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly fixedLevel: number | null,
  ) {
    this.software = isSoftware();
    const level = fixedLevel ?? (this.software ? SOFTWARE_LEVEL : 0);
    const antialias = !LEVELS[level]!.light;
    this.renderer = new WebGLRenderer({ canvas, antialias, alpha: true, powerPreference: "high-performance" });
    this.governor = new Governor(level, this.software);
    const context = this.renderer.getContext() as WebGL2RenderingContext;
    this.presentation = new Presentation(context, this.software ? MOST_WAITING_SOFTWARE : MOST_WAITING);
    this.renderer.toneMapping = NeutralToneMapping;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.lights = new Lights(this.scene, this.renderer);
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.applyQuality();
  }

  get level(): number {
    return this.governor.level;
  }

  get ready(): boolean {
    return this.head !== null;
  }

  /** Show another head. Throws when it cannot be loaded. */
  async show(files: HeadFiles): Promise<void> {
    this.files = files;
    await this.load();
  }

  /** Whether the GPU takes another frame at `now` ms. */
  hasRoom(now: number): boolean {
    return this.presentation.hasRoom(now);
  }

  /** From drawing until the picture is seen, in ms; null while that is not known. */
  get delayMs(): number | null {
    return this.presentation.delayMs;
  }

  /** Draw the pose; `interval` is the time between frames so far, in ms. */
  draw(pose: Pose, interval: number, now: number): void {
    if (this.fixedLevel === null && this.governor.frame(interval, now)) {
      this.applyQuality();
      void this.load().catch(() => undefined); // the head that is there goes on
    }
    if (!this.head) return;
    this.head.apply(pose);
    this.renderer.render(this.scene, this.camera);
    this.presentation.drawn(now);
  }

  private get quality(): Quality {
    return LEVELS[this.governor.level]!;
  }

  private get wantedUrl(): string {
    return (this.quality.light ? (this.files?.light ?? this.files) : this.files)?.url ?? "";
  }

  private async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      // Another head may be wanted by the time that this one is there.
      for (let url = this.wantedUrl; url !== this.headUrl; url = this.wantedUrl) {
        const head = await Head.load(url, this.quality.light);
        head.setFine(this.quality.fine);
        this.replace(head);
        this.headUrl = url;
      }
    } finally {
      this.loading = false;
      this.governor.settle(performance.now());
    }
  }

  private replace(head: Head): void {
    if (this.head) {
      this.scene.remove(this.head.object);
      this.head.dispose();
    }
    this.head = head;
    this.scene.add(head.object);
  }

  private applyQuality(): void {
    const { fine, pixelRatio, least = 0 } = this.quality;
    this.lights.setFine(fine);
    this.renderer.setPixelRatio(Math.max(least, Math.min(window.devicePixelRatio, pixelRatio)));
    this.head?.setFine(fine);
    this.resize();
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setSize(width, height, false);
    const aspect = width / height;
    const span = Math.max(NEEDED_HEIGHT, NEEDED_WIDTH / aspect);
    const distance = span / 2 / Math.tan((FIELD_OF_VIEW * Math.PI) / 360);
    this.camera.aspect = aspect;
    const eyesAt = Math.max(EYES_AT, 1 - BUST / span);
    this.camera.position.set(0, (eyesAt - 0.5) * span, distance);
    this.camera.updateProjectionMatrix();
  }
}

/** Whether WebGL is drawn by the processor. Throws when there is none at all. */
function isSoftware(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  if (!context) throw new Error("This browser has no WebGL 2.");
  const info = context.getExtension("WEBGL_debug_renderer_info");
  const name = String(context.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return /llvmpipe|swiftshader|software|softpipe|basic render/i.test(name);
}
