import { ShaderChunk } from "three";
import { describe, expect, it } from "vitest";
import { DIFFUSE_LINE } from "../src/materials";

describe("the skin's shader", () => {
  it("still finds in three what it replaces", () => {
    expect(ShaderChunk.lights_physical_pars_fragment.split(DIFFUSE_LINE)).toHaveLength(2);
    expect(ShaderChunk.normal_fragment_begin).toContain("gl_FrontFacing ? 1.0 : - 1.0");
  });
});
