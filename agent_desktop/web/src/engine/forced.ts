/** Who set the agent to what he is, if it was not himself. Pure. */
import type { MeDoc } from "./types";

export type Chooser = "lead" | "system" | null;

/** What the server does by itself has sentences of its own (`call.idle_<reason>`). */
const BY_RULE = new Set(["device_lost", "misses"]);

/** `user`: who is logged in here; he may be called otherwise than his seat. */
export function chooser(me: MeDoc | undefined, user: string): Chooser {
  const by = me?.chosen_by;
  if (!me?.signed_in || !by || by === me.agent || by === user || BY_RULE.has(by)) return null;
  return by === "auditor" ? "system" : "lead";
}
