import type { Anchor } from "./clock";
import { FaceTrack } from "./face-track";
import { copyPose, IS_MOUTH, restPose, SHAPES, type Pose } from "./shapes";

/** How long a reply's face takes to come over the stage's, and to go. */
export const EASE_MS = 120;
/** Stage frames come 400 ms ahead; more than four seconds are never needed. */
const STAGE_FRAMES = 240;
const REPLY_FRAMES = 60 * 60;
const MOST_REPLIES = 4;

/** What was drawn: for the log that compares sound and picture. */
export interface DrawnFrame {
  item: string;
  /** The item's sample expected to be audible when this is presented. */
  expected: number;
  /** The sample at which the frame drawn stands, −1 when there was none. */
  drawn: number;
}

/**
 * The face now: the stage's always, a reply's over it while it sounds.
 *
 * The mouth is replaced, everything else is added. Nothing is made up but easing and holding:
 * when the sound stops, the last frame drawn fades out, so an interrupted mouth closes instead of snapping shut.
 */
export class Face {
  readonly pose: Pose = restPose();
  private readonly stage = new FaceTrack(STAGE_FRAMES);
  private readonly replies = new Map<string, FaceTrack>();
  private readonly stagePose = restPose();
  private readonly replyPose = restPose();
  private blend = 0;

  pushStage(startSample: number, count: number, data: Uint8Array): void {
    this.stage.push(startSample, count, data);
  }

  pushReply(item: string, startSample: number, count: number, data: Uint8Array): void {
    let track = this.replies.get(item);
    if (!track) {
      track = new FaceTrack(REPLY_FRAMES);
      this.replies.set(item, track);
      if (this.replies.size > MOST_REPLIES) this.replies.delete(this.replies.keys().next().value!);
    }
    track.push(startSample, count, data);
  }

  /** The reply was cut off at `sample`. */
  cut(item: string, sample: number): void {
    this.replies.get(item)?.dropFrom(sample);
  }

  clear(): void {
    this.stage.dropFrom(0);
    this.replies.clear();
  }

  /**
   * Work out `pose` for a moment `elapsed` ms after the last one: the stage clock stands at `stageSample`, and
   * `audible` is what sounds (null: nothing).
   */
  update(stageSample: number | null, audible: Anchor | null, elapsed: number): DrawnFrame | null {
    if (stageSample !== null) this.stage.read(stageSample, this.stagePose);
    const track = audible?.playing ? this.replies.get(audible.item) : undefined;
    const drawn = track ? track.read(audible!.sample, this.replyPose) : -1;
    const change = elapsed / EASE_MS;
    this.blend = drawn >= 0 ? Math.min(1, this.blend + change) : Math.max(0, this.blend - change);
    mix(this.stagePose, this.replyPose, smooth(this.blend), this.pose);
    return audible?.playing ? { item: audible.item, expected: audible.sample, drawn } : null;
  }
}

/** `reply` over `stage`, `amount` 0…1 of it. */
export function mix(stage: Pose, reply: Pose, amount: number, out: Pose): void {
  copyPose(stage, out);
  if (amount === 0) return;
  for (let i = 0; i < SHAPES.length; i++) {
    const below = stage.weights[i]!;
    const over = reply.weights[i]!;
    const mixed = IS_MOUTH[i] ? below + amount * (over - below) : below + amount * over;
    out.weights[i] = Math.max(0, Math.min(1, mixed));
  }
  for (let i = 0; i < 3; i++) out.head[i]! += amount * reply.head[i]!;
  for (let i = 0; i < 2; i++) out.gaze[i]! += amount * reply.gaze[i]!;
}

/** A curve from 0 to 1 that starts and arrives without a jerk. */
function smooth(x: number): number {
  return x * x * (3 - 2 * x);
}
