/** The pages of team leads and administrators, and who may see which. Pure. */
import type { Login } from "../engine/types";

export type LeadPlace = "floor" | "calls" | "waiting" | "queues" | "callbacks" | "wallboard" | "admin";

export const PATHS: Record<LeadPlace, string> = {
  floor: "/lead",
  calls: "/lead/calls",
  waiting: "/lead/waiting",
  queues: "/lead/queues",
  callbacks: "/lead/callbacks",
  wallboard: "/wallboard",
  admin: "/admin",
};

export function maySee(role: Login["role"], place: LeadPlace): boolean {
  if (place === "calls") return role === "lead"; // administrators read who has listened, and listen to nobody
  return role === "admin" || (role === "lead" && place !== "admin");
}

/** What the navigation offers: a page that one may not see gets no link. */
export function placesOf(role: Login["role"]): LeadPlace[] {
  return (Object.keys(PATHS) as LeadPlace[]).filter((place) => maySee(role, place));
}

/** Where somebody belongs after the login: with a seat at the desktop, else on the floor. */
export function homeOf(login: Pick<Login, "role" | "agent">): string {
  return login.agent || login.role === "agent" ? "/" : PATHS.floor;
}
