import { beforeEach, describe, expect, it } from "vitest";
import { type PhoneState, SoftPhone } from "./phone";
import type { AgentLike, SessionLike } from "./sipstack";

type Handler = (data: never) => void;
class Emitter {
  handlers = new Map<string, Handler[]>();
  on(event: string, handler: Handler) {
    this.handlers.set(event, [...(this.handlers.get(event) ?? []), handler]);
  }
  emit(event: string, data: unknown = {}) {
    for (const handler of this.handlers.get(event) ?? []) handler(data as never);
  }
}
class FakeSession extends Emitter implements SessionLike {
  connection: RTCPeerConnection | null = null;
  log: string[] = [];
  established = false;
  constructor(readonly direction: "incoming" | "outgoing") {
    super();
  }
  answer() {
    this.log.push("answer");
  }
  terminate(options?: Record<string, unknown>) {
    this.log.push(options?.["status_code"] ? `reject ${options["status_code"]}` : "bye");
  }
  mute() {
    this.log.push("mute");
  }
  unmute() {
    this.log.push("unmute");
  }
  /** The browser's own digit queue, as RTCPeerConnection has it. */
  withDigits() {
    const dtmf = {
      canInsertDTMF: true,
      toneBuffer: "",
      insertDTMF: (tones: string, duration: number, gap: number) => {
        dtmf.toneBuffer = tones;
        this.log.push(`dtmf ${tones} ${duration}/${gap}`);
      },
    };
    this.connection = {
      getSenders: () => [{ dtmf: null }, { dtmf }],
      getReceivers: () => [],
      addEventListener: () => {},
      close: () => {},
    } as unknown as RTCPeerConnection;
  }
  contact = "<sip:page@here.invalid;transport=ws>";
  sendRequest(method: string, { extraHeaders }: { extraHeaders: string[] }) {
    this.log.push([method, ...extraHeaders].join(" "));
  }
  isEstablished() {
    return this.established;
  }
}
class FakeAgent extends Emitter implements AgentLike {
  log: string[];
  constructor(log: string[]) {
    super();
    this.log = log;
  }
  start() {
    this.log.push("start");
  }
  stop() {
    this.log.push("stop");
  }
  register() {
    this.log.push("register");
  }
  call(target: string) {
    this.log.push(`call ${target}`);
    const session = new FakeSession("outgoing");
    this.invite(session, "local");
    return session;
  }
  invite(session: FakeSession, originator = "remote", callInfo?: string) {
    this.emit("newRTCSession", { originator, session, request: { getHeader: () => callInfo } });
  }
}

