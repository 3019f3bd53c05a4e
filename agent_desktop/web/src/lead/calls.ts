/** Who talks now, and a lead's own place in a call: his softphone, and who hears whom. No screen. */
import { api, request, socketUrl } from "../engine/api";
import { openJsSip } from "../engine/jssip";
import { type PhoneState, SoftPhone } from "../engine/phone";
import { openMicrophone, speaker } from "../engine/sound";
import type { DeviceGrant, Label } from "../engine/types";

export type Mode = "listen" | "whisper" | "barge";
export interface MonitorNow {
  user: string;
  mode: Mode;
  since: number;
  mode_since: number;
  there: boolean;
}
export interface Talk {
  conversation: string;
  agent: string | null;
  agent_name: Label | null;
  queue: string;
  queue_name: Label | null;
  number: string;
  caller: string;
  customer: string;
  state: "talking" | "held" | "waiting" | "calling" | "ivr" | "new" | "booked";
  since: number;
  monitor: MonitorNow | null;
  may_listen: boolean;
}
export interface SeatPhoneDoc {
  lease: string;
  instance: string;
  desk: string;
  contact: boolean;
}
export interface TalksNow {
  now: number;
  talks: Talk[];
  phone: SeatPhoneDoc | null;
}

const of = (conversation: string) => `/api/v1/talks/${encodeURIComponent(conversation)}`;
const post = (path: string, body: object = {}) => request<unknown>("POST", path, body);

export const talks = {
  monitor: (conversation: string, mode: Mode) => post(`${of(conversation)}/monitor`, { mode }),
  change: (conversation: string, mode: Mode) => post(`${of(conversation)}/monitor/change`, { mode }),
  stop: (conversation: string) => post(`${of(conversation)}/monitor/stop`),
  takeOver: (conversation: string) => post(`${of(conversation)}/take-over`),
  hold: (conversation: string) => post(`${of(conversation)}/hold`),
  retrieve: (conversation: string) => post(`${of(conversation)}/retrieve`),
  hangUp: (conversation: string) => post(`${of(conversation)}/hang-up`),
  /** `to`: one of queue, to_agent, flow. */
  transfer: (conversation: string, to: Record<string, string>) => post(`${of(conversation)}/transfer`, to),
  disconnect: (conversation: string) => post(`${of(conversation)}/disconnect`),
  desk: (phone: string) => post("/api/v1/seat/phone/desk", { phone, take_over: true }),
  phones: api.phones,
};

/** The call that this user is in: he listens, or he has taken it over. */
export function mine(list: Talk[], user: string): { talk: Talk; taken: boolean } | null {
  for (const talk of list) {
    if (talk.agent === `@${user}`) return { talk, taken: true };
    if (talk.monitor?.user === user) return { talk, taken: false };
  }
  return null;
}

/** The key of the sentence that says who is heard and who hears me, under `calls.hears`. */
export function whoHears(talk: Talk, taken: boolean): string {
  if (taken) return talk.state === "talking" ? "taken" : talk.state === "held" ? "taken_held" : "taken_lost";
  if (!talk.monitor?.there) return "ringing";
  if (talk.state === "talking") return talk.monitor.mode;
  if (talk.state === "held") return talk.monitor.mode === "listen" ? "held_listen" : "held_heard";
  return "waiting";
}

const LEASE_KEY = "hollyhock.seat-lease";
const READY_MS = 6000;

/** This page as the lead's phone: taken with the first click, kept over a reload. */
export class SeatPhone {
  readonly phone: SoftPhone;
  #instance = crypto.randomUUID();
  #lease = sessionStorage.getItem(LEASE_KEY);
  #ready: (() => void)[] = [];

  constructor(onChange: (state: PhoneState) => void) {
    this.phone = new SoftPhone({
      open: openJsSip,
      microphone: openMicrophone,
      play: speaker(),
      onChange,
      onRegistered: () => void this.#say(),
    });
  }

  get held(): boolean {
    return this.#lease !== null;
  }

  /** Resolves when calls can ring here. Rejects with an ApiError, or when it takes too long. */
  async take(): Promise<void> {
    const body = { instance: this.#instance, lease: this.#lease, take_over: true };
    const grant = await request<DeviceGrant>("POST", "/api/v1/seat/phone", body);
    this.#lease = grant.lease;
    sessionStorage.setItem(LEASE_KEY, grant.lease);
    const ready = new Promise<void>((resolve, reject) => {
      this.#ready.push(resolve);
      setTimeout(() => reject(new Error("no_phone")), READY_MS);
    });
    await this.phone.start({ ...grant, url: socketUrl(grant.ws_path), register: true });
    await ready;
  }

  async #say(): Promise<void> {
    await request("POST", "/api/v1/seat/phone/ready", { lease: this.#lease, instance: this.#instance });
    for (const done of this.#ready.splice(0)) done();
  }

  /** Another device is his phone now. */
  drop(): void {
    this.phone.stop(true);
    this.#lease = null;
    sessionStorage.removeItem(LEASE_KEY);
  }
}
