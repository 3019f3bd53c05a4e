/** What the live board shows, as the server's documents say it, and the figures made of them. Pure. */
import type { AgentStateName, Docs, Named, Text } from "../engine/types";

export interface FloorSite {
  reasons: Named[];
  groups: Record<string, Text>;
  queues: Record<string, { name: Text; service_level_seconds: number }>;
  floor: Thresholds;
}
export interface Thresholds {
  warn_waiting: number;
  bad_waiting: number;
  warn_longest_seconds: number;
  bad_longest_seconds: number;
  warn_service_percent: number;
  bad_service_percent: number;
  warn_talk_seconds: number;
  bad_talk_seconds: number;
  warn_wrap_up_seconds: number;
  bad_wrap_up_seconds: number;
  warn_not_ready_seconds: number;
  bad_not_ready_seconds: number;
  tiles: Tile[];
}
export type Figure =
  | "waiting"
  | "longest"
  | "service_now"
  | "service_today"
  | "ready"
  | "busy"
  | "staffed"
  | "answered"
  | "lost";
export const FIGURES: Figure[] = [
  "waiting",
  "longest",
  "service_now",
  "service_today",
  "ready",
  "busy",
  "staffed",
  "answered",
  "lost",
];
export interface Tile {
  figure: Figure;
  queue?: string;
}
export interface AgentCall {
  conversation: string;
  contact: string;
  kind: "reserved" | "busy" | "wrap_up";
  queue: string;
  number: string;
  name: string;
  since: number;
  held: boolean;
  lost: boolean;
}
export interface FloorAgent {
  id: string;
  name: Text;
  group: string;
  state: AgentStateName;
  since: number;
  ready: boolean;
  reason: string;
  chosen_by: string;
  pending: boolean;
  reachable: boolean;
  call: AgentCall | null;
  skills: Record<string, number>;
  queues: string[];
  own_queues: string[];
  handled: number;
  unread: number;
}
export interface FloorQueue {
  id: string;
  open: boolean;
  waiting: number;
  longest_since: number | null;
  predicted: number | null;
  service_now: number | null;
  service_today: number | null;
  good_now: number;
  over_now: number;
  good_today: number;
  answered_today: number;
  lost_today: number;
  ready: number;
  busy: number;
  staffed: number;
}
export interface FloorCall {
  conversation: string;
  contact: string;
  queue: string;
  place: string;
  state: string;
  number: string;
  name: string;
  agents: string[];
  since: number;
  arrived_at: number;
  priority: number;
  head: boolean;
  prefer: string;
  callback: boolean;
}

export type Level = "" | "warn" | "bad";

function kind<T>(docs: Docs, prefix: string): T[] {
  return Object.entries(docs)
    .filter(([key]) => key.startsWith(prefix))
    .map(([, doc]) => doc as T);
}
export const siteIn = (docs: Docs) => docs["site"] as FloorSite | undefined;
export const agentsIn = (docs: Docs) => kind<FloorAgent>(docs, "agent/");
export const callsIn = (docs: Docs) =>
  kind<FloorCall>(docs, "call/").sort((a, b) => a.since - b.since || a.conversation.localeCompare(b.conversation));
/** In the site's order. */
export const queuesIn = (docs: Docs) =>
  Object.keys(siteIn(docs)?.queues ?? {})
    .map((id) => docs[`queue/${id}`] as FloorQueue | undefined)
    .filter((queue) => queue !== undefined);

/** The larger the worse. */
export function above(value: number | null, warn: number, bad: number): Level {
  if (value === null) return "";
  return value >= bad ? "bad" : value >= warn ? "warn" : "";
}
/** The smaller the worse; a share 0 ... 1 against percents. */
export function below(share: number | null, warn: number, bad: number): Level {
  if (share === null) return "";
  const percent = Math.round(share * 1000) / 10;
  return percent < bad ? "bad" : percent < warn ? "warn" : "";
}
const LONG: Partial<Record<AgentStateName, "talk" | "wrap_up" | "not_ready">> = {
  busy: "talk",
  working_after_call: "wrap_up",
  not_ready: "not_ready",
};
/** How long an agent has been in his state is coloured where it may be too long. */
export function tooLong(agent: FloorAgent, now: number, floor: Thresholds): Level {
  const of = LONG[agent.state];
  return of ? above(now - agent.since, floor[`warn_${of}_seconds`], floor[`bad_${of}_seconds`]) : "";
}

export interface Filters {
  team: string;
  queue: string;
  state: string;
}
/** `state` "present": whoever is signed in. */
export function filtered(agents: FloorAgent[], { team, queue, state }: Filters): FloorAgent[] {
  return agents.filter(
    (agent) =>
      (!team || agent.group === team) &&
      (!queue || agent.queues.includes(queue)) &&
      (!state || (state === "present" ? agent.state !== "null" : agent.state === state)),
  );
}

