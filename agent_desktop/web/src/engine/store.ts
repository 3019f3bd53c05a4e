/** What the page knows, in one place: the server's documents, the link, the phone, the login. No behaviour. */
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { CHECK_KEY } from "./check";
import { ServerClock } from "./clock";
import { workOf } from "./docs";
import type { LinkStatus } from "./live";
import type { PhoneState } from "./phone";
import type { Docs, Login, MeDoc, QueueDoc, SiteDoc, WorkDoc } from "./types";

/** Why this page is or is not the agent's phone; "desk": a desk phone is. */
export type DeviceState = "none" | "asking" | "here" | "elsewhere" | "failed" | "desk";

export interface Notice {
  id: number;
  kind: "error" | "info";
  /** A rejection code, or a key under `notice.`. */
  code: string;
}

export interface AppState {
  screen: "boot" | "login" | "desktop" | "away";
  login: Login | null;
  /** Set when a login ended by itself. */
  ended: boolean;
  docs: Docs;
  seq: number;
  link: LinkStatus;
  device: DeviceState;
  phone: PhoneState;
  notice: Notice | null;
  /** Counts up when a piece of work has ended: the call list is to be fetched again. */
  callsVersion: number;
  /** Who tried his devices here on which day (`checkWord`). */
  checked: string;
}

export const store = createStore<AppState>(() => ({
  screen: "boot",
  login: null,
  ended: false,
  docs: {},
  seq: 0,
  link: "connecting",
  device: "none",
  phone: { status: "off", call: null, problem: null },
  notice: null,
  callsVersion: 0,
  checked: typeof localStorage === "undefined" ? "" : (localStorage.getItem(CHECK_KEY) ?? ""),
}));

export const clock = new ServerClock();
/** When the server was last heard, in performance.now(); not in the store, because it changes every second. */
export const pulse = { at: 0 };

export function useApp<T>(select: (state: AppState) => T): T {
  return useStore(store, select);
}

export const meOf = (state: AppState) => state.docs["me"] as MeDoc | undefined;
export const siteOf = (state: AppState) => state.docs["site"] as SiteDoc | undefined;
export const queueOf = (id: string) => (state: AppState) => state.docs[`queue/${id}`] as QueueDoc | undefined;

let workCache: { docs: Docs; work: WorkDoc[] } = { docs: {}, work: [] };
/** All work, the most urgent first; the same array as long as the documents are the same. */
export function workList(state: AppState): WorkDoc[] {
  if (workCache.docs !== state.docs) workCache = { docs: state.docs, work: workOf(state.docs) };
  return workCache.work;
}
export const currentWork = (state: AppState): WorkDoc | undefined => workList(state)[0];
