/** Which device is the agent's phone, as the server's documents tell it. No side effects: desktop.ts acts on it. */
import type { DeviceState } from "./store";
import type { MeDoc } from "./types";

/**
 * What the page's device state becomes when `me` replaces `before`. A desk phone counts when it has just become the
 * phone, not while an old document still names it: this page may be taking over from it in this very moment.
 */
export function deviceAfter(
  device: DeviceState,
  before: MeDoc | undefined,
  me: MeDoc,
  lease: string | null,
): DeviceState {
  const phone = me.phone;
  if (!me.signed_in) return device === "here" && before?.signed_in ? "none" : device === "desk" ? "none" : device;
  if (phone?.kind === "desk" && phone.lease !== before?.phone?.lease) return "desk";
  if (device === "desk") return phone?.kind === "desk" ? "desk" : phone ? "elsewhere" : "none";
  if (device === "here") return phone && lease && phone.lease !== lease && phone.kind !== "desk" ? "elsewhere" : "here";
  if (device === "elsewhere") return phone ? "elsewhere" : "none";
  if (device === "none" && phone && phone.lease !== lease) return phone.kind === "desk" ? "desk" : "elsewhere";
  return device;
}

/** Whether calls can ring for him: on this page, or on his desk phone. */
export function canRing(device: DeviceState, softphoneReady: boolean, me: MeDoc | undefined): boolean {
  if (device === "desk") return me?.phone?.contact ?? false;
  return device === "here" && softphoneReady;
}
