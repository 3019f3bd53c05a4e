/** Who is in the call beside the agent, and what his keys do then. Pure. */
import type { PartyDoc, WorkDoc } from "./types";

/** Who is being consulted; at most one at a time, whoever is in the conference. */
export function consultedIn(work: WorkDoc): PartyDoc | undefined {
  if (work.task === "consult") return undefined;
  return work.parties?.find((one) => one.state !== "joined" && one.state !== "agent");
}

/** Whether the call bar shows several people. */
export function crowded(work: WorkDoc): boolean {
  return work.kind === "busy" && (work.parties?.length ?? 0) > 0;
}

/** The command that a key gives in such a call; undefined: none of its own. */
export function keyCommand(work: WorkDoc, key: "F3" | "F4" | "F6" | "F10"): string | undefined {
  if (work.task === "consult") return key === "F4" ? "HangUpCall" : undefined;
  const one = consultedIn(work);
  if (!one) {
    if (key === "F4") return "LeaveConference";
    return key === "F6" ? (work.held ? "RetrieveCall" : "HoldCall") : undefined;
  }
  if (key === "F4") return "CancelConsult";
  if (one.state !== "consulting") return undefined;
  return { F3: "CompleteConsult", F6: "SwapCall", F10: "ConferenceCall" }[key];
}
