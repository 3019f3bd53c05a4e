/** What the server says of lost callers and booked callbacks, and what a lead does about them. */
import { request } from "../engine/api";
import type { Label, ListedCaller } from "../engine/types";

export interface LostCaller extends ListedCaller {
  dialled: string;
  queued_at: number;
  ended_at: number;
  reason: string;
  callback_end: string;
}

export interface OpenCallback extends ListedCaller {
  state: "waiting" | "reserved" | "connected" | "scheduled";
  booked_at: number;
  queued_at: number;
  keep_until: number;
  by: string;
  tries: number;
  of: number;
  last: string;
  retry_at: number | null;
}

const at = (contact: string) => encodeURIComponent(contact);

export const lists = {
  lost: async () => (await request<{ callers: LostCaller[] }>("GET", "/api/v1/lost-callers")).callers,
  open: () => request<{ callbacks: OpenCallback[]; queues: Record<string, Label> }>("GET", "/api/v1/callbacks"),
  book: (contact: string) => request<unknown>("POST", `/api/v1/lost-callers/${at(contact)}/callback`, {}),
  dismiss: (contact: string) => request<unknown>("POST", `/api/v1/lost-callers/${at(contact)}/dismiss`, {}),
  cancel: (contact: string) => request<unknown>("POST", `/api/v1/callbacks/${at(contact)}/cancel`, {}),
};

/** The key of the text that says why the last try came to nothing; '' = there was none. */
export function lastKey(last: string): string {
  if (!last) return "";
  return last === "failed" ? "callbacks.failed_try" : last === "lost" ? "callbacks.lost_try" : `callbacks.${last}`;
}
