import { beforeEach, describe, expect, it } from "vitest";
import { ANSWER_DEADLINE_MS, type LinkStatus, LiveLink, SILENCE_MS, type SocketLike } from "./live";
import type { Docs } from "./types";

/** A clock that runs only when told to. */
class Timers {
  now = 0;
  #next = 1;
  #list = new Map<number, { at: number; run: () => void }>();
  set = (run: () => void, ms: number) => {
    this.#next += 1;
    this.#list.set(this.#next, { at: this.now + ms, run });
    return this.#next;
  };
  clear = (timer: never) => {
    this.#list.delete(timer);
  };
  pass(ms: number): void {
    const end = this.now + ms;
    while (true) {
      const due = [...this.#list.entries()].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#list.delete(due[0]);
      this.now = due[1].at;
      due[1].run();
    }
    this.now = end;
  }
}

class FakeSocket implements SocketLike {
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  sent: Record<string, unknown>[] = [];
  closed = false;
  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(): void {
    this.closed = true;
  }
  says(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  dies(code = 1006): void {
    this.onclose?.({ code });
  }
}

describe("the live link", () => {
  let sockets: FakeSocket[];
  let timers: Timers;
  let statuses: LinkStatus[];
  let docs: Docs;
  let ended: number;
  let fresh: number;
  let link: LiveLink;
  const last = () => sockets.at(-1) as FakeSocket;
  const snapshot = (seq: number, content: Docs) => last().says({ type: "snapshot", seq, now: 100, docs: content });
  const delta = (prev: number, seq: number, set: Docs, del: string[] = []) =>
    last().says({ type: "delta", prev, seq, now: 100, set, del });

  beforeEach(() => {
    [sockets, statuses, docs, ended, fresh] = [[], [], {}, 0, 0];
    timers = new Timers();
    let id = 0;
    link = new LiveLink({
      open: () => {
        sockets.push(new FakeSocket());
        return last();
      },
      onDocs: (next) => {
        docs = next;
      },
      onStatus: (status) => statuses.push(status),
      onNow: () => {},
      onEnded: () => {
        ended += 1;
      },
      onFresh: () => {
        fresh += 1;
      },
      setTimer: timers.set,
      clearTimer: timers.clear,
      random: () => 0.5,
      newId: () => `id${++id}`,
    });
    link.start();
  });

  it("shows a snapshot and what the deltas change", () => {
    snapshot(7, { me: { state: "ready" }, "work/1": { contact: "1" } });
    delta(7, 9, { me: { state: "busy" } }, ["work/1"]);
    expect(docs).toEqual({ me: { state: "busy" } });
    expect(statuses).toEqual(["live"]);
    expect(fresh).toBe(1);
  });

  it("asks once for a snapshot when something was missed, and ignores deltas until it is there", () => {
    snapshot(7, { a: 1 });
    delta(8, 9, { a: 2 });
    delta(9, 10, { a: 3 });
    expect(last().sent).toEqual([{ type: "resync" }]);
    expect(docs).toEqual({ a: 1 });
    snapshot(10, { a: 3 });
    delta(10, 11, { b: 4 });
    expect(docs).toEqual({ a: 3, b: 4 });
    expect(fresh).toBe(1);
  });

  it("answers each command by its id, accepted or refused", async () => {
    snapshot(1, {});
    const ready = link.command("SetReady");
    const hold = link.command("HoldCall", { conversation: "c" });
    expect(last().sent[1]).toEqual({ type: "command", id: "id2", name: "HoldCall", conversation: "c" });
    last().says({ type: "answer", id: "id2", ok: false, code: "not_talking", detail: "" });
    last().says({ type: "answer", id: "id1", ok: true });
    expect(await ready).toEqual({ ok: true });
    expect(await hold).toEqual({ ok: false, code: "not_talking", detail: "" });
  });

  it("gives up on an answer after its deadline and does not send again", async () => {
    snapshot(1, {});
    const answer = link.command("SetReady");
    for (let ms = 0; ms < ANSWER_DEADLINE_MS; ms += 1000) {
      last().says({ type: "beat", now: 100, seq: 1 });
      timers.pass(1000);
    }
    expect(await answer).toEqual({ ok: false, code: "no_answer", detail: "" });
    last().says({ type: "answer", id: "id1", ok: true });
    expect(last().sent).toHaveLength(1);
  });

  it("tells every waiting command when the link is lost, comes back by itself and takes all from the snapshot", async () => {
    snapshot(5, { a: 1 });
    const answer = link.command("SetReady");
    last().dies();
    expect(await answer).toMatchObject({ ok: false, code: "link_lost" });
    expect(await link.command("SetReady")).toMatchObject({ code: "link_lost" });
    expect(docs).toEqual({ a: 1 });
    timers.pass(200);
    expect(sockets).toHaveLength(2);
    delta(5, 6, { a: 2 });
    expect(docs).toEqual({ a: 1 });
    snapshot(2, { z: 1 });
    expect(docs).toEqual({ z: 1 });
    expect(statuses).toEqual(["live", "away", "live"]);
    expect(fresh).toBe(2);
    expect(last().sent).toEqual([{ type: "resync" }]);
  });

  it("waits longer from try to try, at most a few seconds", () => {
    const at: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      const before = sockets.length;
      last().dies();
      while (sockets.length === before) timers.pass(50);
      at.push(timers.now);
    }
    const waits = at.map((t, i) => t - (at[i - 1] ?? 0));
    expect(waits[0]).toBeLessThanOrEqual(200);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3000);
    expect(waits.at(-1)).toBeGreaterThan(2000);
  });

  it("notices a link that is silent although TCP does not know it", () => {
    snapshot(1, {});
    timers.pass(SILENCE_MS - 1);
    expect(statuses).toEqual(["live"]);
    timers.pass(1);
    expect(statuses).toEqual(["live", "away"]);
    timers.pass(300);
    expect(sockets).toHaveLength(2);
  });

  it("stops for good when the login has ended", () => {
    snapshot(1, {});
    last().dies(4401);
    timers.pass(60_000);
    expect(ended).toBe(1);
    expect(sockets).toHaveLength(1);
  });

  it("survives a message that is not JSON", () => {
    snapshot(1, { a: 1 });
    last().onmessage?.({ data: "{" });
    delta(1, 2, { a: 2 });
    expect(docs).toEqual({ a: 2 });
  });
});
