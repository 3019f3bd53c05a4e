/**
 * The note of a contact while somebody types it: saved a moment after the last key, again after a lost link, never
 * overwritten by an older text of the server while there is something unsaved. No DOM, no React.
 */
import type { Answer } from "./types";

export type NoteState = "clean" | "typing" | "saving" | "failed";
export const NOTE_LIMIT = 4000;
export const NOTE_DELAY_MS = 600;

export interface NoteKeeperOptions {
  save: (contact: string, text: string) => Promise<Answer>;
  onState: (state: NoteState) => void;
  setTimer?: (run: () => void, ms: number) => unknown;
  clearTimer?: (timer: never) => void;
}

export class NoteKeeper {
  text: string;
  state: NoteState = "clean";
  readonly contact: string;
  #saved: string;
  #timer: unknown = null;
  #options: Required<NoteKeeperOptions>;

  constructor(contact: string, text: string, options: NoteKeeperOptions) {
    this.contact = contact;
    this.text = text;
    this.#saved = text;
    this.#options = {
      setTimer: (run, ms) => setTimeout(run, ms),
      clearTimer: (timer) => clearTimeout(timer),
      ...options,
    };
  }

  type(text: string): void {
    this.text = text.slice(0, NOTE_LIMIT);
    this.#set(this.text === this.#saved ? "clean" : "typing");
    this.#schedule(NOTE_DELAY_MS);
  }

  /** The server's text; returns true if it was taken over. */
  hear(text: string): boolean {
    if (this.state !== "clean" || text === this.#saved) return false;
    this.#saved = text;
    this.text = text;
    return true;
  }

  async flush(): Promise<void> {
    this.#cancel();
    const text = this.text;
    if (text === this.#saved) return;
    this.#set("saving");
    const answer = await this.#options.save(this.contact, text);
    if (answer.ok) this.#saved = text;
    if (this.text === this.#saved) this.#set("clean");
    else if (answer.ok) this.#schedule(NOTE_DELAY_MS);
    else {
      this.#set("failed");
      // The link or the server is away for a moment; other refusals (the work has ended) are final.
      if (answer.code === "link_lost" || answer.code === "no_answer" || answer.code === "overloaded") {
        this.#schedule(2000);
      }
    }
  }

  /** The text went with another command: there is nothing left to save. */
  settle(): void {
    this.#cancel();
    this.#saved = this.text;
    this.#set("clean");
  }

  stop(): void {
    this.#cancel();
  }

  #schedule(ms: number): void {
    this.#cancel();
    if (this.text !== this.#saved) this.#timer = this.#options.setTimer(() => void this.flush(), ms);
  }

  #cancel(): void {
    if (this.#timer !== null) this.#options.clearTimer(this.#timer as never);
    this.#timer = null;
  }

  #set(state: NoteState): void {
    if (state === this.state) return;
    this.state = state;
    this.#options.onState(state);
  }
}
