import { describe, expect, it, vi } from "vitest";
import { callsEn } from "../i18n/callsEn";
import { callsZh } from "../i18n/callsZh";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => {}, removeItem: () => {} });
const { mine, whoHears } = await import("./calls");
type Talk = import("./calls").Talk;

const talk = (more: Partial<Talk>): Talk => ({
  conversation: "c0-1",
  agent: "1001",
  agent_name: null,
  queue: "service",
  queue_name: null,
  number: "13900000001",
  caller: "",
  customer: "",
  state: "talking",
  since: 0,
  monitor: { user: "2001", mode: "listen", since: 0, mode_since: 0, there: true },
  may_listen: true,
  ...more,
});

describe("a team lead in a call", () => {
  it("is told in words, in both languages, who hears him in every situation", () => {
    const monitor = talk({}).monitor;
    if (!monitor) throw new Error("no monitor");
    const said = new Set<string>();
    for (const state of ["talking", "held", "waiting", "ivr"] as const) {
      for (const mode of ["listen", "whisper", "barge"] as const)
        for (const there of [true, false])
          said.add(whoHears(talk({ state, monitor: { ...monitor, mode, there } }), false));
      said.add(whoHears(talk({ state, agent: "@2001", monitor: null }), true));
    }
    expect([...said].sort()).toEqual(Object.keys(callsZh.hears).sort());
    expect(Object.keys(callsEn.hears)).toEqual(Object.keys(callsZh.hears));
    expect(whoHears(talk({}), false)).toBe("listen");
    expect(whoHears(talk({ state: "waiting" }), false)).toBe("waiting");
  });

  it("finds his own call, listened to or taken over, and nobody else's", () => {
    expect(mine([talk({})], "2001")?.taken).toBe(false);
    expect(mine([talk({ agent: "@2001", monitor: null })], "2001")?.taken).toBe(true);
    expect(mine([talk({})], "2002")).toBeNull();
  });
});
