import { describe, expect, it } from "vitest";
import { duration, ServerClock } from "./clock";
import { fromSnapshot, withDelta, workOf } from "./docs";
import { NOTE_DELAY_MS, NOTE_LIMIT, NoteKeeper, type NoteState } from "./notes";
import { afterPaint } from "./paint";
import type { Answer, Docs } from "./types";

describe("documents", () => {
  it("old snapshot + its deltas == fresh snapshot", () => {
    let feed = fromSnapshot({ type: "snapshot", seq: 1, now: 0, docs: { a: 1, b: 2 } });
    const world: Docs = { a: 1, b: 2 };
    let random = 1;
    for (let seq = 2; seq < 200; seq += 1) {
      random = (random * 48271) % 2147483647;
      const key = "abcdef"[random % 6] as string;
      const gone = random % 3 === 0;
      if (gone) delete world[key];
      else world[key] = seq;
      const next = withDelta(feed, {
        type: "delta",
        seq,
        prev: seq - 1,
        now: 0,
        set: gone ? {} : { [key]: seq },
        del: gone ? [key] : [],
      });
      if (!next) throw new Error("a gap where there is none");
      feed = next;
    }
    expect(feed.docs).toEqual(world);
  });

  it("a delta leaves the documents before it untouched, and a gap is no delta", () => {
    const feed = fromSnapshot({ type: "snapshot", seq: 1, now: 0, docs: { a: 1 } });
    withDelta(feed, { type: "delta", seq: 2, prev: 1, now: 0, set: { a: 2 }, del: [] });
    expect(feed.docs).toEqual({ a: 1 });
    expect(withDelta(feed, { type: "delta", seq: 4, prev: 3, now: 0, set: {}, del: [] })).toBeNull();
    expect(withDelta(null, { type: "delta", seq: 2, prev: 1, now: 0, set: {}, del: [] })).toBeNull();
  });

  it("a talk comes before an offer, an offer before a wrap-up", () => {
    const doc = (contact: string, kind: string, since: number) => ({ contact, kind, since });
    const docs = {
      "work/1": doc("1", "wrap_up", 1),
      "work/2": doc("2", "offer", 2),
      "work/3": doc("3", "busy", 3),
      me: {},
    };
    expect(workOf(docs as never).map((work) => work.contact)).toEqual(["3", "2", "1"]);
  });
});

describe("the server's clock", () => {
  it("believes the quickest message, and starts afresh after a sleep", () => {
    let local = 1000;
    const clock = new ServerClock(() => local);
    clock.hear(1050 - 0.4);
    clock.hear(1050 - 0.01);
    clock.hear(1050 - 0.2);
    expect(clock.now()).toBeCloseTo(1049.99);
    local = 2000;
    clock.hear(2300);
    expect(clock.now()).toBeCloseTo(2300);
  });
  it("writes durations", () => {
    expect([0, 59.9, 75, 3675, -3].map(duration)).toEqual(["00:00", "00:59", "01:15", "1:01:15", "00:00"]);
  });
});

describe("confirming an offer", () => {
  const run = (hidden: boolean) => {
    const frames: (() => void)[] = [];
    const timers: (() => void)[] = [];
    let painted = 0;
    afterPaint(() => (painted += 1), {
      hidden: () => hidden,
      frame: (go) => frames.push(go),
      timer: (go) => timers.push(go),
    });
    return { frames, timers, painted: () => painted };
  };
  it("waits for the second frame after the commit", () => {
    const page = run(false);
    page.frames.shift()?.();
    expect(page.painted()).toBe(0);
    page.frames.shift()?.();
    expect(page.painted()).toBe(1);
    for (const timer of page.timers) timer();
    expect(page.painted()).toBe(1);
  });
  it("goes on without frames: at once in a hidden tab, after 100 ms in a window that gets none", () => {
    expect(run(true).painted()).toBe(1);
    const page = run(false);
    for (const timer of page.timers) timer();
    expect(page.painted()).toBe(1);
  });
});

describe("a note", () => {
  function write(answers: Answer[]) {
    const saved: string[] = [];
    const states: NoteState[] = [];
    const timers: { run: () => void; ms: number }[] = [];
    const keeper = new NoteKeeper("c", "", {
      save: async (_, text) => {
        saved.push(text);
        return answers.shift() ?? { ok: true };
      },
      onState: (state) => states.push(state),
      setTimer: (go, ms) => {
        timers.push({ run: go, ms });
        return timers.length - 1;
      },
      clearTimer: (index) => {
        const timer = timers[index as number];
        if (timer) timer.run = () => {};
      },
    });
    return { keeper, saved, states, timers };
  }
  it("is saved once, a moment after the last key", async () => {
    const { keeper, saved, timers } = write([]);
    for (const text of ["a", "ab", "abc"]) keeper.type(text);
    expect(timers.map((timer) => timer.ms)).toEqual([NOTE_DELAY_MS, NOTE_DELAY_MS, NOTE_DELAY_MS]);
    for (const timer of [...timers]) timer.run();
    await Promise.resolve();
    await Promise.resolve();
    expect(saved).toEqual(["abc"]);
    expect(keeper.state).toBe("clean");
  });
  it("is not lost with the link: it says so and tries again", async () => {
    const { keeper, saved, states, timers } = write([{ ok: false, code: "link_lost", detail: "" }]);
    keeper.type("abc");
    await keeper.flush();
    expect(states.at(-1)).toBe("failed");
    timers.at(-1)?.run();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(saved).toEqual(["abc", "abc"]);
    expect(states.at(-1)).toBe("clean");
  });
  it("is not overwritten by an older text while somebody types, but takes a newer one when clean", async () => {
    const { keeper } = write([]);
    keeper.type("mine");
    expect(keeper.hear("old")).toBe(false);
    await keeper.flush();
    expect(keeper.hear("from another window")).toBe(true);
    expect(keeper.text).toBe("from another window");
  });
  it("holds at most 4,000 characters", () => {
    const { keeper } = write([]);
    keeper.type("长".repeat(NOTE_LIMIT + 5));
    expect(keeper.text).toHaveLength(NOTE_LIMIT);
  });
});
