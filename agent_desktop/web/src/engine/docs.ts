/** The documents as the server last told them: a snapshot, then deltas without a gap. Pure. */
import type { Delta, Docs, Snapshot, WorkDoc } from "./types";

export interface Feed {
  seq: number;
  docs: Docs;
}

export function fromSnapshot(message: Snapshot): Feed {
  return { seq: message.seq, docs: message.docs };
}

/** The feed after the delta, or null when something was missed: then only a new snapshot tells the truth. */
export function withDelta(feed: Feed | null, message: Delta): Feed | null {
  if (!feed || message.prev !== feed.seq) return null;
  const docs = { ...feed.docs, ...message.set };
  for (const key of message.del ?? []) delete docs[key];
  return { seq: message.seq, docs };
}

const URGENCY = { busy: 0, offer: 1, wrap_up: 2 } as const;

/** All work of the agent, the most urgent first: a talk before an offer before a wrap-up. */
export function workOf(docs: Docs): WorkDoc[] {
  return Object.entries(docs)
    .filter(([key]) => key.startsWith("work/"))
    .map(([, doc]) => doc as WorkDoc)
    .sort((a, b) => URGENCY[a.kind] - URGENCY[b.kind] || a.since - b.since || a.contact.localeCompare(b.contact));
}
