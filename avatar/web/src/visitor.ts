import type { FoundFace } from "./face-finder";

/** Where somebody is, as the character sees it, in radians: + yaw to its left, + pitch up. */
export interface Direction {
  yaw: number;
  pitch: number;
}

/** Half of what a usual camera sees from side to side. */
const HALF_VIEW = Math.tan((60 / 2) * (Math.PI / 180));
/** Smaller moves are the detector's, not the visitor's. */
const LEAST_MOVE = 0.015;
/** A direction is told again after so long, so that one who comes back to the conversation is known to be there. */
const AGAIN_MS = 2000;
/** A face may be missed for so long. */
const GONE_MS = 1200;

/** The direction of a face in the middle square of a camera's picture, `aspect` wide for its height of 1. The camera
 *  looks at the visitor from where the character does, so what it has on its left stands on the character's left. */
export function directionOf(face: FoundFace, aspect: number): Direction {
  const perSide = Math.max(1, aspect);
  const [x, y] = [((0.5 - face.x) * 2) / perSide, ((0.5 - face.y) * 2) / perSide];
  return { yaw: Math.atan(x * HALF_VIEW), pitch: Math.atan(y * HALF_VIEW) };
}

/** Decides what of all that a camera sees is worth telling. */
export class VisitorTracker {
  private told: Direction | null = null;
  private toldAt = 0;
  private seenAt = -Infinity;

  /** `direction`: of the face seen at `now` ms, null where there is none. Returns what to tell: where the visitor is,
   *  "gone", or null for nothing. */
  observe(direction: Direction | null, now: number): Direction | "gone" | null {
    if (!direction) {
      if (!this.told || now - this.seenAt < GONE_MS) return null;
      this.told = null;
      return "gone";
    }
    this.seenAt = now;
    const { told } = this;
    const moved = told ? Math.hypot(direction.yaw - told.yaw, direction.pitch - told.pitch) : Infinity;
    if (moved < LEAST_MOVE && now - this.toldAt < AGAIN_MS) return null;
    this.told = direction;
    this.toldAt = now;
    return direction;
  }
}
