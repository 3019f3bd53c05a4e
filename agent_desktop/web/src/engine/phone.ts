/**
 * The softphone: one SIP user agent, at most one call at a time, no screen. It decides nothing about calls: hold,
 * queues and hanging up for everybody are the server's. JsSIP itself comes through `open` (see jssip.ts), so this file
 * runs in tests without a browser.
 *
 * It never says BYE when the page goes away, and audio survives the loss of the signalling link: the server brings an
 * agent back into the call, or the link comes back and one re-INVITE renews the path.
 */
import type { NewSession, OpenedAgent, PhoneGrant, RegistrationFailure, SessionLike } from "./sipstack";

export type PhoneStatus = "off" | "connecting" | "ready" | "lost" | "refused";
export type PhoneProblem = "mic_denied" | "mic_missing" | "mic_busy" | "audio_blocked" | "insecure";
export type CallPhase = "dialling" | "ringing" | "answering" | "talking";

export interface PhoneCall {
  direction: "in" | "out";
  phase: CallPhase;
  muted: boolean;
  auto: boolean;
}
export interface PhoneState {
  status: PhoneStatus;
  call: PhoneCall | null;
  problem: PhoneProblem | null;
}

export interface PhoneOptions {
  open: (grant: PhoneGrant) => Promise<OpenedAgent>;
  microphone: () => Promise<MediaStream>;
  play: (stream: MediaStream | null) => Promise<void>;
  onChange: (state: PhoneState) => void;
  /** After every successful registration. */
  onRegistered?: () => void;
  /** An INVITE arrived. */
  onIncoming?: (auto: boolean) => void;
  /** A call of this phone is over; `cause` is the SIP stack's word, "" for a normal end. */
  onEnded?: (cause: string) => void;
  /** The server does not let this phone in (again): its lease may be gone. */
  onRefused?: () => void;
}

interface Live {
  session: SessionLike;
  microphone: Promise<MediaStream> | null;
  remote: MediaStream | null;
  local: MediaStream | null;
}

/** So many failed connects in a row mean "not let in", not "network away for a moment". */
const REFUSED_AFTER = 2;
const REGISTER_AGAIN_MS = 2000;

export class SoftPhone {
  state: PhoneState = { status: "off", call: null, problem: null };
  #options: PhoneOptions;
  #opened: OpenedAgent | null = null;
  #grant: PhoneGrant | null = null;
  #live: Live | null = null;
  #generation = 0;
  #linkLost = false;
  #failures = 0;

  constructor(options: PhoneOptions) {
    this.#options = options;
  }

  get remoteStream(): MediaStream | null {
    return this.#live?.remote ?? null;
  }
  get localStream(): MediaStream | null {
    return this.#live?.local ?? null;
  }
  get connection(): RTCPeerConnection | null {
    return this.#live?.session.connection ?? null;
  }

  /** Is this the grant that the phone works with already? Then nothing is torn down: the stack itself tries again. */
  holds(grant: PhoneGrant): boolean {
    const own = this.#grant;
    return (
      this.#opened !== null &&
      own !== null &&
      own.username === grant.username &&
      own.password === grant.password &&
      own.url === grant.url
    );
  }

