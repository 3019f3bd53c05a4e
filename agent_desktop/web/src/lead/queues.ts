/** What the server says of the queues, and the emergency switch. */
import { request } from "../engine/api";
import type { Label } from "../engine/types";

export interface QueueNow {
  id: string;
  name: Label;
  open: boolean;
  closed_by: string;
  closed_reason: string;
  closed_at: number | null;
  changes_at: number | null;
  waiting: number;
  entered: number;
  ended: Record<string, number>;
  predicted_seconds: number | null;
  held: number | null;
  told: [number, number] | null;
}

const at = (queue: string) => `/api/v1/queues/${encodeURIComponent(queue)}`;

export const queues = {
  all: async () => (await request<{ queues: QueueNow[] }>("GET", "/api/v1/queues")).queues,
  close: (queue: string, reason: string) => request<unknown>("POST", `${at(queue)}/close`, { reason }),
  open: (queue: string) => request<unknown>("POST", `${at(queue)}/open`, {}),
};

/** The ends that happened, most frequent first; the key of each one's text. */
export function ends(row: QueueNow): { key: string; count: number }[] {
  return Object.entries(row.ended)
    .filter(([, count]) => count > 0)
    .sort(([a, n], [b, m]) => m - n || a.localeCompare(b))
    .map(([reason, count]) => ({ key: `queues.${reason === "closed" ? "end_closed" : reason}`, count }));
}
