import { describe, expect, it } from "vitest";
import { Presentation, type Fences } from "../src/presentation";

/** A GPU that is done with a frame when it is told so. */
class Gpu {
  readonly SYNC_GPU_COMMANDS_COMPLETE = 1;
  readonly SYNC_STATUS = 2;
  readonly SIGNALED = 3;
  readonly done = new Set<object>();
  readonly fences: object[] = [];
  deleted = 0;
  lost = false;

  fenceSync(): object | null {
    if (this.lost) return null;
    this.fences.push({});
    return this.fences.at(-1)!;
  }
  getSyncParameter(fence: object): number {
    return this.done.has(fence) ? this.SIGNALED : 0;
  }
  deleteSync(): void {
    this.deleted++;
  }
  flush(): void {}
}

function setUp(depth: number) {
  const gpu = new Gpu();
  return { gpu, presentation: new Presentation(gpu as unknown as Fences, depth) };
}

describe("Presentation", () => {
  it("lets no more frames wait than it was told", () => {
    const { gpu, presentation } = setUp(2);
    expect(presentation.hasRoom(0)).toBe(true);
    presentation.drawn(0);
    expect(presentation.hasRoom(16)).toBe(true);
    presentation.drawn(16);
    expect(presentation.hasRoom(33)).toBe(false);
    gpu.done.add(gpu.fences[0]!);
    expect(presentation.hasRoom(50)).toBe(true);
    expect(gpu.deleted).toBe(1);
  });

  it("says how long the last frames took, one hiccup aside", () => {
    const { gpu, presentation } = setUp(1);
    expect(presentation.delayMs).toBeNull();
    for (const [begun, took] of [[0, 40], [100, 50], [200, 300], [600, 45], [700, 55]] as const) {
      presentation.drawn(begun);
      expect(presentation.hasRoom(begun + took - 1)).toBe(false);
      gpu.done.add(gpu.fences.at(-1)!);
      expect(presentation.hasRoom(begun + took)).toBe(true);
    }
    expect(presentation.delayMs).toBe(50);
  });

  it("forgets a frame that was drawn before the tab was hidden", () => {
    const { presentation } = setUp(1);
    presentation.drawn(0);
    expect(presentation.hasRoom(5000)).toBe(true);
    expect(presentation.delayMs).toBeNull();
  });

  it("goes on when the context is lost", () => {
    const { gpu, presentation } = setUp(1);
    gpu.lost = true;
    presentation.drawn(0);
    expect(presentation.hasRoom(1)).toBe(true);
  });
});