const GRANT = { username: "u", password: "p", domain: "d", url: "ws://x", register: true };
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("the softphone", () => {
  let log: string[];
  let agent: FakeAgent;
  let phone: SoftPhone;
  let states: PhoneState[];
  let microphone: () => Promise<MediaStream>;
  let stopped: number;
  let ended: string[];
  let refused: number;
  let registered: number;

  beforeEach(async () => {
    [log, states, ended, stopped, refused, registered] = [[], [], [], 0, 0, 0];
    microphone = async () => ({ getTracks: () => [{ stop: () => (stopped += 1) }] }) as unknown as MediaStream;
    phone = new SoftPhone({
      open: async () => {
        agent = new FakeAgent(log);
        return { agent, cut: () => log.push("cut") };
      },
      microphone: () => microphone(),
      play: async () => {},
      onChange: (state) => states.push(state),
      onRegistered: () => {
        registered += 1;
      },
      onEnded: (cause) => ended.push(cause),
      onRefused: () => {
        refused += 1;
      },
    });
    await phone.start(GRANT);
    agent.emit("connected");
    agent.emit("registered");
  });

  async function talk(callInfo?: string): Promise<FakeSession> {
    const session = new FakeSession("incoming");
    agent.invite(session, "remote", callInfo);
    if (!callInfo) void phone.answer();
    await settle();
    session.established = true;
    session.emit("confirmed");
    return session;
  }

  it("is ready once it is registered, and says so each time", () => {
    expect(phone.state.status).toBe("ready");
    agent.emit("registered");
    expect(registered).toBe(2);
  });

  it("rings, is answered, talks, and gives the microphone back at the end", async () => {
    const session = await talk();
    expect(states.map((state) => state.call?.phase).filter(Boolean)).toEqual(["ringing", "answering", "talking"]);
    expect(session.log).toEqual(["answer"]);
    session.emit("ended");
    await settle();
    expect(phone.state.call).toBeNull();
    expect(stopped).toBeGreaterThan(0);
    expect(ended).toEqual([""]);
  });

  it("answers at once when the INVITE asks for it: the take-back after a reload", async () => {
    const session = await talk("<sip:x>;answer-after=0");
    expect(session.log).toEqual(["answer"]);
    expect(phone.state.call?.auto).toBe(true);
  });

  it("does not wait for the end of ICE gathering", () => {
    const session = new FakeSession("incoming");
    agent.invite(session);
    let ready = 0;
    const candidate = (type: string) =>
      session.emit("icecandidate", { candidate: { type, candidate: "" }, ready: () => (ready += 1) });
    candidate("srflx");
    expect(ready).toBe(0);
    candidate("host");
    expect(ready).toBe(1);
  });

  it("keeps talking when the signalling is lost, and sends one re-INVITE after it is back", async () => {
    const session = await talk();
    agent.emit("disconnected");
    expect(phone.state).toMatchObject({ status: "lost", call: { phase: "talking" } });
    agent.emit("connected");
    agent.emit("registered");
    agent.emit("registered");
    expect(session.log).toEqual(["answer", "UPDATE Contact: <sip:page@here.invalid;transport=ws>"]);
  });

  it("forgets a ringing call with the link: it cannot be answered any more", () => {
    agent.invite(new FakeSession("incoming"));
    agent.emit("disconnected");
    expect(phone.state.call).toBeNull();
  });

  it("falls silent without a word: the socket is cut before the stack stops", async () => {
    await talk();
    log.length = 0;
    phone.stop(true);
    expect(log).toEqual(["cut", "stop"]);
    expect(phone.state).toEqual({ status: "off", call: null, problem: null });
  });

  it("keeps the call when it is given the same right again, and starts afresh with another one", async () => {
    const session = await talk();
    await phone.start({ ...GRANT });
    expect(phone.state.call?.phase).toBe("talking");
    expect(registered).toBe(2);
    await phone.start({ ...GRANT, password: "new" });
    expect(phone.state.call).toBeNull();
    expect(log.filter((entry) => entry === "cut")).toHaveLength(1);
    expect(session.log).toEqual(["answer"]);
  });

  it("an old phone's late events change nothing", async () => {
    const old = agent;
    await phone.start({ ...GRANT, url: "ws://y" });
    old.emit("registered");
    expect(phone.state.status).toBe("connecting");
  });

  it("rejects with 486, mutes, and sends RFC 4733 digits only in a talk", async () => {
    const ringing = new FakeSession("incoming");
    agent.invite(ringing);
    phone.dtmf("1");
    phone.mute(true);
    phone.reject();
    expect(ringing.log).toEqual(["reject 486"]);
    ringing.emit("failed", { cause: "Rejected" });
    const session = await talk();
    phone.mute(true);
    session.withDigits();
    phone.dtmf("5");
    phone.dtmf("7");
    expect(phone.state.call?.muted).toBe(true);
    expect(session.log).toEqual(["answer", "mute", "dtmf 5 100/70", "dtmf 57 100/70"]);
    phone.mute(false);
    expect(phone.state.call?.muted).toBe(false);
  });

  it("without a microphone it says why and goes on ringing, and answers once it is allowed", async () => {
    const allowed = microphone;
    microphone = () => Promise.reject(Object.assign(new Error(), { name: "NotAllowedError" }));
    const session = new FakeSession("incoming");
    agent.invite(session);
    await phone.answer();
    expect(phone.state).toMatchObject({ problem: "mic_denied", call: { phase: "ringing" } });
    microphone = allowed;
    await phone.answer();
    expect(session.log).toEqual(["answer"]);
    expect(phone.state.problem).toBeNull();
  });

  it("is busy for a second call, but lets a take-back replace what it holds", async () => {
    const first = await talk();
    const second = new FakeSession("incoming");
    agent.invite(second);
    expect(second.log).toEqual(["reject 486"]);
    const back = await talk("<sip:x>;answer-after=0");
    expect(back.log).toEqual(["answer"]);
    first.emit("ended");
    expect(phone.state.call?.phase).toBe("talking");
  });

  it("asks again for the phone when it is not let in", () => {
    agent.emit("registrationFailed", { response: { status_code: 403 } });
    expect(phone.state.status).toBe("refused");
    expect(refused).toBe(1);
    agent.emit("disconnected");
    agent.emit("disconnected");
    expect(refused).toBe(2);
  });

  it("dials as a customer without registering", async () => {
    await phone.start({ ...GRANT, register: false });
    agent.emit("connected");
    expect(phone.state.status).toBe("ready");
    phone.dial("95500");
    await settle();
    expect(log.at(-1)).toBe("call sip:95500@d");
    expect(phone.state.call).toMatchObject({ direction: "out", phase: "dialling" });
  });
});
