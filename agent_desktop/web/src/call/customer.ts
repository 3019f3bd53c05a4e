/** The customer's phone as a machine without a screen: one call at a time, its captions and its story. */
import { create } from "zustand";
import { ApiError, api, socketUrl } from "../engine/api";
import { openJsSip } from "../engine/jssip";
import { type PhoneState, SoftPhone } from "../engine/phone";
import { openMicrophone, speaker, wakeAudio } from "../engine/sound";
import type { DemoSite, StoryItem } from "../engine/types";

export type CustomerStatus = "idle" | "dialling" | "talking" | "ended";

interface CustomerState {
  site: DemoSite | null;
  /** A code of `reject.`, when the demo cannot be used. */
  unusable: string;
  status: CustomerStatus;
  phone: PhoneState;
  /** Local epoch seconds; this page has no server clock. */
  startedAt: number;
  endedAt: number;
  /** A key under `phonepage.cause_` or a rejection code. */
  problem: string;
  story: StoryItem[];
  /** Keys pressed, shown above the keypad. */
  digits: string;
}

export const useCustomer = create<CustomerState>(() => ({
  site: null,
  unusable: "",
  status: "idle",
  phone: { status: "off", call: null, problem: null },
  startedAt: 0,
  endedAt: 0,
  problem: "",
  story: [],
  digits: "",
}));

const set = useCustomer.setState;
const get = useCustomer.getState;
const seconds = () => Date.now() / 1000;

let number = "";
let storySocket: WebSocket | null = null;
let patience: ReturnType<typeof setTimeout> | null = null;

export const customerPhone = new SoftPhone({
  open: openJsSip,
  microphone: openMicrophone,
  play: speaker(),
  onChange: (phone) => {
    const before = get().phone;
    set({ phone });
    if (phone.status === "ready" && before.status !== "ready" && get().status === "dialling" && !phone.call) {
      customerPhone.dial(number);
    }
    if (phone.call?.phase === "talking" && get().status === "dialling") {
      if (patience) clearTimeout(patience);
      set({ status: "talking", startedAt: seconds() });
    }
  },
  onEnded: (cause) => {
    const connected = get().status === "talking";
    if (cause === "microphone") finish("cause_mic");
    else if (cause && cause !== "Terminated" && cause !== "Canceled") {
      finish(/busy|unavailable/i.test(cause) ? "cause_busy" : connected ? "cause_lost" : "cause_failed");
    } else finish("");
  },
  // Once connected, the audio does not need the signalling: the phone goes on trying, the talk goes on.
  onRefused: () => {
    if (get().status === "dialling") finish("cause_failed");
  },
});

/** An aborted dial must not look like a running one: twenty seconds without an answer end it. */
const ANSWER_PATIENCE_MS = 20_000;

export async function loadDemo(): Promise<void> {
  try {
    set({ site: await api.demo(), unusable: "" });
  } catch (error) {
    const code = error instanceof ApiError ? error.code : "failed";
    set({ unusable: code });
    if (code === "server_away") setTimeout(() => void loadDemo(), 2000);
  }
}

export async function dial(caller: string, called: string): Promise<void> {
  const { status } = get();
  if (status === "dialling" || status === "talking") return;
  wakeAudio();
  number = called;
  set({ status: "dialling", problem: "", story: [], digits: "", startedAt: seconds(), endedAt: 0 });
  try {
    const grant = await api.demoCall(caller, called);
    listen(grant.call);
    // This call takes one of the lines too.
    void loadDemo();
    patience = setTimeout(() => {
      if (get().status === "dialling") hangUp();
    }, ANSWER_PATIENCE_MS);
    await customerPhone.start({
      username: grant.username,
      password: grant.password,
      domain: grant.domain,
      url: socketUrl(grant.ws_path),
      register: false,
    });
  } catch (error) {
    finish(error instanceof ApiError ? error.code : "cause_failed");
  }
}

export function hangUp(): void {
  if (customerPhone.state.call) customerPhone.hangUp();
  else finish("");
}

export function press(key: string): void {
  if (get().status !== "talking") return;
  customerPhone.dtmf(key);
  set({ digits: (get().digits + key).slice(-16) });
}

function listen(call: string): void {
  storySocket?.close();
  const socket = new WebSocket(socketUrl(`/api/v1/demo/calls/${encodeURIComponent(call)}/live`));
  storySocket = socket;
  socket.onmessage = (event) => {
    try {
      const item = JSON.parse(String(event.data)) as StoryItem;
      if (item.type === "story" && socket === storySocket) set({ story: [...get().story, item].slice(-200) });
    } catch {
      // Not for us.
    }
  };
}

function finish(problem: string): void {
  if (get().status === "ended" || get().status === "idle") return;
  if (patience) clearTimeout(patience);
  set({ status: "ended", endedAt: seconds(), problem });
  // The BYE must leave before the socket goes; the last lines of the story may still come.
  setTimeout(() => {
    if (get().status !== "ended") return;
    customerPhone.stop(false);
    void loadDemo();
  }, 1500);
}
