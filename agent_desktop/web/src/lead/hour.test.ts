import { describe, expect, it } from "vitest";
import { type HourDoc, hourOf, path, told } from "./hour";

const doc = (fields: Partial<HourDoc>): HourDoc => ({
  until: 6000,
  waiting: [],
  good: [],
  over: [],
  ready: [],
  talking: [],
  ...fields,
});
const docs = {
  "hour/queue/a": doc({ waiting: [1, 2], good: [0, 3], over: [0, 4], ready: [1, 1], talking: [0, 1] }),
  "hour/queue/b": doc({ until: 5940, waiting: [7], good: [1], over: [2], ready: [1], talking: [0] }),
  "hour/group/x": doc({ ready: [2, null], talking: [0, 1] }),
};

describe("the last hour", () => {
  it("adds queues up minute by minute, and counts agents by their groups", () => {
    const hour = hourOf(docs, "", "");
    expect(hour?.waiting.slice(-3)).toEqual([null, 8, 2]);
    expect(hour?.service.slice(-3)).toEqual([null, 50, 75]);
    expect(hour?.ready.slice(-2)).toEqual([2, null]);
    expect(hour?.waiting).toHaveLength(60);
  });
  it("of one queue has its own agents; nothing known is nothing", () => {
    expect(hourOf(docs, "a", "")?.ready.slice(-2)).toEqual([1, 1]);
    expect(hourOf(docs, "a", "x")?.ready.slice(-2)).toEqual([2, null]);
    expect(hourOf({}, "", "")).toBeNull();
  });
  it("is drawn with gaps, a lonely point as a dot, and told in words", () => {
    expect(path([0, 2, null, 4], 4, 40)).toBe("M0 40.00h0.01L1 20.00M3 0.00h0.01");
    expect(told([...Array(56).fill(null), 0, 2, null, 4])).toEqual({ now: 4, least: 0, most: 4, since: 3 });
    expect(told([null])).toBeNull();
  });
});
