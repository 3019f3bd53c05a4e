import { beforeEach, describe, expect, it } from "vitest";
import { ALGORITHMS, SECTIONS } from "./fields";
import { addRow, discard, removeRow, rowsOf, type SiteView, setKey, useSite } from "./site";
import { hoursOn, pairsOf, pairsText, spans } from "./written";

const VIEW: SiteView = {
  revision: "0",
  in_force: true,
  tables: {
    queues: [{ id: "service", priority: 5 }, { id: "order" }],
    numbers: [{ number: "95500" }],
  },
  defaults: { queues: { priority: 0, algorithm: "longest_idle" } },
  names: { queues: "id", numbers: "number" },
  skills: [],
  flows: [],
  prompts: [],
  holidays: {},
  faults: [],
};
const rows = (table: string) => rowsOf(VIEW, useSite.getState().edits, table);
const edits = () => Object.values(useSite.getState().edits);

beforeEach(() => {
  discard();
  useSite.setState({ view: VIEW });
});

describe("changes that are not saved yet", () => {
  it("name the keys that are different, and are gone when all is as before", () => {
    setKey("queues", "service", "priority", 9);
    setKey("queues", "service", "max_waiting", 3);
    expect(edits()).toEqual([{ table: "queues", id: "service", set: { priority: 9, max_waiting: 3 } }]);
    expect(rows("queues")[0]).toEqual({ id: "service", priority: 9, max_waiting: 3 });
    setKey("queues", "service", "priority", 5);
    setKey("queues", "service", "max_waiting", undefined);
    expect(edits()).toEqual([]);
  });
  it("take a key out with null, so that its default holds", () => {
    setKey("queues", "service", "priority", undefined);
    expect(edits()[0]?.set).toEqual({ priority: null });
    expect(rows("queues")[0]).toEqual({ id: "service" });
  });
  it("do not write a default that was not written", () => {
    setKey("queues", "order", "algorithm", "ring_all");
    setKey("queues", "order", "algorithm", "longest_idle");
    expect(edits()).toEqual([]);
  });
  it("add and remove rows, and one after the other is nothing", () => {
    addRow("queues", "vip", { name: "VIP" });
    removeRow("queues", "order");
    expect(rows("queues").map((row) => row["id"])).toEqual(["service", "vip"]);
    removeRow("queues", "vip");
    addRow("queues", "order", {});
    expect(rows("queues").map((row) => row["id"])).toEqual(["service", "order"]);
    expect(edits().some((edit) => edit.create)).toBe(false);
  });
  it("name a number by its number", () => {
    addRow("numbers", "95501", { flow: "main" });
    expect(rows("numbers")).toEqual([{ number: "95500" }, { number: "95501", flow: "main" }]);
  });
});

it("says what holds on a day: the own list, then the country's, then the week", () => {
  const week = { mon: ["09:00-18:00"], fri: ["09:00-12:00"] };
  const own = [{ day: "2026-10-02", hours: ["10:00-11:00"], name: "half" }];
  const country = [{ day: "2026-10-01" }, { day: "2026-10-02" }];
  expect(hoursOn("2026-10-05", week, own, country)).toMatchObject({ from: "week", hours: ["09:00-18:00"] });
  expect(hoursOn("2026-10-04", week, own, country)).toMatchObject({ from: "week", hours: [] });
  expect(hoursOn("2026-10-01", week, own, country)).toMatchObject({ from: "country", hours: [] });
  expect(hoursOn("2026-10-02", week, own, country)).toMatchObject({ from: "own", hours: ["10:00-11:00"] });
  expect(hoursOn("2028-02-29", week, own, country)).toMatchObject({ from: "week", hours: [] });
});

it("reads spans and conditions as people write them", () => {
  expect(spans("09:00-12:00，13:00-18:00")).toEqual(["09:00-12:00", "13:00-18:00"]);
  expect(pairsOf("class=vip, data.x=a=b,, y")).toEqual({ class: "vip", "data.x": "a=b" });
  expect(pairsText({ class: "vip", path: "menu:2" })).toBe("class=vip, path=menu:2");
});

it("has a sentence for every way to choose an agent, and a name for every field", async () => {
  const { adminZh } = await import("../i18n/adminZh");
  expect(Object.keys(adminZh.algorithm_is)).toEqual(ALGORITHMS);
  const names = (fields: (typeof SECTIONS)[string][number]["fields"]): string[] =>
    fields.flatMap((field) => [field.key, ...("fields" in field ? names(field.fields) : [])]);
  const shown = Object.values(SECTIONS).flatMap((sections) => sections.flatMap((section) => names(section.fields)));
  for (const key of shown) expect(Object.keys(adminZh.field), key).toContain(key);
});
