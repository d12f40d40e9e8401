import { Euler, type Material, Mesh, type Object3D, Quaternion } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";
import { fineMaterial, isThin, plainMaterial } from "./materials";
import { CpuMorphs } from "./morphs";
import { SHAPES, type Pose } from "./shapes";

/** What is blended with what lies below it is drawn after that. */
const LATER: Record<string, number> = { Hair: 1, HairStrand: 2, LidShadow: 2 };

interface MorphedMesh {
  mesh: Mesh;
  /** For each of the mesh's targets, the shape that drives it. */
  shapes: number[];
  cpu: CpuMorphs | null;
}

/** A head as its file has it: shapes by Apple's names, `Head`, `EyeLeft` and `EyeRight` to turn. */
export class Head {
  private readonly meshes: MorphedMesh[] = [];
  private readonly originals = new Map<Mesh, Material>();
  private readonly joint: Turnable | null;
  private readonly eyes: Turnable[];

  /** Throws when the file cannot be had or read. */
  static async load(url: string, onCpu: boolean): Promise<Head> {
    const loader = new GLTFLoader().setMeshoptDecoder(MeshoptDecoder);
    const gltf = await loader.loadAsync(url);
    return new Head(gltf.scene, onCpu);
  }

  private constructor(
    readonly object: Object3D,
    onCpu: boolean,
  ) {
    object.traverse((node) => {
      if (node instanceof Mesh) this.add(node, onCpu);
    });
    this.joint = turnable(object, "Head");
    this.eyes = ["EyeLeft", "EyeRight"].map((name) => turnable(object, name)).filter((eye) => eye !== null);
  }

  apply(pose: Pose): void {
    for (const { mesh, shapes, cpu } of this.meshes) {
      const influences = mesh.morphTargetInfluences!;
      for (let i = 0; i < shapes.length; i++) influences[i] = shapes[i]! < 0 ? 0 : pose.weights[shapes[i]!]!;
      cpu?.apply(influences);
    }
    this.joint?.turn(pose.head[0]!, pose.head[1]!, pose.head[2]!);
    for (const eye of this.eyes) eye.turn(pose.gaze[0]!, pose.gaze[1]!, 0);
  }

  setFine(fine: boolean): void {
    for (const [mesh, original] of this.originals) {
      const old = mesh.material as Material;
      mesh.material = fine ? fineMaterial(original) : plainMaterial(original);
      if (old !== original && old !== mesh.material) old.dispose();
    }
  }

  dispose(): void {
    for (const [mesh, original] of this.originals) {
      mesh.geometry.dispose();
      for (const material of [mesh.material as Material, original]) disposeWithMaps(material);
    }
  }

  private add(mesh: Mesh, onCpu: boolean): void {
    const material = mesh.material as Material;
    this.originals.set(mesh, material);
    mesh.frustumCulled = false; // its bounds are those of the rest pose
    mesh.castShadow = !isThin(material) && !/^(Eye|HairStrand)/.test(material.name); // strands draw hard lines
    mesh.receiveShadow = !isThin(material);
    mesh.renderOrder = LATER[material.name] ?? 0;
    const names = mesh.morphTargetDictionary;
    if (!names) return;
    const shapes: number[] = new Array<number>(Object.keys(names).length).fill(-1);
    for (const [name, i] of Object.entries(names)) shapes[i] = (SHAPES as readonly string[]).indexOf(name);
    const cpu = onCpu ? new CpuMorphs(mesh.geometry) : null;
    this.meshes.push({ mesh, shapes, cpu });
  }
}

/**
 * A node that turns about its place as the model's axes say (x to the character's left, y up, z forward), whatever
 * its own axes are at rest.
 */
export class Turnable {
  private readonly toParent: Quaternion;
  private readonly rest: Quaternion;
  private readonly euler = new Euler();
  private readonly rotation = new Quaternion();

  constructor(
    private readonly node: Object3D,
    root: Object3D,
  ) {
    root.updateWorldMatrix(true, true);
    const parent = node.parent?.getWorldQuaternion(new Quaternion()) ?? new Quaternion();
    const model = root.getWorldQuaternion(new Quaternion());
    this.toParent = parent.invert().multiply(model);
    this.rest = node.quaternion.clone();
  }

  /** Radians: + yaw to the character's left, + pitch up, + roll toward its right shoulder. */
  turn(yaw: number, pitch: number, roll: number): void {
    this.rotation.setFromEuler(this.euler.set(-pitch, yaw, roll, "YXZ"));
    const { node, toParent } = this;
    inverse.copy(toParent).invert();
    node.quaternion.copy(toParent).multiply(this.rotation).multiply(inverse).multiply(this.rest);
  }
}

const inverse = new Quaternion();

function turnable(root: Object3D, name: string): Turnable | null {
  const node = root.getObjectByName(name);
  return node ? new Turnable(node, root) : null;
}

function disposeWithMaps(material: Material): void {
  for (const value of Object.values(material)) {
    if (value && typeof value === "object" && "isTexture" in value) (value as { dispose(): void }).dispose();
  }
  material.dispose();
}