export type SortKey = "agent" | "status" | "since" | "call" | "handled";
const FIRST: AgentStateName[] = ["reserved", "busy", "working_after_call", "not_ready", "ready", "null"];
const KEYS: Record<SortKey, (agent: FloorAgent) => number | string> = {
  agent: (agent) => agent.id,
  status: (agent) => FIRST.indexOf(agent.state),
  since: (agent) => (agent.state === "null" ? Number.POSITIVE_INFINITY : agent.since),
  call: (agent) => agent.call?.since ?? Number.POSITIVE_INFINITY,
  handled: (agent) => -agent.handled,
};
/** Equal ones by id, so that no row jumps. */
export function sorted(agents: FloorAgent[], by: SortKey, down: boolean): FloorAgent[] {
  const key = KEYS[by];
  return [...agents].sort((a, b) => {
    const [one, other] = [key(a), key(b)];
    const order = one < other ? -1 : one > other ? 1 : 0;
    return (down ? -order : order) || a.id.localeCompare(b.id);
  });
}

/**
 * All queues as one: what a tile without a queue shows. Staff is counted once, whatever queues they serve; a service level is
 * of all waits together, each judged by its own queue's seconds.
 */
export function together(queues: FloorQueue[], agents: FloorAgent[]): FloorQueue {
  const sum = (of: (queue: FloorQueue) => number) => queues.reduce((total, queue) => total + of(queue), 0);
  const since = queues.map((queue) => queue.longest_since).filter((at) => at !== null);
  const [answered, lost] = [sum((queue) => queue.answered_today), sum((queue) => queue.lost_today)];
  const [good, over] = [sum((queue) => queue.good_now), sum((queue) => queue.over_now)];
  const state = (...names: AgentStateName[]) => agents.filter((agent) => names.includes(agent.state)).length;
  return {
    id: "",
    open: queues.some((queue) => queue.open),
    waiting: sum((queue) => queue.waiting),
    longest_since: since.length > 0 ? Math.min(...since) : null,
    predicted: null,
    service_now: over > 0 ? good / over : null,
    service_today: answered + lost > 0 ? sum((queue) => queue.good_today) / (answered + lost) : null,
    good_now: good,
    over_now: over,
    good_today: sum((queue) => queue.good_today),
    answered_today: answered,
    lost_today: lost,
    ready: state("ready"),
    busy: state("reserved", "busy", "working_after_call"),
    staffed: agents.length - state("null"),
  };
}

export const DEFAULT_TILES: Tile[] = (
  ["waiting", "longest", "service_now", "service_today", "ready", "busy", "answered", "lost"] as const
).map((figure) => ({ figure }));

/** A tile's value: a number, seconds (`longest`) or a share (service levels); null = nothing to show. */
export function tileValue(figure: Figure, queue: FloorQueue, now: number): number | null {
  switch (figure) {
    case "longest":
      return queue.longest_since === null ? 0 : Math.max(0, now - queue.longest_since);
    case "answered":
      return queue.answered_today;
    case "lost":
      return queue.lost_today;
    default:
      return queue[figure];
  }
}
export function tileLevel(figure: Figure, value: number | null, floor: Thresholds): Level {
  switch (figure) {
    case "waiting":
      return above(value, floor.warn_waiting, floor.bad_waiting);
    case "longest":
      return above(value, floor.warn_longest_seconds, floor.bad_longest_seconds);
    case "service_now":
    case "service_today":
      return below(value, floor.warn_service_percent, floor.bad_service_percent);
    default:
      return "";
  }
}

export interface Alarm {
  kind: "nobody" | "waiting" | "service";
  queue: FloorQueue;
}
/** The worst there is, for the one line of the wallboard; null: all is well. */
export function alarm(queues: FloorQueue[], now: number, floor: Thresholds): Alarm | null {
  const nobody = queues.find((queue) => queue.waiting > 0 && queue.staffed === 0);
  if (nobody) return { kind: "nobody", queue: nobody };
  const late = queues
    .filter((queue) => tileLevel("longest", tileValue("longest", queue, now), floor) === "bad")
    .sort((a, b) => (a.longest_since ?? now) - (b.longest_since ?? now))[0];
  if (late) return { kind: "waiting", queue: late };
  const many = queues.find((queue) => tileLevel("waiting", queue.waiting, floor) === "bad");
  if (many) return { kind: "waiting", queue: many };
  const poor = queues.find((queue) => tileLevel("service_now", queue.service_now, floor) === "bad");
  return poor ? { kind: "service", queue: poor } : null;
}

/** Tells that it is done, or why not; true = done. */
export type Act = (work: Promise<unknown>) => Promise<boolean>;
