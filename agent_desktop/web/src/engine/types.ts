/** Shapes of the documents and answers that the server sends. Times are epoch seconds of the server. */

export interface Label {
  zh: string;
  en: string;
}
/** Data of the site may be in one language (a plain string) or in both. */
export type Text = string | Label;

export interface Login {
  user: string;
  role: "agent" | "lead" | "admin";
  name: Text;
  /** The agent that he is; null: he takes no work. */
  agent: string | null;
  csrf: string;
}

export type AgentStateName = "null" | "not_ready" | "ready" | "reserved" | "busy" | "working_after_call";

export interface DeskPhone {
  id: string;
  name: Text;
}
/** `kind` desk: a SIP phone beside the computer rings, this page is only the screen. */
export interface PhoneDoc {
  kind: "browser" | "desk";
  desk: DeskPhone | null;
  lease: string;
  instance: string;
  registered: boolean;
  contact: boolean;
}

export interface MeDoc {
  agent: string;
  name: Text;
  signed_in: boolean;
  state: AgentStateName;
  since: number;
  ready: boolean;
  reason: string;
  chosen_by: string;
  pending: boolean;
  phone: PhoneDoc | null;
  own_phone: DeskPhone | null;
  /** The outside number that the site has for him. */
  own_number?: string;
  links: number;
  misses: number;
  handled: number;
  queues: string[];
  /** The last call that he dialled, when it came to nothing; `name` is the colleague's. */
  unanswered?: { number: string; name: Text | null; why: string; at: number } | null;
  notices: Notice[];
}
/** What a lead tells him, until he acknowledges it. `text`: of not_ready the reason's id. */
export interface Notice {
  id: string;
  kind: "message" | "ready" | "not_ready" | "signed_out";
  by: string;
  text: string;
  at: number;
}

export interface Named {
  id: string;
  name: Text;
}
export interface Disposition extends Named {
  queues: string[];
}
export interface SiteQueue {
  name: Text;
  disposition_required: boolean;
  wrap_up_seconds: number;
  service_level_seconds: number;
}
export interface SiteDoc {
  reasons: Named[];
  dispositions: Disposition[];
  queues: Record<string, SiteQueue>;
  desk_phones: boolean;
  /** Outside numbers can be called. */
  outside?: boolean;
}

/** A desk phone in the list of those that may be chosen; `user` has it now. */
export interface PhoneChoice extends DeskPhone {
  there: boolean;
  own: boolean;
  user: Text | null;
  in_call: boolean;
  /** No phone of the site: an outside number, which is the id. */
  outside?: boolean;
}

export interface QueueDoc {
  id: string;
  name: Text;
  waiting: number;
  longest_since: number | null;
  ready: number;
  staffed: number;
  talking: number;
}

export interface HistoryItem {
  at: number;
  kind: string;
  text: Text;
}
export interface Customer {
  id: string;
  code: string;
  name: string;
  classes: string[];
  language: string;
  manager: string;
  phones: string[];
  history: HistoryItem[];
}
export type PathStep = Text | { text?: Text; name?: Text; label?: Text };

/** Tries so far of at most `of`; why the last one came to nothing; when the next is planned. */
export interface CallbackDoc {
  tries: number;
  of: number;
  last: string;
  retry_at: number | null;
  booked_at: number;
}

/** Whom a customer can be sent to. */
export interface Directory {
  /** `ringing`: the contact that rings there and can be picked up. */
  agents: { id: string; name: Text; state: AgentStateName; since: number; reason: string; ringing?: string }[];
  queues: { id: string; name: Text; waiting: number; ready: number; closed: boolean }[];
  flows: { id: string }[];
}

/** An agent who had the customer before. */
export interface Handed {
  name: Text;
  queue: Text;
  note: string;
  at: number;
}

/** Another agent in the call; "agent": it is his talk. */
export interface PartyDoc {
  agent: string;
  name: Text;
  state: "agent" | "waiting" | "asked" | "ringing" | "consulting" | "joined";
  since: number;
  lost: boolean;
}

