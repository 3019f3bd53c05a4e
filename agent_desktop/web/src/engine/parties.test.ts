import { describe, expect, it } from "vitest";
import { consultedIn, crowded, keyCommand } from "./parties";
import type { PartyDoc, WorkDoc } from "./types";

const party = (agent: string, state: PartyDoc["state"]): PartyDoc => ({
  agent,
  name: { zh: agent, en: agent },
  state,
  since: 0,
  lost: false,
});
const work = (parties: PartyDoc[], fields: Partial<WorkDoc> = {}) =>
  ({ kind: "busy", task: "contact", held: false, parties, ...fields }) as WorkDoc;
const keys = (doc: WorkDoc) => (["F3", "F4", "F6", "F10"] as const).map((key) => keyCommand(doc, key));

describe("a call with several people", () => {
  it("is one with somebody beside agent and customer", () => {
    expect(crowded(work([]))).toBe(false);
    expect(crowded(work([party("1002", "asked")]))).toBe(true);
    expect(crowded(work([party("1002", "asked")], { kind: "wrap_up" }))).toBe(false);
  });
  it("can be called off while it rings, and no more", () => {
    expect(keys(work([party("#queue", "waiting")]))).toEqual([undefined, "CancelConsult", undefined, undefined]);
    const ringing = work([party("1002", "ringing")]);
    expect(consultedIn(ringing)?.agent).toBe("1002");
    expect(keys(ringing)).toEqual([undefined, "CancelConsult", undefined, undefined]);
  });
  it("is swapped, handed over, merged or called off when he has answered", () => {
    const there = work([party("1003", "joined"), party("1002", "consulting")]);
    expect(consultedIn(there)?.agent).toBe("1002");
    expect(keys(there)).toEqual(["CompleteConsult", "CancelConsult", "SwapCall", "ConferenceCall"]);
  });
  it("is left by F4, and the customer can be held in it", () => {
    expect(keys(work([party("1002", "joined")]))).toEqual([undefined, "LeaveConference", "HoldCall", undefined]);
    expect(keyCommand(work([party("1002", "joined")], { held: true }), "F6")).toBe("RetrieveCall");
  });
  it("is another's for who was called in: he can only leave", () => {
    const asked = work([party("1001", "agent")], { task: "consult" });
    expect(consultedIn(asked)).toBeUndefined();
    expect(keys(asked)).toEqual([undefined, "HangUpCall", undefined, undefined]);
  });
});
