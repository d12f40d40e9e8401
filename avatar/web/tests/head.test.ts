import { BufferAttribute, BufferGeometry, Group, Object3D, Vector3 } from "three";
import { describe, expect, it } from "vitest";
import { Turnable } from "../src/head";
import { CpuMorphs } from "../src/morphs";

/** A joint in a model that stands turned in its scene, with axes of its own at rest. */
function joint(parentTurn: [number, number, number], ownTurn: [number, number, number]) {
  const root = new Group();
  const parent = new Object3D();
  const node = new Object3D();
  const nose = new Object3D();
  root.rotation.set(0.2, -0.4, 0.1);
  parent.rotation.set(...parentTurn);
  node.rotation.set(...ownTurn);
  root.add(parent.add(node.add(nose)));
  root.updateWorldMatrix(true, true);
  const turnable = new Turnable(node, root);
  const toModel = root.matrixWorld.clone().invert();
  /** Where a direction of the model goes when the joint turns. */
  const after = (direction: Vector3, yaw: number, pitch: number, roll: number) => {
    turnable.turn(0, 0, 0);
    root.updateWorldMatrix(true, true);
    const local = node.worldToLocal(direction.clone().applyMatrix4(root.matrixWorld));
    turnable.turn(yaw, pitch, roll);
    root.updateWorldMatrix(true, true);
    return node.localToWorld(local).applyMatrix4(toModel);
  };
  return after;
}

describe("a joint", () => {
  const forward = new Vector3(0, 0, 1);
  const up = new Vector3(0, 1, 0);

  it.each([
    ["plain", [0, 0, 0], [0, 0, 0]],
    ["with axes of its own", [0.5, 1.1, -0.3], [-1.2, 0.4, 2]],
  ] as [string, [number, number, number], [number, number, number]][])("%s turns as the wire says", (_, parent, own) => {
    const after = joint(parent, own);
    const near = (vector: Vector3, x: number, y: number, z: number) =>
      expect(vector.distanceTo(new Vector3(x, y, z))).toBeLessThan(1e-6);
    near(after(forward, 0.3, 0, 0), Math.sin(0.3), 0, Math.cos(0.3)); // + yaw: to its left, +X
    near(after(forward, 0, 0.3, 0), 0, Math.sin(0.3), Math.cos(0.3)); // + pitch: up
    near(after(up, 0, 0, 0.3), -Math.sin(0.3), Math.cos(0.3), 0); // + roll: toward its right shoulder, −X
    near(after(forward, 0, 0, 0), 0, 0, 1);
  });
});

describe("morphs on the CPU", () => {
  it("add up, and leave the rest pose when the weights are gone", () => {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array([0, 0, 0, 1, 1, 1]), 3));
    geometry.setAttribute("normal", new BufferAttribute(new Float32Array([0, 0, 1, 0, 0, 1]), 3));
    geometry.morphAttributes["position"] = [
      new BufferAttribute(new Float32Array([1, 0, 0, 0, 0, 0]), 3),
      new BufferAttribute(new Float32Array([0, 2, 0, 0, 0, 4]), 3),
    ];
    const morphs = new CpuMorphs(geometry);
    expect(geometry.morphAttributes).toEqual({});
    morphs.apply([0.5, 0.25]);
    expect([...geometry.getAttribute("position").array]).toEqual([0.5, 0.5, 0, 1, 1, 2]);
    morphs.apply([0, 0]);
    expect([...geometry.getAttribute("position").array]).toEqual([0, 0, 0, 1, 1, 1]);
  });
});
