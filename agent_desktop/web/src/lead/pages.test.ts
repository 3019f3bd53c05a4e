import { describe, expect, it } from "vitest";
import { homeOf, maySee, PATHS, placesOf } from "./pages";

describe("pages of leads and administrators", () => {
  it("offers nobody a link to a page that would turn him away", () => {
    expect(placesOf("agent")).toEqual([]);
    expect(placesOf("lead")).not.toContain("admin");
    expect(placesOf("admin")).toEqual(Object.keys(PATHS).filter((place) => place !== "calls"));
    expect(placesOf("lead")).toContain("calls");
    for (const role of ["agent", "lead", "admin"] as const)
      for (const place of placesOf(role)) expect(maySee(role, place)).toBe(true);
  });

  it("sends people without a seat to the floor, and those who take calls to their desktop", () => {
    expect(homeOf({ role: "lead", agent: null })).toBe("/lead");
    expect(homeOf({ role: "admin", agent: null })).toBe("/lead");
    expect(homeOf({ role: "lead", agent: "2002" })).toBe("/");
    expect(homeOf({ role: "agent", agent: null })).toBe("/");
  });
});
