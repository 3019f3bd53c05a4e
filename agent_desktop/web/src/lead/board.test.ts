import { describe, expect, it } from "vitest";
import {
  above,
  agentsIn,
  alarm,
  below,
  type FloorAgent,
  type FloorQueue,
  filtered,
  sorted,
  type Thresholds,
  tileLevel,
  tileValue,
  together,
  tooLong,
} from "./board";

const FLOOR: Thresholds = {
  warn_waiting: 3,
  bad_waiting: 8,
  warn_longest_seconds: 30,
  bad_longest_seconds: 60,
  warn_service_percent: 90,
  bad_service_percent: 80,
  warn_talk_seconds: 600,
  bad_talk_seconds: 1200,
  warn_wrap_up_seconds: 90,
  bad_wrap_up_seconds: 180,
  warn_not_ready_seconds: 900,
  bad_not_ready_seconds: 1800,
  tiles: [],
};
const agent = (id: string, fields: Partial<FloorAgent> = {}): FloorAgent => ({
  id,
  name: id,
  group: "a",
  state: "ready",
  since: 100,
  ready: true,
  reason: "",
  chosen_by: id,
  pending: false,
  reachable: true,
  call: null,
  skills: {},
  queues: ["service"],
  own_queues: [],
  handled: 0,
  unread: 0,
  ...fields,
});
const queue = (id: string, fields: Partial<FloorQueue> = {}): FloorQueue => ({
  id,
  open: true,
  waiting: 0,
  longest_since: null,
  predicted: null,
  service_now: null,
  service_today: null,
  good_now: 0,
  over_now: 0,
  good_today: 0,
  answered_today: 0,
  lost_today: 0,
  ready: 1,
  busy: 0,
  staffed: 1,
  ...fields,
});

describe("thresholds", () => {
  it("colours from the limit on, and not what is unknown", () => {
    expect([2, 3, 7, 8].map((n) => above(n, 3, 8))).toEqual(["", "warn", "warn", "bad"]);
    expect([0.95, 0.9, 0.899, 0.8, 0.79].map((n) => below(n, 90, 80))).toEqual(["", "", "warn", "warn", "bad"]);
    expect(below(null, 90, 80)).toBe("");
    expect(above(null, 3, 8)).toBe("");
  });
  it("an agent's state is too long only where it may be", () => {
    expect(tooLong(agent("1", { since: 0 }), 9999, FLOOR)).toBe("");
    expect(tooLong(agent("1", { state: "not_ready", since: 0 }), 1000, FLOOR)).toBe("warn");
    expect(tooLong(agent("1", { state: "busy", since: 0 }), 1200, FLOOR)).toBe("bad");
    expect(tooLong(agent("1", { state: "working_after_call", since: 0 }), 89, FLOOR)).toBe("");
  });
});

describe("filters and sorting", () => {
  const all = [
    agent("3", { state: "null", queues: [] }),
    agent("1", { handled: 2, since: 300 }),
    agent("2", { state: "busy", group: "b", handled: 2, since: 200 }),
  ];
  it("by team, queue and state", () => {
    const ids = (team: string, of: string, state: string) => filtered(all, { team, queue: of, state }).map((a) => a.id);
    expect(ids("", "", "")).toEqual(["3", "1", "2"]);
    expect(ids("b", "", "")).toEqual(["2"]);
    expect(ids("", "service", "")).toEqual(["1", "2"]);
    expect(ids("", "", "present")).toEqual(["1", "2"]);
    expect(ids("", "", "busy")).toEqual(["2"]);
  });
  it("equal ones stay in the order of their ids, either way", () => {
    expect(sorted(all, "handled", false).map((a) => a.id)).toEqual(["1", "2", "3"]);
    expect(sorted(all, "handled", true).map((a) => a.id)).toEqual(["3", "1", "2"]);
    expect(sorted(all, "since", false).map((a) => a.id)).toEqual(["2", "1", "3"]);
    expect(sorted(all, "status", false).map((a) => a.id)).toEqual(["2", "1", "3"]);
  });
  it("reads agents out of the documents", () => {
    expect(agentsIn({ "agent/1": agent("1"), "queue/1": queue("1") }).map((a) => a.id)).toEqual(["1"]);
  });
});

describe("wallboard", () => {
  it("adds queues up and counts an agent of two queues once", () => {
    const one = queue("a", {
      waiting: 2,
      longest_since: 50,
      good_today: 3,
      answered_today: 4,
      lost_today: 1,
      service_now: 1,
      good_now: 8,
      over_now: 8,
    });
    const other = queue("b", { waiting: 1, longest_since: 40, service_now: 0.5, good_now: 1, over_now: 2 });
    const all = together([one, other], [agent("1", { queues: ["a", "b"] }), agent("2", { state: "null" })]);
    expect([all.waiting, all.longest_since, all.service_today, all.staffed, all.ready]).toEqual([3, 40, 0.6, 1, 1]);
    expect(all.service_now, "of all waits, neither the worst queue's nor the mean of the queues").toBe(0.9);
    expect(together([], []).service_today).toBeNull();
  });
  it("values and levels of tiles", () => {
    const one = queue("a", { waiting: 8, longest_since: 40 });
    expect(tileValue("longest", one, 100)).toBe(60);
    expect(tileLevel("longest", 60, FLOOR)).toBe("bad");
    expect(tileLevel("waiting", 8, FLOOR)).toBe("bad");
    expect(tileLevel("service_today", 0.85, FLOOR)).toBe("warn");
    expect(tileLevel("ready", 0, FLOOR)).toBe("");
  });
  it("says the worst thing first", () => {
    const late = queue("late", { waiting: 1, longest_since: 0 });
    const nobody = queue("nobody", { waiting: 1, longest_since: 90, staffed: 0 });
    const poor = queue("poor", { service_now: 0.5 });
    expect(alarm([poor, late, nobody], 100, FLOOR)?.queue.id).toBe("nobody");
    expect(alarm([poor, late], 100, FLOOR)).toEqual({ kind: "waiting", queue: late });
    expect(alarm([poor], 100, FLOOR)).toEqual({ kind: "service", queue: poor });
    expect(alarm([queue("calm")], 100, FLOOR)).toBeNull();
  });
});
