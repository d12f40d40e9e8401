import { describe, expect, it } from "vitest";
import { Governor, LEVELS } from "../src/quality";

/** Run for some seconds at a frame interval; returns the time reached. */
function run(governor: Governor, interval: number, seconds: number, from = 0): number {
  let now = from;
  while (now < from + seconds * 1000) governor.frame(interval, (now += interval));
  return now;
}

describe("the governor", () => {
  it("leaves a fast machine alone", () => {
    const governor = new Governor(0);
    run(governor, 16.7, 60);
    expect(governor.level).toBe(0);
  });

  it("goes down step by step while frames take too long, and not below the last", () => {
    const governor = new Governor(0);
    const now = run(governor, 60, 2);
    expect(governor.level).toBe(1);
    run(governor, 60, 60, now);
    expect(governor.level).toBe(LEVELS.length - 1);
  });

  it("stops where it is fast enough and never goes up again", () => {
    const governor = new Governor(0);
    let now = run(governor, 40, 2);
    now = run(governor, 16.7, 60, now);
    expect(governor.level).toBe(1);
  });

  it("asks less of a machine without a GPU", () => {
    const governor = new Governor(3, true);
    let now = run(governor, 45, 60);
    expect(governor.level).toBe(3);
    now = run(governor, 60, 2, now);
    expect(governor.level).toBe(4);
  });

  it("forgives hiccups and hidden tabs", () => {
    const governor = new Governor(0);
    let now = 0;
    for (let i = 0; i < 600; i++) governor.frame(i % 10 ? 16.7 : 90, (now += 25));
    governor.frame(30_000, (now += 30_000));
    run(governor, 16.7, 10, now);
    expect(governor.level).toBe(0);
  });
});
