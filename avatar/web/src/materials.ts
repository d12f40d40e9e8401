import {
  Color,
  CustomBlending,
  DoubleSide,
  type Material,
  MeshBasicMaterial,
  MeshLambertMaterial,
  MeshPhongMaterial,
  type MeshPhongMaterialParameters,
  MeshPhysicalMaterial,
  type MeshPhysicalMaterialParameters,
  MeshStandardMaterial,
  OneFactor,
  OneMinusSrcAlphaFactor,
  ShaderChunk,
  SrcAlphaFactor,
  type WebGLProgramParametersWithUniforms,
} from "three";

/** What each material of a head gets on top of what its file says, where the machine can afford it. */
const FINE: Record<string, MeshPhysicalMaterialParameters> = {
  Skin: { sheen: 0.2, sheenRoughness: 0.5, sheenColor: new Color(0.9, 0.6, 0.5), specularIntensity: 0.6 },
  Eye: { envMapIntensity: 1.2 },
  Hair: { side: DoubleSide, specularIntensity: 0.5, envMapIntensity: 0.6 },
  Teeth: { clearcoat: 0.25, clearcoatRoughness: 0.25, specularIntensity: 0.6, envMapIntensity: 0.7 },
  Gum: { specularIntensity: 0.4, roughness: 0.5, envMapIntensity: 0.6 },
  Tongue: { specularIntensity: 0.4, roughness: 0.5, envMapIntensity: 0.6 },
};

/** What shines even where little can be afforded: an eye without a glint is dead, and dark skin without a sheen flat. */
const GLOSSY: Record<string, MeshPhongMaterialParameters> = {
  Eye: { specular: 0x999999, shininess: 700 },
  Skin: { specular: 0x1a1a1c, shininess: 14 },
};

/** The file's own material with its part's shading. */
export function fineMaterial(original: Material): Material {
  if (!(original instanceof MeshStandardMaterial)) return original;
  if (isThin(original)) return thinMaterial(original);
  const [part, extra] = Object.entries(FINE).find(([name]) => original.name.startsWith(name)) ?? [];
  if (!part || !extra) return original;
  const material = new MeshPhysicalMaterial();
  if (original instanceof MeshPhysicalMaterial) material.copy(original);
  else MeshStandardMaterial.prototype.copy.call(material, original);
  material.defines = { STANDARD: "", PHYSICAL: "" };
  material.setValues(extra);
  if (part === "Hair" && isCutOut(original)) cutOut(material);
  if (part === "Hair") material.onBeforeCompile = unflipNormals;
  if (part === "Skin") material.onBeforeCompile = softenTerminator;
  return material;
}

/** Diffuse light, and little else: the cheapest that still looks round. */
export function plainMaterial(original: Material): Material {
  if (!(original instanceof MeshStandardMaterial)) return original;
  if (isThin(original)) return thinMaterial(original);
  const glossy = GLOSSY[original.name];
  if (glossy) return new MeshPhongMaterial({ ...shared(original), ...glossy });
  const material = new MeshLambertMaterial(shared(original));
  if (original.name === "Cloth") material.side = DoubleSide; // a collar is seen from within
  if (isCutOut(original)) {
    cutOut(material);
    material.alphaToCoverage = false; // nothing is multisampled where it must be cheap
  }
  return material;
}

/** Parts that neither throw nor take a shadow: too thin, or painted darkness themselves. */
export function isThin(material: Material): boolean {
  return /^(Lash|Brow|LidShadow)/.test(material.name);
}

function thinMaterial(original: MeshStandardMaterial): Material {
  if (original.name === "LidShadow") {
    return new MeshBasicMaterial({ ...shared(original), transparent: true, depthWrite: false });
  }
  // They lie on the skin: where they are blended, nothing needs to be sorted behind them.
  return new MeshLambertMaterial({ ...shared(original), side: DoubleSide, depthWrite: !original.transparent });
}

function shared(original: MeshStandardMaterial) {
  const { name, map, color, side, vertexColors, alphaTest, transparent, opacity } = original;
  return { name, map, color, side, vertexColors, alphaTest, transparent, opacity };
}

function isCutOut(material: Material): boolean {
  return material.name.startsWith("Hair") && (material.alphaTest > 0 || material.transparent);
}

/**
 * Strands are cut out, not sorted; multisampling and a blend of their outermost pixel smooth the edges. So they are to
 * be drawn after what they lie upon.
 */
function cutOut(material: Material): void {
  material.transparent = false;
  material.depthWrite = true;
  material.alphaTest = Math.max(0.4, material.alphaTest);
  material.alphaToCoverage = true;
  material.blending = CustomBlending; // three blends no opaque material otherwise
  material.blendSrc = SrcAlphaFactor;
  material.blendDst = OneMinusSrcAlphaFactor;
  material.blendSrcAlpha = OneFactor;
  material.blendDstAlpha = OneMinusSrcAlphaFactor;
}

/** What `softenTerminator` replaces in three's shader: a test watches that it is still there. */
export const DIFFUSE_LINE = "reflectedLight.directDiffuse += irradiance * diffuseBRDF * ( 1.0 - F );";

/** Light that entered the skin leaves it beside where it came in: the shadow's edge is wide, and red. */
function softenTerminator(shader: WebGLProgramParametersWithUniforms): void {
  const lights = ShaderChunk.lights_physical_pars_fragment.replace(
    DIFFUSE_LINE,
    `vec3 wrap = vec3( 0.26, 0.13, 0.09 );
     vec3 facing = vec3( dot( geometryNormal, directLight.direction ) );
     vec3 soft = clamp( ( facing + wrap ) / ( ( 1.0 + wrap ) * ( 1.0 + wrap ) ), 0.0, 1.0 );
     reflectedLight.directDiffuse += soft * directLight.color * diffuseBRDF * ( 1.0 - F );`,
  );
  shader.fragmentShader = shader.fragmentShader.replace("#include <lights_physical_pars_fragment>", lights);
}

/** Strands are lit as if they faced the light whichever side is seen. */
function unflipNormals(shader: WebGLProgramParametersWithUniforms): void {
  const begin = ShaderChunk.normal_fragment_begin.replace("gl_FrontFacing ? 1.0 : - 1.0", "1.0");
  shader.fragmentShader = shader.fragmentShader.replace("#include <normal_fragment_begin>", begin);
}
