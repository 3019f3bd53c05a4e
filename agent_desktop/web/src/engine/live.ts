/**
 * The live link: one WebSocket that brings a snapshot, then deltas, and carries commands.
 *
 * Nothing is resent: a command that got no answer within its deadline, or whose link was lost, is answered
 * "no_answer" / "link_lost" here and the next snapshot shows what is true. After every reconnect everything comes
 * from the snapshot. Nothing here knows React, the phone or the screen.
 */
import { type Feed, fromSnapshot, withDelta } from "./docs";
import type { Answer, AnswerMessage, Docs, ServerMessage } from "./types";

export type LinkStatus = "connecting" | "live" | "away" | "ended";

/** The part of a WebSocket that is used; tests bring their own. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

export interface LiveOptions {
  open: () => SocketLike;
  onDocs: (docs: Docs, seq: number) => void;
  onStatus: (status: LinkStatus) => void;
  onNow: (now: number) => void;
  /** 4401: the login ended. */
  onEnded: () => void;
  /** A snapshot arrived on a new socket. */
  onFresh?: () => void;
  /** The socket was lost and will be opened again: a moment to ask whether the login still holds. */
  onRetry?: () => void;
  setTimer?: (run: () => void, ms: number) => unknown;
  clearTimer?: (timer: never) => void;
  random?: () => number;
  newId?: () => string;
}

export const ANSWER_DEADLINE_MS = 5000;
/** The server beats every second; this long without a word means the link is dead although TCP does not know it. */
export const SILENCE_MS = 6000;
const LOGIN_ENDED = 4401;
const RESYNC = 4409;
const BACKOFF_MS = [200, 400, 800, 1600, 3000];

export class LiveLink {
  status: LinkStatus = "connecting";
  #options: Required<Omit<LiveOptions, "onFresh" | "onRetry">> & Pick<LiveOptions, "onFresh" | "onRetry">;
  #socket: SocketLike | null = null;
  #feed: Feed | null = null;
  #waiting = new Map<string, { answer: (answer: Answer) => void; timer: unknown }>();
  #attempt = 0;
  #retry: unknown = null;
  #silence: unknown = null;
  #asked = false;
  #stopped = false;

  constructor(options: LiveOptions) {
    this.#options = {
      setTimer: (run, ms) => setTimeout(run, ms),
      clearTimer: (timer) => clearTimeout(timer),
      random: Math.random,
      newId: () => crypto.randomUUID(),
      ...options,
    };
  }

  start(): void {
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#clear(this.#retry);
    this.#drop();
  }

  /** Sends a command; never throws, never hangs: an answer always comes. */
  command(name: string, fields: Record<string, unknown> = {}): Promise<Answer> {
    const socket = this.#socket;
    if (!socket || this.status !== "live") return Promise.resolve({ ok: false, code: "link_lost", detail: "" });
    const id = this.#options.newId();
    return new Promise((resolve) => {
      const answer = (result: Answer) => {
        const entry = this.#waiting.get(id);
        if (!entry) return;
        this.#waiting.delete(id);
        this.#clear(entry.timer);
        resolve(result);
      };
      const timer = this.#options.setTimer(
        () => answer({ ok: false, code: "no_answer", detail: "" }),
        ANSWER_DEADLINE_MS,
      );
      this.#waiting.set(id, { answer, timer });
      socket.send(JSON.stringify({ type: "command", id, name, ...fields }));
    });
  }

  #connect(): void {
    if (this.#stopped) return;
    this.#set(this.#attempt === 0 ? "connecting" : "away");
    const socket = this.#options.open();
    this.#socket = socket;
    this.#feed = null;
    this.#asked = false;
    socket.onopen = () => this.#listen(socket);
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#hear(socket, event.data);
    };
    socket.onerror = () => {};
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event.code);
    };
    this.#listen(socket);
  }

  #hear(socket: SocketLike, data: unknown): void {
    this.#listen(socket);
    let message: ServerMessage;
    try {
      message = JSON.parse(String(data)) as ServerMessage;
    } catch {
      return;
    }
    switch (message.type) {
      case "snapshot": {
        this.#options.onNow(message.now);
        const fresh = this.status !== "live";
        this.#feed = fromSnapshot(message);
        this.#asked = false;
        this.#attempt = 0;
        this.#set("live");
        this.#options.onDocs(this.#feed.docs, this.#feed.seq);
        if (fresh) this.#options.onFresh?.();
        break;
      }
      case "delta": {
        this.#options.onNow(message.now);
        const next = withDelta(this.#feed, message);
        if (next) {
          this.#feed = next;
          this.#options.onDocs(next.docs, next.seq);
        } else if (!this.#asked) {
          this.#asked = true;
          this.#feed = null;
          socket.send(JSON.stringify({ type: "resync" }));
        }
        break;
      }
      case "beat":
        this.#options.onNow(message.now);
        break;
      case "answer":
        this.#waiting.get(message.id)?.answer(toAnswer(message));
        break;
    }
  }

  #listen(socket: SocketLike): void {
    this.#clear(this.#silence);
    this.#silence = this.#options.setTimer(() => {
      if (socket !== this.#socket) return;
      socket.close();
      this.#lost(0);
    }, SILENCE_MS);
  }

  #lost(code: number): void {
    this.#drop();
    if (this.#stopped) return;
    if (code === LOGIN_ENDED) {
      this.#stopped = true;
      this.#set("ended");
      this.#options.onEnded();
      return;
    }
    this.#set("away");
    const base = code === RESYNC ? 100 : (BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)] ?? 3000);
    this.#attempt += 1;
    // Half of the delay is random, so that a hundred desktops do not come back in the same instant.
    this.#retry = this.#options.setTimer(() => this.#connect(), base * (0.5 + this.#options.random()));
    this.#options.onRetry?.();
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#feed = null;
    this.#clear(this.#silence);
    for (const entry of [...this.#waiting.values()]) entry.answer({ ok: false, code: "link_lost", detail: "" });
    if (socket) {
      socket.onopen = null;
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  #set(status: LinkStatus): void {
    if (status === this.status) return;
    this.status = status;
    this.#options.onStatus(status);
  }

  #clear(timer: unknown): void {
    if (timer !== null) this.#options.clearTimer(timer as never);
  }
}

function toAnswer(message: AnswerMessage): Answer {
  return message.ok ? { ok: true } : { ok: false, code: message.code ?? "bad_command", detail: message.detail ?? "" };
}