  async start(grant: PhoneGrant): Promise<void> {
    if (this.holds(grant)) {
      if (this.state.status === "ready") this.#options.onRegistered?.();
      else if (this.state.status === "refused") this.#registerLater();
      return;
    }
    this.stop(true);
    this.#generation += 1;
    const generation = this.#generation;
    this.#grant = grant;
    this.#linkLost = false;
    this.#failures = 0;
    this.#set({ status: "connecting" });
    const opened = await this.#options.open(grant);
    if (generation !== this.#generation) {
      opened.cut();
      return;
    }
    this.#opened = opened;
    const { agent } = opened;
    const current = (run: (data: never) => void) => (data: never) => {
      if (generation === this.#generation) run(data);
    };
    agent.on(
      "connected",
      current(() => this.#connected()),
    );
    agent.on(
      "disconnected",
      current(() => this.#disconnected()),
    );
    agent.on(
      "registered",
      current(() => this.#registered()),
    );
    agent.on(
      "unregistered",
      current(() => this.#set({ status: "lost" })),
    );
    agent.on(
      "registrationFailed",
      current((data: never) => this.#notRegistered(data as RegistrationFailure)),
    );
    agent.on(
      "newRTCSession",
      current((data: never) => this.#newSession(data as NewSession)),
    );
    agent.start();
  }

  /**
   * `quiet`: without a word to anybody. The socket is cut first, so neither BYE nor un-REGISTER can leave; the server
   * sees the leg end by itself and knows that this is no hang-up.
   */
  stop(quiet: boolean): void {
    this.#generation += 1;
    const opened = this.#opened;
    this.#opened = null;
    if (opened) {
      if (quiet) opened.cut();
      const connection = this.#live?.session.connection;
      if (quiet) connection?.close();
      try {
        opened.agent.stop();
      } catch {
        // A stack that is half closed already may complain; the socket is gone either way.
      }
    }
    this.#release();
    this.#set({ status: "off", call: null, problem: null });
  }

  dial(number: string): void {
    const opened = this.#opened;
    const grant = this.#grant;
    if (!opened || !grant || this.#live) return;
    this.#set({ problem: null });
    const microphone = this.#openMicrophone();
    microphone.then(
      (stream) => {
        if (opened !== this.#opened || this.#live) return stopTracks(stream);
        this.#pendingMicrophone = microphone;
        opened.agent.call(`sip:${number}@${grant.domain}`, {
          mediaStream: stream,
          mediaConstraints: { audio: true, video: false },
          pcConfig: { iceServers: [] },
        });
      },
      () => this.#options.onEnded?.("microphone"),
    );
  }
  #pendingMicrophone: Promise<MediaStream> | null = null;

  async answer(): Promise<void> {
    const live = this.#live;
    const call = this.state.call;
    if (!live || call?.phase !== "ringing" || call.direction !== "in") return;
    this.#setCall({ phase: "answering" });
    let stream: MediaStream;
    try {
      live.microphone ??= this.#openMicrophone();
      stream = await live.microphone;
    } catch {
      live.microphone = null;
      if (live === this.#live) this.#setCall({ phase: "ringing" });
      return;
    }
    if (live !== this.#live) return stopTracks(stream);
    live.local = stream;
    live.session.answer({
      mediaStream: stream,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [] },
    });
  }

  /** 486: "I do not want it now"; the server counts it as rejected, not as missed. */
  reject(): void {
    if (this.state.call?.phase === "ringing") this.#live?.session.terminate({ status_code: 486 });
  }

  /** Ends this phone's own leg. */
  hangUp(): void {
    try {
      this.#live?.session.terminate();
    } catch {
      // The session ended in the same moment.
    }
  }

  mute(on: boolean): void {
    const live = this.#live;
    if (!live || this.state.call?.phase !== "talking") return;
    if (on) live.session.mute({ audio: true });
    else live.session.unmute({ audio: true });
    this.#setCall({ muted: on });
  }

  /** RFC 4733 digits, one after the other. */
  dtmf(keys: string): void {
    if (this.state.call?.phase !== "talking") return;
    try {
      // Not through the library, which waits a second after each digit: the browser's own queue, 100 ms and 70 ms pause.
      const dtmf = this.#live?.session.connection
        ?.getSenders()
        .map((sender) => sender.dtmf)
        .find((sender) => sender?.canInsertDTMF);
      dtmf?.insertDTMF(dtmf.toneBuffer + keys, 100, 70);
    } catch {
      // The browser refuses digits while the path is being renewed; the agent hears the tone and presses again.
    }
  }

  /** After a click: the browser lets a page play sound only once somebody has touched it. */
  async unblockAudio(): Promise<void> {
    await this.#play(this.#live?.remote ?? null);
  }

  #connected(): void {
    this.#failures = 0;
    if (!this.#grant || this.#grant.register) return;
    this.#set({ status: "ready" });
    this.#renewPath();
  }

  /**
   * The other side learns the new path of an old call, or its BYE would be lost. An UPDATE without a body does that
   * (RFC 3311) and leaves the sound alone: a new offer would make Asterisk begin its ICE anew in the middle of a talk.
   */
  #renewPath(): void {
    const session = this.#live?.session;
    if (this.#linkLost && session?.isEstablished())
      session.sendRequest("UPDATE", { extraHeaders: [`Contact: ${session.contact}`] });
    this.#linkLost = false;
  }

  #disconnected(): void {
    this.#failures += 1;
    this.#linkLost = true;
    // A ringing INVITE cannot be answered any more; a talk goes on, its audio does not use this link.
    if (this.state.call && this.state.call.phase !== "talking") this.#forget("link");
    this.#set({ status: this.state.status === "connecting" && this.#failures < REFUSED_AFTER ? "connecting" : "lost" });
    if (this.#failures >= REFUSED_AFTER) this.#options.onRefused?.();
  }

  #registered(): void {
    this.#set({ status: "ready" });
    this.#options.onRegistered?.();
    this.#renewPath();
  }

  #notRegistered({ response }: RegistrationFailure): void {
    const refused = response && response.status_code >= 400 && response.status_code < 500;
    this.#set({ status: refused ? "refused" : "lost" });
    if (refused) {
      this.#options.onRefused?.();
      return;
    }
    // The stack tries again by itself only after a new connect; here the link may be up and Asterisk away.
    this.#registerLater();
  }

  #registerLater(): void {
    const generation = this.#generation;
    const again = () => {
      const { status } = this.state;
      if (generation === this.#generation && (status === "lost" || status === "refused"))
        this.#opened?.agent.register();
    };
    setTimeout(again, REGISTER_AGAIN_MS);
  }

  #newSession({ originator, session, request }: NewSession): void {
    const incoming = originator === "remote";
    const auto = incoming && /answer-after\s*=\s*0\b/i.test(request.getHeader("Call-Info") ?? "");
    const before = this.#live;
    if (before && incoming && !auto) {
      session.terminate({ status_code: 486 });
      return;
    }
    // A take-back replaces whatever this page still held: the server drops the old leg itself.
    if (before) {
      this.#live = null;
      before.session.connection?.close();
      stopTracks(before.local);
    }
    const live: Live = { session, microphone: this.#pendingMicrophone, remote: null, local: null };
    this.#pendingMicrophone = null;
    void live.microphone?.then((stream) => {
      live.local = stream;
    });
    this.#live = live;
    const current = (run: (data: never) => void) => (data: never) => {
      if (live === this.#live) run(data);
    };
    if (session.connection) this.#attach(live, session.connection);
    session.on(
      "peerconnection",
      current((data: never) => this.#attach(live, (data as { peerconnection: RTCPeerConnection }).peerconnection)),
    );
    // One host candidate is enough to talk to our own server; waiting for all of them costs 100 ms.
    session.on("icecandidate", (data: never) => {
      const { candidate, ready } = data as { candidate: RTCIceCandidate; ready: () => void };
      if (candidate.type === "host" || candidate.candidate.includes(" typ host")) ready();
    });
    session.on(
      "confirmed",
      current(() => this.#talking()),
    );
    session.on(
      "accepted",
      current(() => (incoming ? undefined : this.#talking())),
    );
    session.on(
      "ended",
      current(() => this.#forget("")),
    );
    session.on(
      "failed",
      current((data: never) => this.#forget((data as { cause?: string }).cause ?? "failed")),
    );
    this.#set({
      call: {
        direction: incoming ? "in" : "out",
        phase: incoming ? "ringing" : "dialling",
        muted: false,
        auto,
      },
    });
    if (incoming) {
      live.microphone = this.#openMicrophone();
      live.microphone.catch(() => {});
      this.#options.onIncoming?.(auto);
      if (auto) void this.answer();
    }
  }

  #attach(live: Live, connection: RTCPeerConnection): void {
    connection.addEventListener("track", (event) => {
      if (live !== this.#live) return;
      live.remote = event.streams[0] ?? new MediaStream([event.track]);
      void this.#play(live.remote);
    });
  }

  #talking(): void {
    if (this.state.call && this.state.call.phase !== "talking") this.#setCall({ phase: "talking" });
  }

  async #play(stream: MediaStream | null): Promise<void> {
    try {
      await this.#options.play(stream);
      if (this.state.problem === "audio_blocked") this.#set({ problem: null });
    } catch (error) {
      // AbortError: a newer stream took the player; only a real refusal needs the agent's click.
      if ((error as Error).name === "NotAllowedError") this.#set({ problem: "audio_blocked" });
    }
  }

  async #openMicrophone(): Promise<MediaStream> {
    try {
      const stream = await this.#options.microphone();
      if (this.state.problem?.startsWith("mic")) this.#set({ problem: null });
      return stream;
    } catch (error) {
      this.#set({ problem: microphoneProblem(error) });
      throw error;
    }
  }

  #forget(cause: string): void {
    this.#release();
    this.#set({ call: null, problem: this.state.problem === "audio_blocked" ? null : this.state.problem });
    this.#options.onEnded?.(cause);
  }

  #release(): void {
    const live = this.#live;
    this.#live = null;
    if (!live) return;
    stopTracks(live.local);
    void live.microphone?.then(stopTracks, () => {});
    void this.#options.play(null).catch(() => {});
  }

  #setCall(change: Partial<PhoneCall>): void {
    if (this.state.call) this.#set({ call: { ...this.state.call, ...change } });
  }

  #set(change: Partial<PhoneState>): void {
    const next = { ...this.state, ...change };
    if (next.status === this.state.status && next.call === this.state.call && next.problem === this.state.problem) {
      return;
    }
    this.state = next;
    this.#options.onChange(next);
  }
}

function stopTracks(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function microphoneProblem(error: unknown): PhoneProblem {
  const name = (error as Error | undefined)?.name;
  if (name === "NotAllowedError" || name === "SecurityError") return "mic_denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "mic_missing";
  if (name === "InsecureContext") return "insecure";
  return "mic_busy";
}
