/** What the team lead's page asks and hears: who waits (live), and the answer for one contact or offer. */
import { useEffect, useState } from "react";
import { ApiError, request } from "../engine/api";
import type { Text } from "../engine/types";
import { useLiveList } from "./live";

export interface Waiting {
  contact: string;
  queue: string;
  queue_name: Text;
  medium: string;
  entered_at: number;
  due: number;
  head: boolean;
  offers: number;
  offered_to: string[];
  requires: string;
  step: number;
  steps: number;
  able: number;
}
export interface WaitingNow {
  now: number;
  count: number;
  waiting: Waiting[];
}
export interface Obstacle {
  reason: string;
  missing?: string[];
  left?: number;
  since?: number;
  about?: string;
}
export interface AgentAnswer {
  agent: string;
  name: Text;
  place?: number;
  keys?: number[];
  obstacles?: Obstacle[];
  skills?: Record<string, number>;
}
export interface Ahead {
  contact: string;
  queue: string;
  by: string;
  seconds: number;
  agents: number;
}
export interface Step {
  number: number;
  of: number;
  ends_at?: number;
  ends_below_available?: number;
  ends_over_predicted?: number;
  next_requires?: string;
  next_agents?: string[];
  next_count?: number;
  next_free?: number;
}
export interface Told {
  contact: string;
  queue: string;
  queue_name: Text;
  at: number;
  state: string;
  verdict: string;
  entered_at: number;
  queued_at: number;
  objective: number;
  queue_priority: number;
  head_start: number;
  due: number;
  offers: number;
  requires: string;
  algorithm: string;
  names: string[];
  agents: AgentAnswer[];
  eligible: number;
  excluded: Record<string, number>;
  parts: { requires: string; agents: number; free: number }[];
  nearest: string[];
  place: number;
  queue_length: number;
  ahead: Ahead[];
  ahead_count: number;
  rules: string[];
  only_agent: string | null;
  prefer: string | null;
  prefer_until: number;
  step: Step | null;
  opening: { at: number; delay: number; agents: string[]; count: number } | null;
}
export interface Why {
  rule: string;
  chosen: string[];
  candidates: { agent: string }[];
  excluded: Record<string, number>;
  tie_break: string;
  requires?: string;
  rules?: string[];
}
export interface Answer {
  subject: "contact" | "offer";
  contact: string;
  queue: string;
  reservation: string | null;
  record: Why | null;
  told: Told | null;
  untold: string;
  history: { at: number; event: string; agents?: string[]; reservation?: string | null; about?: string }[];
}

/** Who waits, as the server sends it. */
export function useWaiting(onEnded: () => void): { list: WaitingNow | null; away: boolean } {
  return useLiveList<WaitingNow>("/api/v1/waiting/live", onEnded);
}

/** Asks again whenever `version` changes; the last answer stays until the next is there. */
export function useAnswer(id: string, version: string): { answer: Answer | null; failed: string; ask: () => void } {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [failed, setFailed] = useState("");
  const [count, setCount] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version means a new answer
  useEffect(() => {
    let over = false;
    if (!id) return setAnswer(null);
    const path = id.startsWith("r") ? `offers/${encodeURIComponent(id)}` : `contacts/${encodeURIComponent(id)}`;
    request<Answer>("GET", `/api/v1/${path}/why`).then(
      (found) => {
        if (over) return;
        setAnswer(found);
        setFailed("");
      },
      (error: unknown) => {
        if (over) return;
        setAnswer(null);
        setFailed(error instanceof ApiError ? error.code : "failed");
      },
    );
    return () => {
      over = true;
    };
  }, [id, version, count]);
  return { answer, failed, ask: () => setCount((n) => n + 1) };
}
