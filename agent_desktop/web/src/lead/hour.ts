/** The last hour in lines: what the server's points say, added up over what one looks at. Pure. */
import type { Docs } from "../engine/types";

export const MINUTES = 60;
export type Line = (number | null)[];
/** A point a minute up to `until` (epoch seconds), oldest first; null: nobody knows. */
export interface HourDoc {
  until: number;
  waiting: Line;
  good: Line;
  over: Line;
  ready: Line;
  talking: Line;
}
/** Sixty points each; `service`: 0 ... 100, null where no wait was over. */
export interface Hour {
  until: number;
  waiting: Line;
  service: Line;
  ready: Line;
  talking: Line;
}

/** Agents are counted by their groups, so that nobody is counted once for every queue; of one queue: its own. */
export function hourOf(docs: Docs, queue: string, team: string): Hour | null {
  const of = (prefix: string, id: string) =>
    Object.entries(docs)
      .filter(([key]) => (id ? key === prefix + id : key.startsWith(prefix)))
      .map(([, doc]) => doc as HourDoc);
  const queues = of("hour/queue/", queue);
  const people = queue && !team ? queues : of("hour/group/", team);
  const until = Math.max(0, ...[...queues, ...people].map((doc) => doc.until));
  if (until === 0) return null;
  const sum = (from: HourDoc[], line: keyof Omit<HourDoc, "until">): Line =>
    Array.from({ length: MINUTES }, (_, at) => {
      const values = from.map((doc) => pointOf(doc, line, until - (MINUTES - 1 - at) * 60)).filter((n) => n !== null);
      return values.length > 0 ? values.reduce((total, value) => total + value, 0) : null;
    });
  const [good, over] = [sum(queues, "good"), sum(queues, "over")];
  return {
    until,
    waiting: sum(queues, "waiting"),
    service: over.map((all, at) => (all ? (100 * (good[at] ?? 0)) / all : null)),
    ready: sum(people, "ready"),
    talking: sum(people, "talking"),
  };
}

function pointOf(doc: HourDoc, line: keyof Omit<HourDoc, "until">, at: number): number | null {
  const back = Math.round((doc.until - at) / 60);
  return doc[line][doc[line].length - 1 - back] ?? null;
}

/** An SVG path through the points there are, x 0 ... 59, y 0 at the top for `top` and `height` at the bottom for 0. */
export function path(line: Line, top: number, height: number): string {
  let drawn = "";
  let before = false;
  for (const [x, value] of line.entries()) {
    if (value === null) {
      before = false;
      continue;
    }
    const y = height - (Math.min(value, top) / top) * height;
    // A point without neighbours is a dot.
    drawn += before ? `L${x} ${y.toFixed(2)}` : `M${x} ${y.toFixed(2)}h0.01`;
    before = true;
  }
  return drawn;
}

export interface Told {
  now: number;
  least: number;
  most: number;
  since: number;
}
/** A line in words: its last value, the least, the most, and how many minutes ago the first is; null: nothing there. */
export function told(line: Line): Told | null {
  const known = line.filter((value) => value !== null);
  const now = known.at(-1);
  if (now === undefined) return null;
  const since = MINUTES - 1 - line.findIndex((value) => value !== null);
  return { now, least: Math.min(...known), most: Math.max(...known), since };
}
