/** Small decisions of an agent's day: the line in figures, who set him, the daily check, when to notify. */
import { describe, expect, it } from "vitest";
import { checkWord, midnight } from "./check";
import { chooser } from "./forced";
import { noteworthy } from "./notices";
import { figuresOf, qualityOf } from "./quality";
import type { MeDoc, WorkDoc } from "./types";

describe("the line", () => {
  const from = { received: 100, lost: 0, jitter: 0, roundTrip: null };
  const later = (received: number, lost: number, jitter: number) => ({ received, lost, jitter, roundTrip: 0.0424 });
  it("is as good as its loss and jitter", () => {
    expect(qualityOf(from, later(200, 0, 0.005))).toBe("good");
    expect(qualityOf(from, later(198, 2, 0.005))).toBe("fair");
    expect(qualityOf(from, later(190, 10, 0.005))).toBe("bad");
    expect(qualityOf(from, later(200, 0, 0.09))).toBe("bad");
    expect(qualityOf(from, from)).toBe("good");
  });
  it("is shown in figures: percent lost in between, jitter and round trip in milliseconds", () => {
    expect(figuresOf(from, later(198, 2, 0.0052))).toEqual({ loss: "2.0", jitter: "5", roundTrip: "42" });
    expect(figuresOf(from, later(150, 50, 0))).toEqual({ loss: "50", jitter: "0", roundTrip: "42" });
    expect(figuresOf(from, from)).toEqual({ loss: "0.0", jitter: "0", roundTrip: null });
    expect(figuresOf(later(200, 9, 0), later(300, 7, 0)).loss).toBe("0.0"); // late packets take losses back
  });
});

describe("who set the agent", () => {
  const me = (fields: Partial<MeDoc>) => ({ agent: "1001", signed_in: true, chosen_by: "1001", ...fields }) as MeDoc;
  it("is nobody else as long as he chose himself, by seat or by login", () => {
    expect(chooser(me({}), "1001")).toBeNull();
    expect(chooser(me({ chosen_by: "wang.fang" }), "wang.fang")).toBeNull();
    expect(chooser(me({ chosen_by: "" }), "1001")).toBeNull();
    expect(chooser(undefined, "1001")).toBeNull();
  });
  it("is a lead, or the system's own check; lost phones and misses have their own sentences", () => {
    expect(chooser(me({ chosen_by: "2001" }), "1001")).toBe("lead");
    expect(chooser(me({ chosen_by: "auditor" }), "1001")).toBe("system");
    expect(chooser(me({ chosen_by: "misses" }), "1001")).toBeNull();
    expect(chooser(me({ chosen_by: "device_lost" }), "1001")).toBeNull();
    expect(chooser(me({ chosen_by: "2001", signed_in: false }), "1001")).toBeNull();
  });
});

describe("the device check", () => {
  const noon = new Date(2026, 2, 29, 12).getTime() / 1000;
  it("holds for one agent and one day of the place", () => {
    expect(checkWord("1001", noon)).toBe(checkWord("1001", noon + 11 * 3600));
    expect(checkWord("1001", noon)).not.toBe(checkWord("1001", noon + 12.5 * 3600));
    expect(checkWord("1001", noon)).not.toBe(checkWord("1002", noon));
  });
  it("knows where the day began", () => {
    expect(new Date(midnight(noon) * 1000).getHours()).toBe(0);
    expect(midnight(midnight(noon))).toBe(midnight(noon));
    expect(midnight(midnight(noon) - 1)).toBeLessThan(midnight(noon));
  });
});

describe("a notification", () => {
  const offer = { kind: "offer", reservation: "r1" } as WorkDoc;
  const away = { inFront: false, permission: "granted" } as const;
  it("is shown for an offer while the page is not in front, and for nothing else", () => {
    expect(noteworthy(offer, away)).toBe("r1");
    expect(noteworthy(offer, { ...away, inFront: true })).toBeNull();
    expect(noteworthy(offer, { ...away, permission: "denied" })).toBeNull();
    expect(noteworthy(offer, { ...away, permission: "default" })).toBeNull();
    expect(noteworthy({ ...offer, kind: "busy" }, away)).toBeNull();
    expect(noteworthy(undefined, away)).toBeNull();
  });
});
