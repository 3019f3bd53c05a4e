/**
 * The agent's desktop as a machine without a screen: login, live link, device lease and softphone, and the rules that
 * tie them together. The screen calls its functions and draws the store.
 */
import { homeOf } from "../lead/pages";
import { ApiError, api, socketUrl } from "./api";
import { CHECK_KEY, checkWord } from "./check";
import { deviceAfter } from "./device";
import { diagnostics, exposeDiagnostics } from "./diag";
import { openJsSip } from "./jssip";
import { LiveLink, type SocketLike } from "./live";
import { SoftPhone } from "./phone";
import { beep, openMicrophone, ring, speaker, wakeAudio } from "./sound";
import { clock, currentWork, meOf, pulse, store, workList } from "./store";
import type { Answer, Docs, Login } from "./types";

const LEASE_KEY = "hollyhock.lease";
const ASK_EVERY_MS = 1000;

let live: LiveLink | null = null;
let lease: string | null = null;
/** One name per page load; a phone that lost its call starts with a new one, so that the server rings it again. */
let instance = crypto.randomUUID();
let asking = false;
let lastAsked = Number.NEGATIVE_INFINITY;
let askLater: ReturnType<typeof setTimeout> | null = null;
let stopRing: (() => void) | null = null;
/** What the agent pressed before the INVITE was here: done as soon as it arrives. */
let early: { reservation: string; act: "answer" | "reject" } | null = null;
const confirmed = new Set<string>();
let noticeId = 0;

const set = store.setState;

export function notify(code: string, kind: "error" | "info" = "error"): void {
  noticeId += 1;
  set({ notice: { id: noticeId, kind, code } });
}

export const phone = new SoftPhone({
  open: openJsSip,
  microphone: openMicrophone,
  play: speaker(),
  onChange: (state) => {
    set({ phone: state });
    const ringing = state.call?.phase === "ringing" && state.call.direction === "in" && !state.call.auto;
    if (ringing && !stopRing) stopRing = ring();
    if (!ringing && stopRing) {
      stopRing();
      stopRing = null;
    }
  },
  onRegistered: () => void sayPhoneReady(),
  onIncoming: (auto) => {
    diagnostics.ringAt.push(performance.now());
    const work = currentWork(store.getState());
    // His site lets calls come through to him without his pressing anything: his ear is told.
    if (auto && work?.kind === "offer") beep();
    if (!auto && early && work?.reservation === early.reservation) {
      const { act } = early;
      queueMicrotask(() => (act === "answer" ? void phone.answer() : phone.reject()));
    }
    early = null;
  },
  onRefused: () => void askDevice(false),
});

export async function boot(): Promise<void> {
  exposeDiagnostics(() => {
    const { docs, seq, link, device, phone: phoneState, screen } = store.getState();
    return structuredClone({ docs, seq, link, device, phone: phoneState, screen });
  });
  try {
    await enter(await api.me());
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) set({ screen: "login" });
    else {
      set({ screen: "away" });
      setTimeout(() => void boot(), 1500 + Math.random() * 1000);
    }
  }
}

/** Resolves when a reloaded page has its call again, or when there is none to wait for. */
export function callIsBack(): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const state = store.getState();
      if (state.screen === "login" || state.screen === "away") return true;
      if (state.screen === "boot" || !meOf(state)) return state.screen !== "boot" && !lease;
      if (meOf(state)?.phone?.kind === "desk") return true;
      return state.phone.call?.phase === "talking" || currentWork(state)?.kind !== "busy";
    };
    if (look()) return resolve();
    const stop = store.subscribe(() => {
      if (!look()) return;
      stop();
      resolve();
    });
  });
}

export async function signInToServer(user: string, password: string): Promise<void> {
  await enter(await api.login(user, password));
}

/**
 * "Duplicate tab" copies the session storage and with it the lease: two pages would take the phone from each other for
 * ever. Whoever holds the browser's lock on the lease keeps it; a reload frees the lock before the new page asks.
 */
