import {
  BackSide,
  BoxGeometry,
  Color,
  DirectionalLight,
  HemisphereLight,
  Mesh,
  MeshBasicMaterial,
  PlaneGeometry,
  PMREMGenerator,
  Scene,
  type Texture,
  type WebGLRenderer,
} from "three";

/** A portrait's light: a key beside the camera, a little fill, two rims from behind, and a studio to be reflected. */
export class Lights {
  private readonly key = new DirectionalLight(0xfff3e8, 2.1);
  private readonly sky = new HemisphereLight(0xf4f7ff, 0x8a6a58, 0);
  private readonly fill = new DirectionalLight(0xdfe9ff, 0.35);

  constructor(
    private readonly scene: Scene,
    private readonly renderer: WebGLRenderer,
  ) {
    const { key, fill } = this;
    key.position.set(0.8, 0.75, 0.9);
    key.shadow.mapSize.set(2048, 2048);
    Object.assign(key.shadow.camera, { left: -0.3, right: 0.3, top: 0.25, bottom: -0.35, near: 0.3, far: 2.4 });
    key.shadow.bias = -0.0003;
    key.shadow.normalBias = 0.002;
    key.shadow.radius = 6;
    fill.position.set(-1, 0.1, 0.9);
    const coolRim = new DirectionalLight(0xcfe0ff, 1.4);
    coolRim.position.set(-0.8, 0.7, -0.9);
    const warmRim = new DirectionalLight(0xffdcb8, 1.1);
    warmRim.position.set(1, 0.4, -0.7);
    scene.add(key, fill, coolRim, warmRim, this.sky);
    scene.environmentIntensity = 0.8;
  }

  /** With shadows and reflections, or with neither. */
  setFine(fine: boolean): void {
    this.renderer.shadowMap.enabled = fine;
    this.key.castShadow = fine;
    this.sky.intensity = fine ? 0.15 : 1.7; // the sky stands in for the studio
    if (!fine) this.scene.environment = null;
    else this.scene.environment ??= studio(this.renderer);
  }
}

/** Panel: where it hangs (metres from the face), how large, and how bright. */
const PANELS: [x: number, y: number, z: number, width: number, height: number, colour: number, light: number][] = [
  [1.6, 1.5, 2.2, 1.5, 1.3, 0xfff3e6, 9],
  [-2.6, 0.6, 1.6, 1.4, 2.2, 0xe3ecff, 1.6],
  [0, 3.2, 0.3, 3, 2, 0xffffff, 2.2],
  [-2, 1.2, -2.2, 0.8, 2.4, 0xd6e4ff, 4],
  [2.4, 0.8, -2, 0.8, 2.4, 0xffe2c4, 3],
];

/** A dim room with soft boxes: they are what gives eyes their catchlights and skin its sheen. */
function studio(renderer: WebGLRenderer): Texture {
  const room = new Scene();
  const walls = new MeshBasicMaterial({ color: new Color(0x8d8478).multiplyScalar(0.5), side: BackSide });
  room.add(new Mesh(new BoxGeometry(7, 7, 7), walls));
  for (const [x, y, z, width, height, colour, light] of PANELS) {
    const color = new Color(colour).multiplyScalar(light);
    const panel = new Mesh(new PlaneGeometry(width, height), new MeshBasicMaterial({ color }));
    panel.position.set(x, y, z);
    panel.lookAt(0, 0, 0);
    room.add(panel);
  }
  const generator = new PMREMGenerator(renderer);
  const { texture } = generator.fromScene(room, 0.01);
  generator.dispose();
  return texture;
}