export interface WorkDoc {
  contact: string;
  conversation: string;
  reservation: string | null;
  kind: "offer" | "busy" | "wrap_up";
  since: number;
  queue: string;
  medium: string;
  caller: { number: string; name: string };
  dialled: string;
  customer: Customer | null;
  path: PathStep[];
  data: Record<string, unknown>;
  arrived_at: number;
  queued_at: number;
  ring_deadline: number | null;
  confirmed: boolean;
  ringing: boolean;
  talking_since: number | null;
  held: boolean;
  lost: boolean;
  recording: boolean;
  /** A team lead is in the call, and the site lets agents see it. */
  listened?: boolean;
  until: number | null;
  note: string;
  /** The customer of a callback is being called; `unreached`: he was, in vain. */
  calling: boolean;
  unreached: boolean;
  unreached_why?: string;
  /** Since when his phone is called (null: it is not, or not yet). */
  called_since?: number | null;
  /** The other agent of an internal call; `calls`: it is he who called. */
  partner?: { agent: string; name: Text; calls: boolean } | null;
  callback: CallbackDoc | null;
  handed: Handed[];
  /** "consult": a colleague has called him in; it is that one's talk. */
  task: "contact" | "consult";
  /** With whom the agent is whose talk it is. */
  side: "customer" | "consultee";
  parties: PartyDoc[];
  /** Who was called in last and is not there any more. */
  party_gone: { agent: string; name: Text; why: string; at: number } | null;
  why?: { rule?: string; chosen?: string; tie_break?: string } | null;
}

export interface CallRecord {
  conversation: string;
  contact: string;
  queue: string;
  caller_number: string;
  caller_name: string;
  customer: { id: string; name: string; code: string } | null;
  queued_at: number | null;
  answered_at: number | null;
  ended_at: number | null;
  talk_seconds: number | null;
  end_reason: string;
  disposition: string | null;
  note: string | null;
  recording: boolean;
  agent?: string | null;
  /** "outbound" and "internal": the agent dialled; an internal call went to his colleague `callee`. */
  medium?: string;
  callee?: string | null;
}

/** An agent's day up to `at`; seconds. */
export interface Day {
  at: number;
  handled: number;
  talk_seconds: number;
  longest_seconds: number;
  wrap_up_seconds: number;
  ready_seconds: number;
  ready: boolean;
  missed: number;
  internal?: number;
  internal_seconds?: number;
}

/** Who called for which queue, in any list. */
export interface ListedCaller {
  contact: string;
  conversation: string;
  queue: string;
  number: string;
  name: string;
  customer: { id: string; name: string; code: string } | null;
}

/** A call that rang in vain; `end_reason`: what became of the caller, "" = not over yet. */
export interface MissedOffer extends ListedCaller {
  at: number;
  end_reason: string;
}

export interface DeviceGrant {
  lease: string;
  username: string;
  password: string;
  domain: string;
  ws_path: string;
}

export interface DemoSite {
  numbers: { number: string; name: Text }[];
  callers: { phone: string; customer: { name: string; code: string; classes: string[] } | null }[];
  active: number;
  limit: number;
}
export interface DemoGrant {
  call: string;
  username: string;
  password: string;
  domain: string;
  ws_path: string;
}
export interface StoryItem {
  type: "story";
  at: number;
  kind: string;
  text: Text;
}

export type Docs = Record<string, unknown>;
export interface Snapshot {
  type: "snapshot";
  seq: number;
  now: number;
  docs: Docs;
}
export interface Delta {
  type: "delta";
  seq: number;
  prev: number;
  now: number;
  set: Docs;
  del: string[];
}
export interface Beat {
  type: "beat";
  now: number;
  seq: number;
}
export type Answer = { ok: true } | { ok: false; code: string; detail: string };
export type AnswerMessage = { type: "answer"; id: string; ok: boolean; code?: string; detail?: string };
export type ServerMessage = Snapshot | Delta | Beat | AnswerMessage;