async function holdLease(name: string): Promise<boolean> {
  if (!navigator.locks) return true;
  const deadline = performance.now() + 600;
  while (true) {
    const got = await new Promise<boolean>((resolve) => {
      void navigator.locks.request(`hollyhock.${name}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        // Held until the page goes away.
        return lock ? new Promise<never>(() => {}) : undefined;
      });
    });
    if (got || performance.now() > deadline) return got;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function enter(login: Login): Promise<void> {
  if (homeOf(login) !== "/") return location.replace(homeOf(login));
  lease = sessionStorage.getItem(LEASE_KEY);
  if (lease && !(await holdLease(lease))) lease = null;
  set({ screen: "desktop", login, ended: false, docs: {}, device: "none", link: "connecting" });
  live = new LiveLink({
    open: () => new WebSocket(socketUrl("/api/v1/live")) as unknown as SocketLike,
    onDocs: hearDocs,
    onStatus: (link) => {
      set({ link });
    },
    onNow: (now) => {
      clock.hear(now);
      pulse.at = performance.now();
    },
    onEnded: () => leave(true),
    onFresh: () => void resume(),
    onRetry: () => void checkLogin(),
  });
  live.start();
  // This page was the phone before its reload: it need not wait for the snapshot to be it again.
  if (lease) void askDevice(false);
}

/** A refused handshake and a server that is away look alike to a page; this question tells them apart. */
async function checkLogin(): Promise<void> {
  try {
    await api.me();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401 && live) leave(true);
  }
}

/** Back to the login page; `ended` = not by this page's own wish. */
function leave(ended: boolean): void {
  live?.stop();
  live = null;
  phone.stop(ended);
  lease = null;
  sessionStorage.removeItem(LEASE_KEY);
  instance = crypto.randomUUID();
  set({ screen: "login", login: null, ended, docs: {}, device: "none", notice: null });
}

export async function logout(): Promise<void> {
  if (meOf(store.getState())?.signed_in) {
    const answer = await command("SignOut");
    if (!answer.ok) return;
  }
  await api.logout().catch(() => {});
  leave(false);
}

/** Today's check of microphone and ring is done, put off or overtaken. */
export function markChecked(): void {
  const state = store.getState();
  const word = checkWord(state.login?.user ?? "", clock.now());
  if (state.checked === word) return;
  localStorage.setItem(CHECK_KEY, word);
  set({ checked: word });
}

function hearDocs(docs: Docs, seq: number): void {
  const before = store.getState();
  const had = new Set(workList(before).map((work) => work.contact));
  set({ docs, seq });
  const state = store.getState();
  for (const work of workList(state)) had.delete(work.contact);
  if (had.size > 0) set({ callsVersion: state.callsVersion + 1 });
  // He talks on this page: what the check asks has been answered, and it would hold the microphone open.
  if (state.device === "here" && workList(state).some((work) => work.talking_since !== null)) markChecked();
  const me = meOf(state);
  if (early && !workList(state).some((work) => work.reservation === early?.reservation)) early = null;
  if (!me) return;
  const device = deviceAfter(state.device, meOf(before), me, lease);
  if (device === state.device) return;
  if (state.device === "here") giveUpPhone(device !== "none");
  else if (device === "desk") forgetLease();
  set({ device });
}

/** After a snapshot on a new link: everything that this page promised is said again. */
async function resume(): Promise<void> {
  const me = meOf(store.getState());
  if (!me?.signed_in) return;
  const { device } = store.getState();
  if (device === "here") {
    if (me.phone && me.phone.lease !== lease) lostDevice();
    else if (!me.phone) await askDevice(false);
    else await sayPhoneReady();
  } else if (lease) await askDevice(false);
}

/** Somebody took the phone to another place: fall silent without a word, the call itself goes on there. */
function lostDevice(): void {
  giveUpPhone(true);
  set({ device: meOf(store.getState())?.phone?.kind === "desk" ? "desk" : "elsewhere" });
}

function giveUpPhone(quiet: boolean): void {
  phone.stop(quiet);
  forgetLease();
}

function forgetLease(): void {
  lease = null;
  sessionStorage.removeItem(LEASE_KEY);
}

async function sayPhoneReady(): Promise<void> {
  if (!lease || !live || phone.state.status !== "ready") return;
  const answer = await live.command("PhoneReady", { lease, instance });
  if (!answer.ok && (answer.code === "lease_lost" || answer.code === "phone_elsewhere")) await askDevice(false);
}

/** Become (or stay) the agent's phone. One question at a time, and not more than one a second; a second one waits. */
export async function askDevice(takeOver: boolean): Promise<boolean> {
  if (asking) return false;
  const wait = lastAsked + ASK_EVERY_MS - performance.now();
  if (!takeOver && wait > 0) {
    if (askLater === null) {
      askLater = setTimeout(() => {
        askLater = null;
        const given = ["elsewhere", "desk"].includes(store.getState().device);
        if (live && !given && phone.state.status !== "ready") void askDevice(false);
      }, wait);
    }
    return false;
  }
  asking = true;
  lastAsked = performance.now();
  const before = store.getState().device;
  if (before !== "here") set({ device: "asking" });
  try {
    const grant = await api.device(instance, lease, takeOver);
    if (grant.lease !== lease) void holdLease(grant.lease);
    lease = grant.lease;
    sessionStorage.setItem(LEASE_KEY, lease);
    set({ device: "here" });
    const { username, password, domain } = grant;
    const next = { username, password, domain, url: socketUrl(grant.ws_path), register: true };
    // A phone that must start afresh in the middle of a call loses its leg: a new instance gets the call back.
    if (phone.state.call && !phone.holds(next)) instance = crypto.randomUUID();
    await phone.start(next);
    return true;
  } catch (error) {
    const code = error instanceof ApiError ? error.code : "failed";
    if (code === "not_logged_in") leave(true);
    else if (code === "phone_elsewhere") lostDevice();
    else {
      // The server is away: the next snapshot, or the phone's next failed connect, asks again.
      set({ device: before === "here" ? "here" : "failed" });
    }
    return false;
  } finally {
    asking = false;
  }
}

/** A desk phone that was chosen; `takeOver` although somebody else has it. */
export interface DeskChoice {
  id: string;
  takeOver: boolean;
  /** It is an outside number. */
  outside?: boolean;
}

/** The first click of the day with a desk phone: no microphone, the page is only the screen. */
export async function startAtDesk(choice: DeskChoice): Promise<void> {
  if (!meOf(store.getState())?.signed_in) {
    const answer = await command("SignIn");
    if (!answer.ok) return;
  }
  await takeDeskPhone(choice);
}

export async function takeDeskPhone({ id, takeOver, outside }: DeskChoice): Promise<void> {
  const asked = outside
    ? live?.command("UseNumber", { number: id })
    : live?.command("UsePhone", { phone: id, take_over: takeOver });
  const answer: Answer = (await asked) ?? { ok: false, code: "link_lost", detail: "" };
  if (!answer.ok) notify(answer.code === "phone_elsewhere" ? "phone_taken" : answer.code);
}

/** The first click of the day: microphone, sign in, phone. */
export async function startWork(takeOver = false): Promise<void> {
  wakeAudio();
  try {
    const stream = await openMicrophone();
    for (const track of stream.getTracks()) track.stop();
  } catch (error) {
    notify((error as Error).name === "NotFoundError" ? "mic_missing" : "mic_denied");
    return;
  }
  if (!meOf(store.getState())?.signed_in) {
    const answer = await command("SignIn");
    if (!answer.ok) return;
  }
  // With the sign-in his own desk phone has become his phone; he has chosen this page.
  await askDevice(takeOver || meOf(store.getState())?.phone?.kind === "desk");
}

/** Any command; a refusal is shown as a sentence. */
export async function command(name: string, fields: Record<string, unknown> = {}): Promise<Answer> {
  const answer: Answer = live ? await live.command(name, fields) : { ok: false, code: "link_lost", detail: "" };
  if (!answer.ok) notify(answer.code);
  return answer;
}

export const setReady = () => command("SetReady");
export const setNotReady = (reason: string) => command("SetNotReady", { reason });

/** Called once the card of an offer is on the screen: now it may ring. */
export function offerPainted(reservation: string): void {
  if (confirmed.has(reservation)) return;
  confirmed.add(reservation);
  diagnostics.popPaintedAt[reservation] = performance.now();
  // No sentence for a refusal: the offer may have been withdrawn in the same moment.
  void live?.command("ConfirmOffer", { reservation });
}

export function answerCall(): void {
  if (store.getState().device === "desk") return;
  if (phone.state.call) {
    void phone.answer();
    return;
  }
  const work = currentWork(store.getState());
  if (work?.kind === "offer" && work.reservation) early = { reservation: work.reservation, act: "answer" };
}

export function rejectCall(): void {
  if (store.getState().device === "desk") return;
  if (phone.state.call) {
    phone.reject();
    return;
  }
  const work = currentWork(store.getState());
  if (work?.kind === "offer" && work.reservation) early = { reservation: work.reservation, act: "reject" };
}

/** The server ends the conversation; if it cannot be asked, the phone at least says BYE. */
export async function hangUp(conversation: string): Promise<void> {
  const answer = live
    ? await live.command("HangUpCall", { conversation })
    : ({ ok: false, code: "link_lost", detail: "" } as const);
  if (answer.ok) return;
  if (answer.code === "link_lost" || answer.code === "no_answer") phone.hangUp();
  else notify(answer.code);
}

export const saveNote = (contact: string, text: string): Promise<Answer> =>
  live ? live.command("WriteNote", { contact, text }) : Promise.resolve({ ok: false, code: "link_lost", detail: "" });
