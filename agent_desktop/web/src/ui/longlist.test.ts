import { describe, expect, it } from "vitest";
import { rowsInView, WHOLE } from "./longlist";

const HEIGHT = 44;
const VIEW = 600;

describe("a long list", () => {
  it("is there whole while it is short", () => {
    expect(rowsInView(WHOLE, HEIGHT, 0, VIEW)).toEqual({ from: 0, to: WHOLE });
    expect(rowsInView(0, HEIGHT, 0, VIEW)).toEqual({ from: 0, to: 0 });
  });

  it("has every row that is in view, and some around it, wherever it is scrolled", () => {
    const count = 500;
    for (let top = 0; top <= count * HEIGHT - VIEW; top += 17) {
      const { from, to } = rowsInView(count, HEIGHT, top, VIEW);
      const first = Math.floor(top / HEIGHT);
      const last = Math.min(count, Math.ceil((top + VIEW) / HEIGHT));
      expect(from).toBeLessThanOrEqual(Math.max(0, first - 12));
      expect(to).toBeGreaterThanOrEqual(Math.min(count, last + 12));
      expect(to - from).toBeLessThan(80);
    }
  });

  it("shows its end when it has become shorter than it was scrolled", () => {
    const { from, to } = rowsInView(100, HEIGHT, 20_000, VIEW);
    expect(to).toBe(100);
    expect(from).toBeLessThan(100 - Math.ceil(VIEW / HEIGHT));
  });
});
