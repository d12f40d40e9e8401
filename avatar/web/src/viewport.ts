import {
  DirectionalLight,
  HemisphereLight,
  NeutralToneMapping,
  PCFShadowMap,
  PerspectiveCamera,
  PMREMGenerator,
  Scene,
  WebGLRenderer,
} from "three";
import { RoomEnvironment } from "three/addons/environments/RoomEnvironment.js";
import { Head } from "./head";
import { Presentation } from "./presentation";
import { Governor, LEVELS, LIGHT_LEVEL, type Quality } from "./quality";
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
  private readonly plainLight = new HemisphereLight(0xffffff, 0x8a6a58, 0.9);
  private readonly key = new DirectionalLight(0xfff1e2, 2.0);
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
    const level = fixedLevel ?? (this.software ? LIGHT_LEVEL : 0);
    const antialias = !LEVELS[level]!.light;
    this.renderer = new WebGLRenderer({ canvas, antialias, alpha: true, powerPreference: "high-performance" });
    this.governor = new Governor(level);
    const context = this.renderer.getContext() as WebGL2RenderingContext;
    this.presentation = new Presentation(context, this.software ? MOST_WAITING_SOFTWARE : MOST_WAITING);
    this.renderer.toneMapping = NeutralToneMapping;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.addLights();
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

  private async load(): Promise<void> {
    if (!this.files || this.loading) return;
    const { light } = this.quality;
    const url = light ? (this.files.light ?? this.files).url : this.files.url;
    if (url === this.headUrl) return;
    this.loading = true;
    try {
      const head = await Head.load(url, light);
      head.setFine(this.quality.fine);
      this.replace(head);
      this.headUrl = url;
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
    const { fine, pixelRatio } = this.quality;
    this.renderer.shadowMap.enabled = fine;
    this.key.castShadow = fine;
    this.plainLight.intensity = fine ? 0.3 : 1.15;
    if (fine && !this.scene.environment) this.scene.environment = this.roomLight();
    if (!fine) this.scene.environment = null;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, pixelRatio));
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

  private addLights(): void {
    const { key } = this;
    key.position.set(0.7, 0.65, 1);
    key.shadow.mapSize.set(2048, 2048);
    Object.assign(key.shadow.camera, { left: -0.3, right: 0.3, top: 0.25, bottom: -0.35, near: 0.3, far: 2.4 });
    key.shadow.bias = -0.0003;
    key.shadow.normalBias = 0.002;
    key.shadow.radius = 5;
    const fill = new DirectionalLight(0xdfe9ff, 0.55);
    fill.position.set(-1, 0.1, 0.9);
    const coolRim = new DirectionalLight(0xcfe0ff, 1.6);
    coolRim.position.set(-0.8, 0.7, -0.9);
    const warmRim = new DirectionalLight(0xffdcb8, 0.9);
    warmRim.position.set(1, 0.4, -0.7);
    this.scene.add(key, fill, coolRim, warmRim, this.plainLight);
    this.scene.environmentIntensity = 0.42;
  }

  private roomLight() {
    const generator = new PMREMGenerator(this.renderer);
    const { texture } = generator.fromScene(new RoomEnvironment(), 0.04);
    generator.dispose();
    return texture;
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
