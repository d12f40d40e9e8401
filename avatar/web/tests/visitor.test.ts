import { describe, expect, it } from "vitest";
import { directionOf, VisitorTracker } from "../src/visitor";

const face = (x: number, y: number) => ({ x, y, score: 1 });

describe("where the visitor is", () => {
  it("is told as the character sees it", () => {
    const middle = directionOf(face(0.5, 0.5), 4 / 3);
    expect(middle.yaw).toBeCloseTo(0);
    expect(middle.pitch).toBeCloseTo(0);
    // What the camera has on its left stands on the left of whoever looks out of the screen.
    expect(directionOf(face(0.2, 0.5), 4 / 3).yaw).toBeGreaterThan(0.1);
    expect(directionOf(face(0.5, 0.2), 4 / 3).pitch).toBeGreaterThan(0.1);
    // The square's edges are those of the picture's shorter side: 60 degrees belong to the longer one.
    expect(directionOf(face(0, 0.5), 1).yaw).toBeCloseTo(Math.PI / 6);
    expect(directionOf(face(0, 0.5), 2).yaw).toBeLessThan(Math.PI / 10);
    expect(directionOf(face(0.5, 0), 0.5).pitch).toBeCloseTo(Math.PI / 6);
  });

  it("is told when it changes, and now and then", () => {
    const tracker = new VisitorTracker();
    const here = { yaw: 0.1, pitch: 0 };
    expect(tracker.observe(here, 0)).toBe(here);
    expect(tracker.observe({ yaw: 0.105, pitch: 0 }, 200)).toBeNull();
    expect(tracker.observe({ yaw: 0.2, pitch: 0 }, 400)).not.toBeNull();
    expect(tracker.observe({ yaw: 0.2, pitch: 0 }, 600)).toBeNull();
    expect(tracker.observe({ yaw: 0.2, pitch: 0 }, 2500)).not.toBeNull();
  });

  it("a face that is missed once is still there; one that stays away is gone, once", () => {
    const tracker = new VisitorTracker();
    expect(tracker.observe(null, 0)).toBeNull();
    tracker.observe({ yaw: 0, pitch: 0 }, 100);
    expect(tracker.observe(null, 300)).toBeNull();
    expect(tracker.observe(null, 1500)).toBe("gone");
    expect(tracker.observe(null, 1700)).toBeNull();
    expect(tracker.observe({ yaw: 0, pitch: 0 }, 1900)).not.toBeNull();
  });
});
