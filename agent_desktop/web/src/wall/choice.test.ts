import { describe, expect, it } from "vitest";
import type { FloorSite } from "../lead/board";
import { type Limits, limitsOf, read, wrong } from "./choice";

const LIMITS: Limits = {
  warn_waiting: 3,
  bad_waiting: 8,
  warn_longest_seconds: 30,
  bad_longest_seconds: 60,
  warn_service_percent: 90,
  bad_service_percent: 80,
};
const site = { queues: { service: {} }, floor: { ...LIMITS, tiles: [] } } as unknown as FloorSite;

describe("the own wallboard of a screen", () => {
  it("is what was kept, without the tiles of queues that are not there any more", () => {
    const tiles = [{ figure: "waiting", queue: "service" }, { figure: "lost", queue: "gone" }, { figure: "nonsense" }];
    const found = read(JSON.stringify({ tiles, limits: { warn_waiting: 1 } }), site);
    expect(found).toEqual({ tiles: [tiles[0]], limits: { ...LIMITS, warn_waiting: 1 } });
    expect(limitsOf(site.floor)).toEqual(LIMITS);
  });
  it("is the site's when nothing sensible was kept", () => {
    const crossed = JSON.stringify({ tiles: [{ figure: "waiting" }], limits: { bad_waiting: 1 } });
    for (const text of [null, "", "{", "null", '{"tiles":[]}', '{"tiles":7}', crossed])
      expect(read(text, site), String(text)).toBeNull();
  });
  it("thresholds that are the wrong way around are named", () => {
    expect(wrong(LIMITS)).toEqual([]);
    expect(wrong({ ...LIMITS, bad_waiting: 2 })).toEqual(["waiting"]);
    expect(wrong({ ...LIMITS, warn_longest_seconds: Number.NaN })).toEqual(["longest_seconds"]);
    expect(wrong({ ...LIMITS, bad_service_percent: 95 })).toEqual(["service_percent"]);
    expect(wrong({ ...LIMITS, warn_service_percent: 101 })).toEqual(["service_percent"]);
  });
});
