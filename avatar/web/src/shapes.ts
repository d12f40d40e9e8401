/** Apple's 52 ARKit blendshapes, in the order of avatar/blendshapes.py. "Left" is the character's left. */
export const SHAPES = [
  "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
  "eyeSquintLeft", "eyeWideLeft",
  "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
  "eyeSquintRight", "eyeWideRight",
  "jawForward", "jawLeft", "jawRight", "jawOpen",
  "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
  "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
  "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
  "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
  "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
  "mouthUpperUpLeft", "mouthUpperUpRight",
  "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
  "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
  "noseSneerLeft", "noseSneerRight",
  "tongueOut",
] as const;

/** The shapes that the lips own: a reply's frames replace the stage's here and add to it elsewhere. */
export const IS_MOUTH: readonly boolean[] = SHAPES.map((name) => /^(jaw|mouth|tongue)|^cheekPuff$/.test(name));

/** Sound, words and faces are counted in samples of this rate (Hz). */
export const RATE = 24_000;
/** Face frame k stands at sample 400·k: 60 frames a second. */
export const SAMPLES_PER_FRAME = 400;

/** One moment of a face: 52 weights 0…1; head yaw, pitch, roll and gaze yaw, pitch in radians. */
export interface Pose {
  readonly weights: Float32Array;
  readonly head: Float32Array;
  readonly gaze: Float32Array;
}

export function restPose(): Pose {
  return { weights: new Float32Array(SHAPES.length), head: new Float32Array(3), gaze: new Float32Array(2) };
}

export function copyPose(from: Pose, to: Pose): void {
  to.weights.set(from.weights);
  to.head.set(from.head);
  to.gaze.set(from.gaze);
}
